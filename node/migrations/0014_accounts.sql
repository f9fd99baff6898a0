-- Accounts. Moments are seconds since 1970-01-01 UTC. What opens something (a link, a token, a code) is kept as the SHA-256 of what was drawn
-- at random and shown once; secrets that people choose are kept under argon2id.

-- Roles: the author of before is the coordinator of now.
CREATE TABLE people_14 (
  name TEXT PRIMARY KEY,             -- immutable
  role TEXT NOT NULL CHECK (role IN ('admin', 'coordinator', 'approver', 'provider', 'viewer')), -- mutable
  organisation TEXT,                 -- of a provider: the one whose records it sees, by its name in files; mutable. NULL for everybody else
  secret_hash TEXT,                  -- argon2id, PHC string; NULL until the person has set one; mutable
  added_at INTEGER NOT NULL,         -- s; immutable
  locked_at INTEGER,                 -- s; since when an admin keeps them out; NULL: not locked; mutable
  totp_key BLOB,                     -- 20 bytes, shared with the person's phone (RFC 6238); NULL: no second step; mutable
  totp_step INTEGER,                 -- the last step of 30 s whose code was taken; only grows
  CHECK ((role = 'provider') = (organisation IS NOT NULL)),
  CHECK ((totp_key IS NULL) = (totp_step IS NULL))
) STRICT;
INSERT INTO people_14 (name, role, secret_hash, added_at)
SELECT name, CASE role WHEN 'author' THEN 'coordinator' ELSE role END, secret_hash, added_at FROM people;
DROP TABLE people;
ALTER TABLE people_14 RENAME TO people;

-- Codes for the day the phone is lost. A row goes when its code was used.
CREATE TABLE recovery_codes (
  code BLOB PRIMARY KEY,             -- 32 bytes; immutable
  person TEXT NOT NULL REFERENCES people (name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Links on which a person sets their own secret. A row goes when its link was used.
CREATE TABLE set_up_links (
  token BLOB PRIMARY KEY,            -- 32 bytes; immutable
  person TEXT UNIQUE REFERENCES people (name) ON DELETE CASCADE, -- NULL: whoever opens it becomes the first admin
  made_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL        -- s; immutable
) STRICT, WITHOUT ROWID;

-- With what a person's programs prove themselves. They may what the person may.
CREATE TABLE api_tokens (
  id INTEGER PRIMARY KEY,
  token BLOB NOT NULL UNIQUE,        -- 32 bytes; immutable
  person TEXT NOT NULL REFERENCES people (name) ON DELETE CASCADE,
  label TEXT NOT NULL,               -- what it is for, in the person's words; immutable
  made_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,       -- s; immutable
  used_day INTEGER                   -- days since 1970-01-01 of the last use; NULL: never used
) STRICT;
CREATE INDEX api_tokens_person ON api_tokens (person);

-- Browsers on which a person has signed in: what strangers try elsewhere does not close the name there.
CREATE TABLE known_browsers (
  token BLOB NOT NULL,               -- 32 bytes, the same for everybody who uses the browser; immutable
  person TEXT NOT NULL REFERENCES people (name) ON DELETE CASCADE,
  used_day INTEGER NOT NULL,         -- days since 1970-01-01 of the last sign-in there
  PRIMARY KEY (token, person)
) STRICT, WITHOUT ROWID;

-- Whether all records are the made-up ones for trying out. One row while they are; nothing is released or enrolled meanwhile.
CREATE TABLE sample (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  at INTEGER NOT NULL                -- s; when they were brought in
) STRICT;
