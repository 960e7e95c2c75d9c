-- +goose Up

-- What people are told by SMS and e-mail. The body is sealed and blanked by the
-- delivery; the row stays for a while, so that the same request is no second one.
CREATE TABLE messages (
    id         TEXT PRIMARY KEY,
    body       TEXT NOT NULL,
    state      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    settled_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX messages_expires_at ON messages (expires_at);

-- Captchas that were answered, right or wrong.
CREATE TABLE spent_captchas (
    key        TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX spent_captchas_expires_at ON spent_captchas (expires_at);

-- One-time codes, the newest of each purpose, flow and recipient.
CREATE TABLE one_time_codes (
    slot       TEXT PRIMARY KEY,
    digest     TEXT NOT NULL,
    tries      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX one_time_codes_expires_at ON one_time_codes (expires_at);

-- When codes were sent to one recipient or asked for from one address.
CREATE TABLE send_tallies (
    key        TEXT PRIMARY KEY,
    times      TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX send_tallies_expires_at ON send_tallies (expires_at);

-- How many sign-ins went well and ill, by minute and network.
CREATE TABLE sign_in_counts (
    minute    BIGINT NOT NULL,
    network   TEXT NOT NULL,
    succeeded BIGINT NOT NULL,
    failed    BIGINT NOT NULL,
    PRIMARY KEY (minute, network)
);
