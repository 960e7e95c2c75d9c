-- The unit that an account chose last at a system is read from the trail.

-- +goose Up
CREATE INDEX audit_chosen ON audit (actor, client_id, id) WHERE kind = 'unit.chosen';
