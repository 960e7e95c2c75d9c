-- +goose Up

-- What the desk shows of a batch: the file, who brought it, how many passwords
-- came with it, and what was planned or done (sealed, since it holds samples).
ALTER TABLE torch_batches ADD COLUMN file TEXT NOT NULL DEFAULT '';
ALTER TABLE torch_batches ADD COLUMN by_whom TEXT NOT NULL DEFAULT '';
ALTER TABLE torch_batches ADD COLUMN passwords BIGINT NOT NULL DEFAULT 0;
ALTER TABLE torch_batches ADD COLUMN plan TEXT NOT NULL DEFAULT '';

-- Who held the login name that a record came for.
ALTER TABLE torch_records ADD COLUMN holder TEXT NOT NULL DEFAULT '';

-- What could not be taken over: where and why, never what stands there.
CREATE TABLE torch_bad_rows (
    batch_id TEXT NOT NULL REFERENCES torch_batches (id),
    row_no   BIGINT NOT NULL,
    field    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (batch_id, row_no, field)
);

-- Records with something in their way, as the desk goes through them.
CREATE INDEX torch_records_snag ON torch_records (outcome, batch_id, row_no)
    WHERE decided_at > 0 AND outcome IN ('E3', 'E4', 'E5', 'I3', 'I4', 'I5', 'I6');
CREATE INDEX torch_records_rival ON torch_records (batch_id, row_no) WHERE decided_at > 0 AND rival <> '';
