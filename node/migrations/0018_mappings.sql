-- What the columns of a source's files stand for: names of columns and codes, nothing of a row.
CREATE TABLE mappings (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE, -- of the source, as people call it; never a person
  kind TEXT NOT NULL CHECK (kind IN ('learners', 'programmes')),
  fingerprint BLOB,             -- SHA-256 over the names of the last file's header, in any order; NULL before a file was looked at
  dates TEXT NOT NULL,          -- iso | day-first: how texts are dates
  text TEXT NOT NULL,           -- utf-8 | windows-1252: of CSV files
  columns TEXT NOT NULL,        -- JSON: column of the contract -> {"column": name in the file} | {"always": text}
  "values" TEXT NOT NULL,       -- JSON: column of codes -> {what the file says: code}
  version INTEGER NOT NULL,     -- from 1; grows by 1 with every change
  by TEXT NOT NULL,             -- who changed it last
  at INTEGER NOT NULL           -- s, when
) STRICT;
CREATE INDEX mappings_by_fingerprint ON mappings (fingerprint);
