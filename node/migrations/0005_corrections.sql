-- Corrections (disclosure.md, "Insert-only"): an enrolment that was published under other codes than it has now may be taken out of its old
-- cells and put into its new ones once. What it was published under is kept when an import changes it, per families counted by then.
CREATE TABLE corrections (
  enrolment INTEGER NOT NULL REFERENCES enrolments (id) ON DELETE CASCADE, -- erased with it
  families INTEGER NOT NULL,         -- bits as in enrolments.counted that were published under these codes; immutable, as are all but settled
  district TEXT,                     -- this and the next columns: as in enrolments
  skill INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  age INTEGER NOT NULL,
  sex INTEGER NOT NULL,
  ethnicity INTEGER NOT NULL,
  disability INTEGER NOT NULL,
  prior INTEGER NOT NULL,
  stage INTEGER NOT NULL,
  destination_3m INTEGER,
  destination_6m INTEGER,
  destination_12m INTEGER,
  confidence INTEGER,
  everyday INTEGER,
  tier INTEGER NOT NULL,             -- this and the next two: of the programme
  type INTEGER NOT NULL,
  audience INTEGER NOT NULL,
  settled INTEGER NOT NULL DEFAULT 0, -- 1: the enrolment's one correction was published; set once
  PRIMARY KEY (enrolment, families)
) STRICT;

-- What the published corrections cost, one row each, without the enrolment. Insert only.
CREATE TABLE ledger_corrections (
  id INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  month INTEGER NOT NULL,            -- of the epoch, from 1
  moved TEXT NOT NULL,               -- JSON list of the tables in which a cell moved
  FOREIGN KEY (epoch, month) REFERENCES ledger_months (epoch, month)
) STRICT;

-- Codes change only by an import; counting changes `counted` alone and does not come by here.
CREATE TRIGGER enrolments_published_codes
BEFORE UPDATE OF programme, district, skill, mode, age, sex, ethnicity, disability, prior, stage,
  destination_3m, destination_6m, destination_12m, confidence, everyday ON enrolments
WHEN OLD.counted != 0 AND (
  OLD.programme != NEW.programme OR OLD.district IS NOT NEW.district OR OLD.skill != NEW.skill OR OLD.mode != NEW.mode
  OR OLD.age != NEW.age OR OLD.sex != NEW.sex OR OLD.ethnicity != NEW.ethnicity OR OLD.disability != NEW.disability
  OR OLD.prior != NEW.prior OR OLD.stage != NEW.stage OR OLD.destination_3m IS NOT NEW.destination_3m
  OR OLD.destination_6m IS NOT NEW.destination_6m OR OLD.destination_12m IS NOT NEW.destination_12m
  OR OLD.confidence IS NOT NEW.confidence OR OLD.everyday IS NOT NEW.everyday)
BEGIN
  INSERT INTO corrections (enrolment, families, district, skill, mode, age, sex, ethnicity, disability, prior, stage,
    destination_3m, destination_6m, destination_12m, confidence, everyday, tier, type, audience, settled)
  SELECT OLD.id, OLD.counted & ~held.families, OLD.district, OLD.skill, OLD.mode, OLD.age, OLD.sex, OLD.ethnicity, OLD.disability,
    OLD.prior, OLD.stage, OLD.destination_3m, OLD.destination_6m, OLD.destination_12m, OLD.confidence, OLD.everyday,
    p.tier, p.type, p.audience, held.settled
  FROM programmes AS p,
    (SELECT coalesce(sum(families), 0) AS families, coalesce(max(settled), 0) AS settled FROM corrections WHERE enrolment = OLD.id) AS held
  WHERE p.id = OLD.programme AND OLD.counted & ~held.families != 0;
END;
