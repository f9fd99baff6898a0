-- The log's word as this node holds it. It is what a log that was rolled back, or that shows others another past, is found out by.
ALTER TABLE enrolment ADD COLUMN checkpoint TEXT; -- signed checkpoint of the largest log that a receipt led to; NULL before the first
ALTER TABLE enrolment ADD COLUMN asked_at INTEGER NOT NULL DEFAULT 0; -- s, when the log was last asked whether it still has every statement

-- Receipts that newer ones took the place of: in the form of before there was a tree, or of a log that lost the statement. Insert only.
CREATE TABLE receipts_before (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,      -- of the outbox
  receipt TEXT NOT NULL,
  replaced_at INTEGER NOT NULL -- s
) STRICT;
