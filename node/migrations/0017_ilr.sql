-- Individualised Learner Records (ILR). What an ILR cannot tell (programme, skill, mode, whose a UKPRN is) and how its codes are read stands in
-- tables that people edit; an enrolment is held to the latest ILR that named it, because a file replaces its provider's year.

-- `ilr` is a kind of import, and an import may take enrolments away.
CREATE TABLE imports_17 (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('learners', 'programmes', 'postcodes', 'ilr')),
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
INSERT INTO imports_17 (id, kind, digest, rows, added, changed, unchanged, refused, outside, at, carried, erased)
SELECT id, kind, digest, rows, added, changed, unchanged, refused, outside, at, carried, erased FROM imports;
DROP TABLE imports;
ALTER TABLE imports_17 RENAME TO imports;

-- Day on which an ILR did not name the enrolment any more after something of it had been counted, days since 1970-01-01; NULL: it stands. It is in
-- no local figure then and nothing more of it is counted; what was counted stays, and a file that names it again brings it back.
ALTER TABLE enrolments ADD COLUMN removed_day INTEGER;

-- Whose an ILR is. Mutable.
CREATE TABLE ilr_providers (
  ukprn INTEGER PRIMARY KEY,         -- UK provider reference number, eight digits
  provider TEXT NOT NULL             -- name, as in providers
) STRICT;

-- What a learning aim is. The most exact row counts: the whole aim before a beginning, longer before shorter, then by provider, then by funding. Mutable.
CREATE TABLE ilr_aims (
  aim TEXT NOT NULL,                 -- LearnAimRef in capitals, or its beginning and *; of a programme aim with /S and StdCode, or /F, FworkCode, ProgType and PwayCode
  ukprn INTEGER NOT NULL DEFAULT 0,  -- 0: of any provider
  fund_model INTEGER NOT NULL DEFAULT 0, -- 0: any
  programme TEXT,                    -- programmes.code; NULL: not digital, left out. So are the next two
  skill TEXT,                        -- id in the data standard
  mode TEXT,                         -- id in the data standard
  PRIMARY KEY (aim, ukprn, fund_model)
) STRICT, WITHOUT ROWID;
-- Work placements are no teaching of digital skills (ILR specification, appendix H: class codes).
INSERT INTO ilr_aims (aim) VALUES ('ZWRKX*');

