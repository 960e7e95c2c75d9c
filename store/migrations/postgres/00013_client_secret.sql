-- +goose Up

-- Secrets of clients that sign their assertions with them (client_secret_jwt),
-- sealed; empty for all others.
ALTER TABLE clients ADD COLUMN secret_sealed TEXT NOT NULL DEFAULT '';
