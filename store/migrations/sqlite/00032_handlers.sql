-- +goose Up

-- What units offered persons, and what became of it. Names, notes and how the
-- person was called stand sealed in detail. person_id is empty where nobody was
-- found; such an offer lapses like any other.
CREATE TABLE mandate_invitations (
    id          TEXT PRIMARY KEY,
    unit_id     TEXT NOT NULL REFERENCES units (id) ON DELETE CASCADE,
    inviter_id  TEXT NOT NULL,
    person_id   TEXT NOT NULL,
    relation    TEXT NOT NULL,
    scope       TEXT NOT NULL,
    detail      TEXT NOT NULL,
    valid_until BIGINT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('offered', 'active', 'declined', 'withdrawn', 'lapsed', 'ended', 'expired')),
    asked_at    BIGINT NOT NULL,
    answer_by   BIGINT NOT NULL,
    answered_at BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL,
    ended_by    TEXT NOT NULL
);
CREATE INDEX mandate_invitations_unit_id ON mandate_invitations (unit_id, asked_at);
CREATE INDEX mandate_invitations_person_id ON mandate_invitations (person_id, asked_at) WHERE person_id <> '';
CREATE UNIQUE INDEX mandate_invitations_active ON mandate_invitations (unit_id, person_id) WHERE state = 'active';
CREATE INDEX mandate_invitations_answer_by ON mandate_invitations (answer_by) WHERE state = 'offered';
CREATE INDEX mandate_invitations_valid_until ON mandate_invitations (valid_until) WHERE state = 'active';

-- Of which ends of mandates both sides were told, and how often.
CREATE TABLE mandate_reminders (
    mandate_id  TEXT PRIMARY KEY REFERENCES mandates (id) ON DELETE CASCADE,
    valid_until BIGINT NOT NULL,
    stage       BIGINT NOT NULL
);

-- Whether the unit wants to know who acts in its account's sessions.
ALTER TABLE units ADD COLUMN asks_actor BOOLEAN NOT NULL DEFAULT FALSE;
