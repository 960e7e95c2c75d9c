-- Times are Unix milliseconds in UTC, 0 where there is none. Empty text stands
-- for "none"; nothing is NULL. Lists and documents are JSON text.

-- +goose Up
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    n    BIGINT NOT NULL
);
INSERT INTO counters (name, n) VALUES ('clients', 0);

CREATE TABLE keys (
    kid          TEXT PRIMARY KEY,
    purpose      TEXT NOT NULL,
    algorithm    TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    number       BIGINT NOT NULL,
    sealed       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    activated_at BIGINT NOT NULL,
    retired_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX keys_state_key ON keys (purpose, algorithm, state) WHERE state IN ('next', 'active');
CREATE UNIQUE INDEX keys_number_key ON keys (purpose, number) WHERE purpose <> 'sign';

CREATE TABLE units (
    id                     TEXT PRIMARY KEY,
    uscc                   TEXT NOT NULL,
    name                   TEXT NOT NULL,
    type                   TEXT NOT NULL,
    region                 TEXT NOT NULL,
    registration_authority TEXT NOT NULL,
    status                 TEXT NOT NULL,
    state                  TEXT NOT NULL CHECK (state IN ('active', 'frozen', 'closed')),
    account_id             TEXT NOT NULL,
    verified_at            BIGINT NOT NULL,
    realname_status        TEXT NOT NULL,
    realname_level         TEXT NOT NULL,
    realname_method        TEXT NOT NULL,
    realname_verified_at   BIGINT NOT NULL,
    process_id             TEXT NOT NULL,
    check_id               TEXT NOT NULL,
    check_organization     TEXT NOT NULL
);
CREATE UNIQUE INDEX units_uscc_key ON units (uscc);
CREATE UNIQUE INDEX units_account_id_key ON units (account_id) WHERE account_id <> '';
CREATE INDEX units_name ON units (name);

-- accounts.unit_id and units.account_id point at each other, so neither is a
-- foreign key; the unique index above keeps a legal account to one unit.
CREATE TABLE accounts (
    id                   TEXT PRIMARY KEY,
    kind                 TEXT NOT NULL CHECK (kind IN ('natural_person', 'legal_entity')),
    state                TEXT NOT NULL CHECK (state IN ('active', 'frozen', 'closed')),
    login_name           TEXT NOT NULL,
    login_key            TEXT NOT NULL,
    unit_id              TEXT NOT NULL,
    realname_status      TEXT NOT NULL,
    realname_level       TEXT NOT NULL,
    realname_method      TEXT NOT NULL,
    realname_verified_at BIGINT NOT NULL,
    process_id           TEXT NOT NULL,
    check_id             TEXT NOT NULL,
    check_organization   TEXT NOT NULL,
    profile              TEXT NOT NULL,
    locale               TEXT NOT NULL,
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL,
    password_changed_at  BIGINT NOT NULL,
    version              BIGINT NOT NULL
);
CREATE UNIQUE INDEX accounts_login_key ON accounts (login_key);

CREATE TABLE credentials (
    account_id  TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    phc         TEXT NOT NULL,
    changed_at  BIGINT NOT NULL,
    must_change BOOLEAN NOT NULL
);

CREATE TABLE throttle (
    key        TEXT PRIMARY KEY,
    n          BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX throttle_expires_at ON throttle (expires_at);

CREATE TABLE systems (
    id            TEXT PRIMARY KEY,
    name_zh       TEXT NOT NULL,
    name_en       TEXT NOT NULL,
    owner         TEXT NOT NULL,
    entry_url     TEXT NOT NULL,
    account_kinds TEXT NOT NULL,
    level         TEXT NOT NULL,
    actions       TEXT NOT NULL
);

CREATE TABLE mandates (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    unit_id     TEXT NOT NULL REFERENCES units (id) ON DELETE CASCADE,
    relation    TEXT NOT NULL,
    state       TEXT NOT NULL,
    source      TEXT NOT NULL,
    valid_from  BIGINT NOT NULL,
    valid_until BIGINT NOT NULL
);
CREATE INDEX mandates_account_id ON mandates (account_id);
CREATE INDEX mandates_unit_id ON mandates (unit_id);

CREATE TABLE entitlements (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    unit_id     TEXT NOT NULL,
    system      TEXT NOT NULL REFERENCES systems (id),
    actions     TEXT NOT NULL,
    state       TEXT NOT NULL,
    source      TEXT NOT NULL,
    valid_from  BIGINT NOT NULL,
    valid_until BIGINT NOT NULL
);
CREATE INDEX entitlements_account_id ON entitlements (account_id);
CREATE INDEX entitlements_unit_id ON entitlements (unit_id) WHERE unit_id <> '';

-- No foreign keys from here on where sign-in writes: each would lock and touch
-- the account's row.
CREATE TABLE sessions (
    key        TEXT PRIMARY KEY,
    id         TEXT NOT NULL,
    account_id TEXT NOT NULL,
    actor_id   TEXT NOT NULL,
    unit_id    TEXT NOT NULL,
    auth_time  BIGINT NOT NULL,
    amr        TEXT NOT NULL,
    acr        TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL,
    shared     BOOLEAN NOT NULL,
    ip         TEXT NOT NULL,
    user_agent TEXT NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX sessions_id_key ON sessions (id);
CREATE INDEX sessions_account_id ON sessions (account_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE clients (
    id            TEXT PRIMARY KEY,
    metadata      TEXT NOT NULL,
    secret_digest TEXT NOT NULL,
    state         TEXT NOT NULL,
    reviewed      BOOLEAN NOT NULL,
    version       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX clients_version_key ON clients (version);

-- The web origins of a client's redirect URIs (RFC 6454).
CREATE TABLE client_origins (
    origin    TEXT NOT NULL,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    PRIMARY KEY (origin, client_id)
);
CREATE INDEX client_origins_client_id ON client_origins (client_id);

CREATE TABLE consents (
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    given_at   BIGINT NOT NULL,
    PRIMARY KEY (account_id, client_id)
);
CREATE INDEX consents_client_id ON consents (client_id);

-- The columns that change (state, code_spent, rt_gen, rt_rotated_at) stand in
-- no index, so that spending and refreshing stay heap-only updates.
CREATE TABLE grants (
    id            TEXT PRIMARY KEY,
    client_id     TEXT NOT NULL,
    account_id    TEXT NOT NULL,
    actor_id      TEXT NOT NULL,
    unit_id       TEXT NOT NULL,
    session_id    TEXT NOT NULL,
    offline       BOOLEAN NOT NULL,
    state         BIGINT NOT NULL CHECK (state IN (0, 1, 2)),
    code_spent    BOOLEAN NOT NULL,
    created_at    BIGINT NOT NULL,
    code_exp      BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    rt_gen        BIGINT NOT NULL,
    rt_rotated_at BIGINT NOT NULL,
    secret        TEXT NOT NULL,
    data          TEXT NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX grants_client_id ON grants (client_id);
CREATE INDEX grants_account_id ON grants (account_id) WHERE account_id <> '';
CREATE INDEX grants_session_id ON grants (session_id) WHERE session_id <> '';
CREATE INDEX grants_expires_at ON grants (expires_at);

CREATE TABLE interactions (
    key          TEXT PRIMARY KEY,
    client_id    TEXT NOT NULL,
    form         TEXT NOT NULL,
    browser      TEXT NOT NULL,
    pushed       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    signed_in_at BIGINT NOT NULL,
    session_id   TEXT NOT NULL,
    selected     BOOLEAN NOT NULL,
    unit         TEXT NOT NULL,
    consented    BOOLEAN NOT NULL,
    declined     TEXT NOT NULL,
    grant_id     TEXT NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX interactions_expires_at ON interactions (expires_at);

CREATE TABLE pushed_requests (
    key        TEXT PRIMARY KEY,
    client_id  TEXT NOT NULL,
    form       TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    visited    BOOLEAN NOT NULL,
    used_at    BIGINT NOT NULL
);
CREATE INDEX pushed_requests_expires_at ON pushed_requests (expires_at);

CREATE TABLE assertions (
    client_id TEXT NOT NULL,
    jti       TEXT NOT NULL,
    exp       BIGINT NOT NULL,
    PRIMARY KEY (client_id, jti)
);
CREATE INDEX assertions_exp ON assertions (exp);

CREATE TABLE outbox (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    payload    TEXT NOT NULL,
    attempts   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at     BIGINT NOT NULL
);
CREATE INDEX outbox_due_at ON outbox (due_at);

CREATE TABLE audit (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         BIGINT NOT NULL,
    kind       TEXT NOT NULL,
    actor      TEXT NOT NULL,
    object     TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    result     TEXT NOT NULL,
    detail     TEXT NOT NULL,
    ip         TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    request_id TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_object ON audit (object);

-- +goose StatementBegin
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
