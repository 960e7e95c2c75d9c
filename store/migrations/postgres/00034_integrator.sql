-- +goose Up

-- A client of a sandbox signs test accounts of the same sandbox in and nobody
-- else; the value is the project, empty for everybody and everything real.
ALTER TABLE clients ADD COLUMN sandbox TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN sandbox TEXT NOT NULL DEFAULT '';
CREATE INDEX accounts_sandbox ON accounts (sandbox) WHERE sandbox <> '';

-- The secret before, which is good until former_until.
ALTER TABLE clients ADD COLUMN former_digest TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN former_sealed TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN former_until BIGINT NOT NULL DEFAULT 0;

-- Systems that integrators connect. The form holds names and addresses of people
-- and is sealed.
CREATE TABLE integrator_projects (
    id           TEXT PRIMARY KEY,
    unit_id      TEXT NOT NULL,
    person_id    TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('testing', 'submitted', 'returned', 'approved', 'rejected')),
    form         TEXT NOT NULL,
    sandbox      TEXT NOT NULL,
    production   TEXT NOT NULL,
    reason       TEXT NOT NULL,
    decider      TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    submitted_at BIGINT NOT NULL,
    decided_at   BIGINT NOT NULL,
    version      BIGINT NOT NULL
);
CREATE INDEX integrator_projects_state ON integrator_projects (state, submitted_at);
CREATE UNIQUE INDEX integrator_projects_sandbox ON integrator_projects (sandbox) WHERE sandbox <> '';
CREATE UNIQUE INDEX integrator_projects_production ON integrator_projects (production) WHERE production <> '';

CREATE TABLE integrator_members (
    project_id TEXT NOT NULL REFERENCES integrator_projects (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role       TEXT NOT NULL CHECK (role IN ('owner', 'developer', 'viewer')),
    since      BIGINT NOT NULL,
    PRIMARY KEY (project_id, account_id)
);
CREATE INDEX integrator_members_account ON integrator_members (account_id);

-- Invitations are to a login name, whether or not anybody has it.
CREATE TABLE integrator_invites (
    id         TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES integrator_projects (id) ON DELETE CASCADE,
    blind      TEXT NOT NULL,
    login      TEXT NOT NULL,
    role       TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX integrator_invites_once ON integrator_invites (project_id, blind);
CREATE INDEX integrator_invites_blind ON integrator_invites (blind);

-- Changes of production clients that wait for a decision, one at a time each.
CREATE TABLE integrator_proposals (
    id         TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES integrator_projects (id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL,
    edits      TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('open', 'approved', 'rejected', 'withdrawn')),
    reason     TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    made_at    BIGINT NOT NULL,
    decider    TEXT NOT NULL,
    decided_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX integrator_proposals_open ON integrator_proposals (client_id) WHERE state = 'open';
CREATE INDEX integrator_proposals_project ON integrator_proposals (project_id, made_at);

-- Who changed what of a project and its clients.
CREATE TABLE integrator_changes (
    id         TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES integrator_projects (id) ON DELETE CASCADE,
    client_id  TEXT NOT NULL,
    actor      TEXT NOT NULL,
    what       TEXT NOT NULL,
    edits      TEXT NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX integrator_changes_project ON integrator_changes (project_id, at);

-- Persons who may connect systems in their own name.
CREATE TABLE integrator_persons (
    account_id TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    made_by    TEXT NOT NULL,
    made_at    BIGINT NOT NULL
);
