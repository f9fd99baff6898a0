-- National questionnaires: what the log's operators ask of this LEP. Each is a statement of the log's own that verified with the log's key.

-- Versions that ask this node's LEP, as they were signed. Insert only.
CREATE TABLE questionnaires (
  pae BLOB PRIMARY KEY,              -- SHA-256 of the PAE of its statement: what answers name
  name TEXT NOT NULL,                -- the same in every version
  version INTEGER NOT NULL,          -- from 1
  seq INTEGER NOT NULL,              -- place in the log's own sequence
  log_index INTEGER NOT NULL,        -- place in the log, from 0
  envelope BLOB NOT NULL,            -- exact bytes of the statement
  receipt TEXT NOT NULL,             -- proof of its place in the log, as it came
  asked TEXT NOT NULL,               -- the questionnaire, JSON: what the envelope was read as
  heard_at INTEGER NOT NULL,         -- seconds since 1970-01-01 UTC
  UNIQUE (name, version)
) STRICT;

-- What the log lists and this node does not keep, by the digest of what was listed. Mutable; a row goes when the log lists it no more.
CREATE TABLE questionnaires_left (
  listed BLOB PRIMARY KEY,           -- SHA-256 of the PAE as listed; of the whole line where it names none
  name TEXT,                         -- which it claims to be; NULL: it does not say, as is the next
  version INTEGER,
  refused TEXT,                      -- why it was refused, for people; NULL: it is sound and asks other LEPs
  noted_at INTEGER NOT NULL          -- seconds since 1970-01-01 UTC
) STRICT;

-- When the log was last asked for questionnaires. One row. Mutable.
CREATE TABLE questionnaires_heard (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  at INTEGER NOT NULL,               -- seconds since 1970-01-01 UTC
  problem TEXT                       -- why nothing or not everything was heard, for people; NULL: all was
) STRICT;
