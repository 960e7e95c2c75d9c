-- The software statement that a client came by (RFC 7591 §2.3), empty for none: it
-- is shown with the registration, and stays in force when that changes.

-- +goose Up
ALTER TABLE registrations ADD COLUMN statement TEXT NOT NULL DEFAULT '';
