-- Whether somebody used an account of a batch, as the service last found: it looks
-- through a batch a piece at a time. looked_at is when the last look that went
-- through to the end began, looking_since when the present one did, looked_row how
-- far that has come.

-- +goose Up
ALTER TABLE torch_batches ADD COLUMN used BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE torch_batches ADD COLUMN looked_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE torch_batches ADD COLUMN looking_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE torch_batches ADD COLUMN looked_row BIGINT NOT NULL DEFAULT 0;
UPDATE torch_batches SET looked_at = committed_at;
