-- An approver's no to a release, with its reason. Rows are only ever added; a release stays as it is, and what was refused may be approved later.
CREATE TABLE release_refusals (
  id INTEGER PRIMARY KEY,
  period INTEGER NOT NULL REFERENCES releases (period), -- months since 2000-01; immutable, as are the next four
  digest BLOB NOT NULL,              -- 32 bytes: SHA-256 of the payload that was refused
  person TEXT NOT NULL,              -- who refused it
  reason TEXT NOT NULL,              -- for the author, without personal data; never leaves the node
  refused_at INTEGER NOT NULL        -- seconds since 1970-01-01 UTC
) STRICT;
