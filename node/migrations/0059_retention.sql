-- For how long records are kept, as people set it on the page; a table [retention] of the configuration comes before it. Insert only: the last
-- row holds, and the others say who changed it, when and why.
CREATE TABLE retention_periods (
  id INTEGER PRIMARY KEY,
  months INTEGER CHECK (months BETWEEN 1 AND 1200), -- after the end of a learner's last enrolment; NULL: nothing is deleted by itself
  reason TEXT NOT NULL,              -- why, in a sentence that names nobody
  who TEXT NOT NULL,                 -- a person's name or `command line`
  at INTEGER NOT NULL                -- seconds since 1970-01-01 UTC
) STRICT;
