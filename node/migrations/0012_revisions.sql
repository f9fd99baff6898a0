-- What this node withdrew, and what it published again. Insert only; whether a row is a withdrawal or a correction is its statement's kind.
CREATE TABLE revisions (
  seq INTEGER PRIMARY KEY REFERENCES outbox (seq),  -- of the withdrawal or correction
  target INTEGER NOT NULL REFERENCES outbox (seq),  -- the statement that is withdrawn, or in whose place the correction stands
  reason TEXT NOT NULL,                             -- for everybody; part of what was signed
  person TEXT NOT NULL,                             -- the approver who decided it
  decided_at INTEGER NOT NULL                       -- s
) STRICT;
CREATE INDEX revisions_by_target ON revisions (target);
