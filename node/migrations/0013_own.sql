-- The log's own statements (keys, data standards) with their receipts. A log that was restored from a backup gets them back from the
-- nodes: it cannot make them again. Insert only.
CREATE TABLE own_statements (
  seq INTEGER PRIMARY KEY,      -- of the log's own, from 1 without a gap
  log_index INTEGER NOT NULL,   -- leaf, from 0
  envelope BLOB NOT NULL,       -- exact bytes, verified with the log's key
  receipt TEXT NOT NULL,        -- proof of the leaf, verified
  fetched_at INTEGER NOT NULL   -- s
) STRICT;
ALTER TABLE enrolment ADD COLUMN own_through INTEGER NOT NULL DEFAULT 0; -- leaves of the log for which all of them are here; grows
