-- Demand for digital skills: what people, employers, charities and public bodies say that they need. It counts people who were asked, who are a
-- unit of their own: no row is of a learner, none bears anything that a learner's row bears, and nothing joins the two.

-- Of kinds of rows, files and mappings there are more from now on, and more to come: the program knows the words and refuses others, so that these
-- tables need not be made anew for each.
DROP TRIGGER history_unchanged;
DROP TRIGGER history_kept;
DROP TRIGGER enrolments_history;
CREATE TABLE history_32 (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,               -- seconds since 1970-01-01 UTC
  who TEXT NOT NULL,                 -- a person's name or `command line`
  kind TEXT NOT NULL,                -- organisation, programme, cohort, spend, enrolment, demand, ...
  row INTEGER NOT NULL,              -- id in the table of that kind
  field TEXT NOT NULL,
  before TEXT,                       -- NULL: there was nothing
  after TEXT                         -- NULL: there is nothing any more
) STRICT;
INSERT INTO history_32 SELECT id, at, who, kind, row, field, before, after FROM history;
DROP TABLE history;
ALTER TABLE history_32 RENAME TO history;
CREATE INDEX history_row ON history (kind, row);
CREATE TRIGGER history_unchanged BEFORE UPDATE ON history
BEGIN
  SELECT raise(ABORT, 'history is insert only');
END;
CREATE TRIGGER history_kept BEFORE DELETE ON history
WHEN NOT EXISTS (SELECT 1 FROM sample) AND (OLD.kind != 'enrolment' OR EXISTS (SELECT 1 FROM enrolments WHERE id = OLD.row))
BEGIN
  SELECT raise(ABORT, 'history is insert only');
END;
CREATE TRIGGER enrolments_history AFTER DELETE ON enrolments
BEGIN
  DELETE FROM history WHERE kind = 'enrolment' AND row = OLD.id;
END;

CREATE TABLE imports_32 (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,                -- learners, programmes, postcodes, ilr, demand, vacancies, survey, ...
  digest BLOB NOT NULL,              -- SHA-256 of the file
  rows INTEGER NOT NULL,
  added INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  unchanged INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  outside INTEGER NOT NULL,          -- kept for local figures, never counted
  at INTEGER NOT NULL,
  carried INTEGER NOT NULL DEFAULT 0, -- of the changed rows: the same enrolments under a corrected key
  erased INTEGER NOT NULL DEFAULT 0,  -- rows that were left out because their learners were erased
  removed INTEGER NOT NULL DEFAULT 0  -- enrolments of the provider's year that the file does not name any more
) STRICT;
INSERT INTO imports_32 SELECT id, kind, digest, rows, added, changed, unchanged, refused, outside, at, carried, erased, removed FROM imports;
DROP TABLE imports;
ALTER TABLE imports_32 RENAME TO imports;

CREATE TABLE mappings_32 (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE, -- of the source, as people call it; never a person
  kind TEXT NOT NULL,           -- what the files hold: learners, programmes, demand, vacancies, ...
  fingerprint BLOB,             -- SHA-256 over the names of the last file's header, in any order; NULL before a file was looked at
  dates TEXT NOT NULL,          -- iso | day-first: how texts are dates
  text TEXT NOT NULL,           -- utf-8 | windows-1252: of CSV files
  columns TEXT NOT NULL,        -- JSON: column of the contract -> {"column": name in the file} | {"always": text}
  "values" TEXT NOT NULL,       -- JSON: column of codes -> {what the file says: code}
  version INTEGER NOT NULL,     -- from 1; grows by 1 with every change
  by TEXT NOT NULL,             -- who changed it last
  at INTEGER NOT NULL           -- s, when
) STRICT;
INSERT INTO mappings_32 SELECT id, name, kind, fingerprint, dates, text, columns, "values", version, by, at FROM mappings;
DROP TABLE mappings;
ALTER TABLE mappings_32 RENAME TO mappings;
CREATE INDEX mappings_by_fingerprint ON mappings (fingerprint);

-- One need that somebody stated. All but the number is mutable. A number that went is never given again: its history stays.
CREATE TABLE demand (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  code TEXT NOT NULL UNIQUE COLLATE NOCASE, -- what the partnership calls it; made by the node (D and a number) where nobody gave one
  asks TEXT NOT NULL CHECK (asks IN ('individual', 'employer', 'charity', 'public-body')),
  organisation INTEGER REFERENCES organisations (id), -- who asks, where it is one of this node's list; NULL: not stated, or several
  tier INTEGER NOT NULL,             -- position in the standard's tiers, as are the next two in its skills and audiences
  skill INTEGER NOT NULL,
  audience INTEGER NOT NULL,
  district TEXT,                     -- GSS code of a district that the LEP owns; NULL: the whole area
  number INTEGER CHECK (number BETWEEN 1 AND 1000000), -- how many; NULL: the source did not publish it, which is not 0
  counts TEXT NOT NULL CHECK (counts IN ('people', 'employers', 'vacancies')), -- what `number` is a number of
  from_month INTEGER NOT NULL,       -- months since 2000-01: when the need is, as is the next
  until_month INTEGER,               -- NULL: open
  how TEXT NOT NULL CHECK (how IN ('survey', 'vacancies', 'panel', 'workshop', 'application')), -- how it was learnt
  sure TEXT NOT NULL CHECK (sure IN ('counted', 'estimated', 'guessed')),
  said_by TEXT NOT NULL,             -- a role or a body, never a person
  holds_until INTEGER,               -- days since 1970-01-01: the last day on which it is taken for true; NULL: not stated
  note TEXT NOT NULL,                -- '' = none
  largest INTEGER,                   -- of a row that adds up several organisations without naming them: what the largest of them has in
  second INTEGER,                    -- `number`, and the second largest (0: there is one only); NULL: not known, so they are taken for one
  import INTEGER,                    -- imports.id of the file that brought it; NULL: by form, command or program; never changes
  version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX demand_import ON demand (import) WHERE import IS NOT NULL;
CREATE INDEX demand_organisation ON demand (organisation) WHERE organisation IS NOT NULL;
