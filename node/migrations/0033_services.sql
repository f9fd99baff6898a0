-- Provision: services where people learn digital skills, as a coordinator describes them, a file lists them or an Open Referral UK feed gives
-- them. Organisations and what they offer: nothing here is about a learner, and no column refers to one.

-- What has a history, what a file holds and what a mapping is of are words of the program (store/history, store/imports, import/mapping): a
-- new kind needs no new table.
DROP TRIGGER history_unchanged;
DROP TRIGGER history_kept;
DROP TRIGGER enrolments_history;
CREATE TABLE history_33 (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,               -- seconds since 1970-01-01 UTC
  who TEXT NOT NULL,                 -- a person's name or `command line`
  kind TEXT NOT NULL CHECK (kind != ''), -- a word of store/history
  row INTEGER NOT NULL,              -- id in the table of that kind
  field TEXT NOT NULL,
  before TEXT,                       -- NULL: there was nothing
  after TEXT                         -- NULL: there is nothing any more
) STRICT;
INSERT INTO history_33 (id, at, who, kind, row, field, before, after)
SELECT id, at, who, kind, row, field, before, after FROM history;
DROP TABLE history;
ALTER TABLE history_33 RENAME TO history;
CREATE INDEX history_row ON history (kind, row);
CREATE TRIGGER history_unchanged BEFORE UPDATE ON history
BEGIN
  SELECT raise(ABORT, 'history is insert only');
END;
CREATE TRIGGER history_kept BEFORE DELETE ON history
WHEN OLD.kind != 'enrolment' OR EXISTS (SELECT 1 FROM enrolments WHERE id = OLD.row)
BEGIN
  SELECT raise(ABORT, 'history is insert only');
END;
CREATE TRIGGER enrolments_history AFTER DELETE ON enrolments
BEGIN
  DELETE FROM history WHERE kind = 'enrolment' AND row = OLD.id;
END;

CREATE TABLE imports_33 (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind != ''), -- a word of store/imports
  digest BLOB NOT NULL,              -- SHA-256 of the file
  rows INTEGER NOT NULL,
  added INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  unchanged INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  outside INTEGER NOT NULL,          -- kept for local figures, never counted
  at INTEGER NOT NULL,               -- seconds since 1970-01-01 UTC
  carried INTEGER NOT NULL DEFAULT 0, -- of the changed rows: the same enrolments under a corrected key
  erased INTEGER NOT NULL DEFAULT 0,  -- rows that were left out because their learners were erased
  removed INTEGER NOT NULL DEFAULT 0  -- enrolments of the provider's year that the file does not name any more
) STRICT;
INSERT INTO imports_33 (id, kind, digest, rows, added, changed, unchanged, refused, outside, at, carried, erased, removed)
SELECT id, kind, digest, rows, added, changed, unchanged, refused, outside, at, carried, erased, removed FROM imports;
DROP TABLE imports;
ALTER TABLE imports_33 RENAME TO imports;

CREATE TABLE mappings_33 (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE, -- of the source, as people call it; never a person
  kind TEXT NOT NULL CHECK (kind != ''), -- a word of import/mapping
  fingerprint BLOB,             -- SHA-256 over the names of the last file's header, in any order; NULL before a file was looked at
  dates TEXT NOT NULL,          -- iso | day-first: how texts are dates
  text TEXT NOT NULL,           -- utf-8 | windows-1252: of CSV files
  columns TEXT NOT NULL,        -- JSON: column of the contract -> {"column": name in the file} | {"always": text}
  "values" TEXT NOT NULL,       -- JSON: column of codes -> {what the file says: code}
  version INTEGER NOT NULL,     -- from 1; grows by 1 with every change
  by TEXT NOT NULL,             -- who changed it last
  at INTEGER NOT NULL           -- s, when
) STRICT;
INSERT INTO mappings_33 (id, name, kind, fingerprint, dates, text, columns, "values", version, by, at)
SELECT id, name, kind, fingerprint, dates, text, columns, "values", version, by, at FROM mappings;
DROP TABLE mappings;
ALTER TABLE mappings_33 RENAME TO mappings;
CREATE INDEX mappings_by_fingerprint ON mappings (fingerprint);

-- A place where people learn digital skills. All mutable but for source and source_id of a row that a feed gave.
CREATE TABLE services (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  organisation TEXT NOT NULL,        -- who offers it, in words; never a person
  organisation_id INTEGER REFERENCES organisations (id), -- the same as one of this node's list; NULL: in words alone
  description TEXT NOT NULL,         -- '' = not stated, as in every text below
  tier INTEGER NOT NULL,             -- position in the standard's tiers, "not stated" included
  skills INTEGER NOT NULL DEFAULT 0, -- bit per position in the standard's skills; 0 = not stated
  audience INTEGER NOT NULL,         -- position in the standard's audiences, "not stated" included
  mode INTEGER,                      -- position in the standard's modes; NULL = not stated
  area TEXT,                         -- GSS code of a district, or NULL: the LEP's whole area
  place TEXT NOT NULL,               -- where, in words, without its postcode
  places INTEGER,                    -- people that one run takes; NULL = not stated
  starts INTEGER,                    -- runs that begin in a year; NULL = not stated
  start_day INTEGER,                 -- days since 1970-01-01, as are the next and assured_day; NULL = not stated
  end_day INTEGER,
  cost_pence INTEGER,                -- what it costs one person; 0 = free, NULL = not stated
  cost_notes TEXT NOT NULL,
  minimum_age INTEGER,               -- years; NULL = none, as is the next
  maximum_age INTEGER,
  eligibility TEXT NOT NULL,
  accessibility TEXT NOT NULL,
  url TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'defunct', 'temporarily closed')), -- words of Open Referral UK 3.0
  public INTEGER NOT NULL,           -- 1: stands in this node's own open feed
  assured_day INTEGER,               -- when somebody last checked that it is as it is described
  assured_by TEXT NOT NULL,          -- a role or a body, never a person
  source TEXT NOT NULL,              -- address of the feed, or what a file calls its source; '' = this node's own
  source_id TEXT NOT NULL,           -- UUID at the source; '' = none
  version INTEGER NOT NULL DEFAULT 1,
  seen_at INTEGER,                   -- s, when a feed last gave it; NULL: none did. Set by pulls, without a version or history
  merged_into INTEGER REFERENCES services (id), -- the row that stands for both; NULL: it stands for itself
  pulled TEXT                        -- JSON: column -> text that the feed gave last: what differs from it somebody changed here; NULL: of no feed
) STRICT;
CREATE UNIQUE INDEX services_source ON services (source, source_id) WHERE source_id != '';
CREATE INDEX services_merged ON services (merged_into) WHERE merged_into IS NOT NULL;
