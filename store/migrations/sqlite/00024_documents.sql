-- +goose Up

-- The cases that documents are evidence in, as far as documents are concerned.
CREATE TABLE document_cases (
    id         TEXT PRIMARY KEY,
    touched_at BIGINT NOT NULL,
    closed_at  BIGINT NOT NULL,
    erase_at   BIGINT NOT NULL
);

-- One uploaded file. dek is the sealed key of its blob and empty once destroyed;
-- blob is empty once the blob is deleted. state: 0 being stored, 1 there, 2 erased.
CREATE TABLE documents (
    id         TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    case_id    TEXT NOT NULL REFERENCES document_cases (id),
    kind       TEXT NOT NULL,
    state      BIGINT NOT NULL,
    pages      BIGINT NOT NULL,
    size       BIGINT NOT NULL,
    dek        TEXT NOT NULL,
    blob       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    erased_at  BIGINT NOT NULL
);
CREATE INDEX documents_case_id ON documents (case_id);
CREATE INDEX documents_owner ON documents (owner);
CREATE INDEX documents_state ON documents (state, created_at);

-- What each owner keeps at once.
CREATE TABLE document_quotas (
    owner TEXT PRIMARY KEY,
    n     BIGINT NOT NULL,
    bytes BIGINT NOT NULL
);