-- How a code is read. Mutable: `value`.
CREATE TABLE ilr_codes (
  field TEXT NOT NULL,               -- ILR field that leads
  code TEXT NOT NULL,                -- its code; CompStatus/Outcome, EmpStat/monitoring, OutType and OutCode together
  value TEXT NOT NULL,               -- id in the data standard
  meaning TEXT NOT NULL,             -- in words
  PRIMARY KEY (field, code)
) STRICT, WITHOUT ROWID;
INSERT INTO ilr_codes (field, code, value, meaning) VALUES
  ('Ethnicity', '31', 'white', 'English, Welsh, Scottish, Northern Irish or British'),
  ('Ethnicity', '32', 'white', 'Irish'),
  ('Ethnicity', '33', 'white', 'Gypsy or Irish Traveller'),
  ('Ethnicity', '34', 'white', 'Any other White background'),
  ('Ethnicity', '35', 'mixed', 'White and Black Caribbean'),
  ('Ethnicity', '36', 'mixed', 'White and Black African'),
  ('Ethnicity', '37', 'mixed', 'White and Asian'),
  ('Ethnicity', '38', 'mixed', 'Any other Mixed background'),
  ('Ethnicity', '39', 'asian', 'Indian'),
  ('Ethnicity', '40', 'asian', 'Pakistani'),
  ('Ethnicity', '41', 'asian', 'Bangladeshi'),
  ('Ethnicity', '42', 'asian', 'Chinese'),
  ('Ethnicity', '43', 'asian', 'Any other Asian background'),
  ('Ethnicity', '44', 'black', 'African'),
  ('Ethnicity', '45', 'black', 'Caribbean'),
  ('Ethnicity', '46', 'black', 'Any other Black background'),
  ('Ethnicity', '47', 'other', 'Arab'),
  ('Ethnicity', '98', 'other', 'Any other ethnic group'),
  ('Ethnicity', '99', 'not-stated', 'Not provided'),
  ('Sex', 'F', 'female', 'Female'),
  ('Sex', 'M', 'male', 'Male'),
  ('LLDDHealthProb', '1', 'yes', 'Considers to have a learning difficulty, disability or health problem'),
  ('LLDDHealthProb', '2', 'no', 'Does not'),
  ('LLDDHealthProb', '9', 'not-stated', 'No information'),
  ('EmpStat', '10', 'employed', 'In paid employment'),
  ('EmpStat', '10/SEI1', 'self-employed', 'In paid employment, self-employed'),
  ('EmpStat', '11', 'unemployed', 'Not in paid employment, looking for work and available'),
  ('EmpStat', '11/PEI1', 'in-education', 'The same, in full-time education before'),
  ('EmpStat', '12', 'economically-inactive', 'Not in paid employment, not looking for work or not available; retired people are among them'),
  ('EmpStat', '12/PEI1', 'in-education', 'The same, in full-time education before'),
  ('EmpStat', '98', 'not-stated', 'Not known or not provided'),
  ('CompStatus', '1', 'in-progress', 'Continuing'),
  ('CompStatus', '2', 'in-progress', 'Completed, nothing said of an outcome'),
  ('CompStatus', '2/1', 'achieved', 'Completed and achieved'),
  ('CompStatus', '2/2', 'completed-without-achievement', 'Completed, partial achievement'),
  ('CompStatus', '2/3', 'completed-without-achievement', 'Completed, no achievement'),
  ('CompStatus', '2/8', 'in-progress', 'Completed, outcome not yet known'),
  ('CompStatus', '3', 'withdrawn', 'Withdrawn'),
  ('CompStatus', '6', 'in-progress', 'On an agreed break'),
  ('WithdrawReason', '2', 'transferred', 'Transferred to another provider'),
  ('WithdrawReason', '7', 'transferred', 'Transferred through intervention or consent'),
  ('WithdrawReason', '40', 'transferred', 'Went on to a new aim with the same provider'),
  ('WithdrawReason', '41', 'transferred', 'Transferred to meet a government strategy'),
  ('WithdrawReason', '47', 'transferred', 'Transferred because of a merger'),
  ('DPOutcome', 'EMP1', 'sustained-employment', 'Paid employment of 16 hours a week or more'),
  ('DPOutcome', 'EMP2', 'sustained-employment', 'Paid employment of less than 16 hours a week'),
  ('DPOutcome', 'EMP4', 'sustained-employment', 'Self-employed for 16 hours a week or more'),
  ('DPOutcome', 'EMP5', 'sustained-employment', 'Self-employed for less than 16 hours a week'),
  ('DPOutcome', 'EDU1', 'further-learning', 'Traineeship'),
  ('DPOutcome', 'EDU2', 'further-learning', 'Apprenticeship'),
  ('DPOutcome', 'EDU3', 'further-learning', 'Supported internship'),
  ('DPOutcome', 'EDU4', 'further-learning', 'Other further education, full-time'),
  ('DPOutcome', 'EDU5', 'further-learning', 'Other further education, part-time'),
  ('DPOutcome', 'EDU6', 'further-learning', 'Higher education'),
  ('DPOutcome', 'GAP1', 'other-positive', 'Gap year before higher education'),
  ('DPOutcome', 'VOL1', 'other-positive', 'Voluntary work'),
  ('DPOutcome', 'SDE1', 'other-positive', 'Supported independent living'),
  ('DPOutcome', 'SDE2', 'other-positive', 'Independent living'),
  ('DPOutcome', 'SDE3', 'other-positive', 'Returned home'),
  ('DPOutcome', 'SDE4', 'other-positive', 'Long-term residential placement'),
  ('DPOutcome', 'NPE1', 'none', 'Not in paid employment, looking and available'),
  ('DPOutcome', 'NPE2', 'none', 'Not in paid employment, not looking or not available'),
  ('DPOutcome', 'OTH1', 'none', 'Another outcome'),
  ('DPOutcome', 'OTH2', 'not-stated', 'Not reported'),
  ('DPOutcome', 'OTH3', 'not-stated', 'Could not be contacted'),
  ('DPOutcome', 'OTH4', 'not-stated', 'Not known');

-- The latest ILR of a provider's year that was stored.
CREATE TABLE ilr_files (
  ukprn INTEGER NOT NULL,
  year INTEGER NOT NULL,             -- calendar year in which the teaching year begins
  prepared TEXT NOT NULL,            -- the file's own moment, YYYY-MM-DDTHH:MM:SS; only grows
  digest BLOB NOT NULL,              -- SHA-256 of the file
  stored_at INTEGER NOT NULL,        -- seconds since 1970-01-01 UTC
  PRIMARY KEY (ukprn, year)
) STRICT, WITHOUT ROWID;

-- The latest year's ILR that named an enrolment.
CREATE TABLE ilr_rows (
  enrolment INTEGER PRIMARY KEY REFERENCES enrolments (id) ON DELETE CASCADE, -- erased with it
  ukprn INTEGER NOT NULL,
  year INTEGER NOT NULL              -- as in ilr_files; only grows
) STRICT;
CREATE INDEX ilr_rows_file ON ilr_rows (ukprn, year);
