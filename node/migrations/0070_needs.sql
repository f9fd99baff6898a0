-- Needs of the area as drafts and as they were published: a statement of what is asked for and one of what is offered. Nothing here is of a
-- learner.
CREATE TABLE needs (
  id INTEGER PRIMARY KEY,
  demand TEXT NOT NULL,        -- exact JSON of the payload; immutable, as are the next two
  provision TEXT,              -- as well; NULL: taken back from a log that did not have it
  left_out TEXT NOT NULL,      -- JSON: the sums that are not told, or not as they are now, and why; records of other LEPs' districts
  made_of TEXT NOT NULL,       -- JSON: what told sums are made of, by organisation; exact, never leaves the node; empty once newer needs are published
  digest BLOB NOT NULL,        -- SHA-256 of both payloads, each with a line feed behind it; an approver names it
  author TEXT NOT NULL,        -- who prepared it; 'the log' for what was taken back
  prepared_at INTEGER NOT NULL, -- seconds since 1970-01-01 UTC, as all moments here
  refused_by TEXT,             -- the approver who refused it; insert once, as are all below
  refused_at INTEGER,
  reason TEXT,                 -- why, for the coordinator; stays at the node
  approver TEXT,               -- who published it
  approved_at INTEGER,
  demand_seq INTEGER UNIQUE REFERENCES outbox (seq),   -- the statement of what is asked for
  provision_seq INTEGER UNIQUE REFERENCES outbox (seq) -- the one of what is offered
) STRICT;
-- One draft waits at a time.
CREATE UNIQUE INDEX needs_waiting ON needs ((1)) WHERE refused_at IS NULL AND approved_at IS NULL;
