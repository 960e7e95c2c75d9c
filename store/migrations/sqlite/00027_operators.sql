-- +goose Up

-- The people who run the platform, apart from the accounts that it serves. Their
-- passwords and second factors are sealed together in secrets.
CREATE TABLE operators (
    id           TEXT PRIMARY KEY,
    login_name   TEXT NOT NULL,
    login_key    TEXT NOT NULL,
    role         TEXT NOT NULL,
    state        TEXT NOT NULL,
    secrets      TEXT NOT NULL,
    factor_step  BIGINT NOT NULL,
    invite       TEXT NOT NULL,
    invite_until BIGINT NOT NULL,
    accounts     TEXT NOT NULL,
    password_at  BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL,
    version      BIGINT NOT NULL
);
CREATE UNIQUE INDEX operators_login_key_key ON operators (login_key);
CREATE UNIQUE INDEX operators_invite_key ON operators (invite) WHERE invite <> '';

CREATE TABLE operator_sessions (
    key         TEXT PRIMARY KEY,
    id          TEXT NOT NULL,
    operator_id TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL,
    ip          TEXT NOT NULL,
    user_agent  TEXT NOT NULL
);
CREATE INDEX operator_sessions_operator_id ON operator_sessions (operator_id);
CREATE INDEX operator_sessions_expires_at ON operator_sessions (expires_at);

-- What one operator wants and another has to confirm.
CREATE TABLE proposals (
    id         TEXT PRIMARY KEY,
    matter     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    what       TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    made_at    BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    state      TEXT NOT NULL,
    decider    TEXT NOT NULL,
    decided_at BIGINT NOT NULL
);
CREATE INDEX proposals_made_at ON proposals (made_at);

-- What the platform tells everybody on every page for a while.
CREATE TABLE notices (
    id       TEXT PRIMARY KEY,
    text_zh  TEXT NOT NULL,
    text_en  TEXT NOT NULL,
    severity TEXT NOT NULL,
    from_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    made_by  TEXT NOT NULL,
    made_at  BIGINT NOT NULL,
    ended_at BIGINT NOT NULL
);
CREATE INDEX notices_made_at ON notices (made_at);
