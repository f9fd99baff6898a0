-- The first import into an empty node builds the indices of `enrolments` when all rows are there, inside its transaction. An index that
-- a UNIQUE in the table makes cannot be dropped, so it becomes one with a name. The columns and the rows stay as they are.
CREATE TABLE enrolments_3 (
  id INTEGER PRIMARY KEY,
  spell BLOB NOT NULL,               -- 16 bytes: keyed HMAC of provider + the provider's reference of the learner (else the ULN) + aim + start; immutable
  learner BLOB NOT NULL,             -- 16 bytes: keyed pseudonym; changes when a ULN is issued later
  provider TEXT NOT NULL,
  aim TEXT NOT NULL,
  programme INTEGER NOT NULL REFERENCES programmes (id),
  district TEXT,                     -- live GSS code; NULL = not stated
  in_area INTEGER NOT NULL,          -- 1: the LEP owns the district, or it is not stated
  enters INTEGER NOT NULL,           -- 1: among the learner's first two in the area; fixed once anything of it was counted
  skill INTEGER NOT NULL,            -- this and the next six: positions in the standard's code lists
  mode INTEGER NOT NULL,
  age INTEGER NOT NULL,              -- band at the start
  sex INTEGER NOT NULL,
  ethnicity INTEGER NOT NULL,
  disability INTEGER NOT NULL,
  prior INTEGER NOT NULL,
  start_day INTEGER NOT NULL,        -- days since 1970-01-01, as are the next two
  planned_end_day INTEGER,
  end_day INTEGER,
  stage INTEGER NOT NULL,            -- position in the standard's stages
  destination_3m INTEGER,            -- NULL: not due or not yet known
  destination_6m INTEGER,
  destination_12m INTEGER,
  confidence INTEGER,                -- NULL: not asked
  everyday INTEGER,                  -- NULL: not asked
  counted INTEGER NOT NULL DEFAULT 0 -- bit per family (Family::ALL order) that entered the ledger; bits are only ever set
) STRICT;
INSERT INTO enrolments_3 (id, spell, learner, provider, aim, programme, district, in_area, enters, skill, mode, age, sex, ethnicity,
  disability, prior, start_day, planned_end_day, end_day, stage, destination_3m, destination_6m, destination_12m, confidence, everyday, counted)
SELECT id, spell, learner, provider, aim, programme, district, in_area, enters, skill, mode, age, sex, ethnicity,
  disability, prior, start_day, planned_end_day, end_day, stage, destination_3m, destination_6m, destination_12m, confidence, everyday, counted
FROM enrolments ORDER BY id;
DROP TABLE enrolments;
ALTER TABLE enrolments_3 RENAME TO enrolments;
CREATE UNIQUE INDEX enrolments_spell ON enrolments (spell);
-- How many of a learner's enrolments enter is answered from the index alone.
CREATE INDEX enrolments_learner ON enrolments (learner, enters);
