-- Providers explain columns of their own files, too; each sees and uses its own mappings alone, and a name is one provider's.
CREATE TABLE mappings_63 (
  id INTEGER PRIMARY KEY,
  organisation TEXT NOT NULL,   -- the provider under its first name (providers), lower case; empty: the LEP's own people's
  name TEXT NOT NULL COLLATE NOCASE, -- of the source, as people call it; never a person
  kind TEXT NOT NULL,           -- what the files hold: learners, programmes, demand, vacancies, ...
  fingerprint BLOB,             -- SHA-256 over the names of the last file's header, in any order; NULL before a file was looked at
  dates TEXT NOT NULL,          -- iso | day-first: how texts are dates
  text TEXT NOT NULL,           -- utf-8 | windows-1252: of CSV files
  columns TEXT NOT NULL,        -- JSON: column of the contract -> {"column": name in the file} | {"always": text}
  "values" TEXT NOT NULL,       -- JSON: column of codes -> {what the file says: code}
  version INTEGER NOT NULL,     -- from 1; grows by 1 with every change
  by TEXT NOT NULL,             -- who changed it last
  at INTEGER NOT NULL,          -- s, when
  UNIQUE (organisation, name)
) STRICT;
INSERT INTO mappings_63 SELECT id, '', name, kind, fingerprint, dates, text, columns, "values", version, by, at FROM mappings;
DROP TABLE mappings;
ALTER TABLE mappings_63 RENAME TO mappings;
CREATE INDEX mappings_by_fingerprint ON mappings (fingerprint);
