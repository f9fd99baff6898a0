-- What a coordinator keeps besides learners' records: organisations, programmes, cohorts, spend, and who changed what when. A row with a
-- version is changed by whoever saw that version; each change adds 1, so of two people who change the same row the second is told.

-- Organisations, never persons: who delivers, employs, is trained or pays. A provider has the records that files name it in
-- (providers.name, whatever the capitals and spaces).
CREATE TABLE organisations (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE, -- mutable, as are the next three
  kind TEXT NOT NULL CHECK (kind IN ('provider', 'employer', 'charity', 'public-body', 'funder')),
  ukprn INTEGER,                     -- UK Provider Reference Number, eight digits; NULL: none or not known
  contact_role TEXT NOT NULL,        -- whom to ask: a role, never a person; '' = not stated
  version INTEGER NOT NULL DEFAULT 1
) STRICT;

ALTER TABLE programmes ADD COLUMN skills INTEGER NOT NULL DEFAULT 0; -- bit per position in the standard's skills: what it teaches; 0 = not stated
ALTER TABLE programmes ADD COLUMN mode INTEGER;              -- position in the standard's modes; NULL = not stated
ALTER TABLE programmes ADD COLUMN funder_organisation INTEGER REFERENCES organisations (id); -- NULL: `funder` is a text alone
ALTER TABLE programmes ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- One run of a programme.
CREATE TABLE cohorts (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  programme INTEGER NOT NULL REFERENCES programmes (id), -- mutable, as is all that follows
  organisation INTEGER NOT NULL REFERENCES organisations (id), -- who delivers it: kind provider
  title TEXT NOT NULL,
  start_day INTEGER,
  end_day INTEGER,
  places INTEGER,
  place TEXT NOT NULL,               -- where it is held, in words; '' = not stated
  employer INTEGER REFERENCES organisations (id), -- the business or charity whose people it trains; NULL: open to all
  version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX cohorts_programme ON cohorts (programme);
CREATE INDEX cohorts_organisation ON cohorts (organisation);

ALTER TABLE enrolments ADD COLUMN cohort INTEGER REFERENCES cohorts (id); -- NULL: in none
ALTER TABLE enrolments ADD COLUMN employer INTEGER REFERENCES organisations (id); -- the learner's, where a business or charity of this node's list; NULL: not stated
ALTER TABLE enrolments ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
-- Most enrolments come from files and are in no cohort: their import pays nothing for these.
CREATE INDEX enrolments_cohort ON enrolments (cohort) WHERE cohort IS NOT NULL;
CREATE INDEX enrolments_employer ON enrolments (employer) WHERE employer IS NOT NULL;

-- What was spent in a month, on a programme as a whole or on one cohort of it. Concerns no person.
CREATE TABLE spend (
  id INTEGER PRIMARY KEY,
  programme INTEGER REFERENCES programmes (id), -- exactly one of the two; mutable, as is all that follows
  cohort INTEGER REFERENCES cohorts (id),
  month INTEGER NOT NULL,            -- months since 2000-01
  category TEXT NOT NULL CHECK (category IN ('staff', 'premises', 'equipment', 'learner-support', 'marketing', 'overheads', 'other')),
  pence INTEGER NOT NULL CHECK (pence >= 0),
  source TEXT NOT NULL,              -- who said so: a document or a role, never a person
  version INTEGER NOT NULL DEFAULT 1,
  CHECK ((programme IS NULL) != (cohort IS NULL))
) STRICT;
CREATE INDEX spend_programme ON spend (programme);
CREATE INDEX spend_cohort ON spend (cohort);

-- Who changed what when: a row per field. Insert only; of an enrolment codes alone, and they go with it.
CREATE TABLE history (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,               -- seconds since 1970-01-01 UTC
  who TEXT NOT NULL,                 -- a person's name or `command line`
  kind TEXT NOT NULL CHECK (kind IN ('organisation', 'programme', 'cohort', 'spend', 'enrolment')),
  row INTEGER NOT NULL,              -- id in the table of that kind
  field TEXT NOT NULL,
  before TEXT,                       -- NULL: there was nothing
  after TEXT                         -- NULL: there is nothing any more
) STRICT;
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
