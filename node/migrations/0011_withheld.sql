-- What a lost ledger leaves behind, and how an enrolment was described when it was counted.

-- Bit per family (as in counted) of what was dated by the last month before a second epoch, or counted by then: the first epoch published it or may
-- have. It never enters the second, and is not corrected there. Bits are only ever set.
ALTER TABLE enrolments ADD COLUMN withheld INTEGER NOT NULL DEFAULT 0;
-- The latest draw that counted something of it: month (since 2000-01) << 7 | bits that it set in counted. NULL: nothing was counted since
-- migration 11. By it a draw that was never published, and whose ledger is lost, is taken back.
ALTER TABLE enrolments ADD COLUMN drawn INTEGER;
-- This and the next two: the programme's at the time when it was described anew after something of this enrolment was counted; NULL: as the
-- programme says. They stay until the enrolment is another programme's.
ALTER TABLE enrolments ADD COLUMN tier INTEGER;
ALTER TABLE enrolments ADD COLUMN type INTEGER;
ALTER TABLE enrolments ADD COLUMN audience INTEGER;

-- A programme that is described anew moves no enrolment that was counted.
CREATE TRIGGER programmes_described_anew
BEFORE UPDATE OF tier, type, audience ON programmes
WHEN OLD.tier != NEW.tier OR OLD.type != NEW.type OR OLD.audience != NEW.audience
BEGIN
  UPDATE enrolments SET tier = OLD.tier, type = OLD.type, audience = OLD.audience
  WHERE programme = OLD.id AND tier IS NULL AND (counted | withheld) != 0;
END;
CREATE TRIGGER enrolments_other_programme
AFTER UPDATE OF programme ON enrolments
WHEN OLD.programme != NEW.programme AND OLD.tier IS NOT NULL
BEGIN
  UPDATE enrolments SET tier = NULL, type = NULL, audience = NULL WHERE id = NEW.id;
END;

-- As in migration 5, but for what is withheld and for the description.
DROP TRIGGER enrolments_published_codes;
CREATE TRIGGER enrolments_published_codes
BEFORE UPDATE OF programme, district, skill, mode, age, sex, ethnicity, disability, prior, stage,
  destination_3m, destination_6m, destination_12m, confidence, everyday ON enrolments
WHEN OLD.counted & ~OLD.withheld != 0 AND (
  OLD.programme != NEW.programme OR OLD.district IS NOT NEW.district OR OLD.skill != NEW.skill OR OLD.mode != NEW.mode
  OR OLD.age != NEW.age OR OLD.sex != NEW.sex OR OLD.ethnicity != NEW.ethnicity OR OLD.disability != NEW.disability
  OR OLD.prior != NEW.prior OR OLD.stage != NEW.stage OR OLD.destination_3m IS NOT NEW.destination_3m
  OR OLD.destination_6m IS NOT NEW.destination_6m OR OLD.destination_12m IS NOT NEW.destination_12m
  OR OLD.confidence IS NOT NEW.confidence OR OLD.everyday IS NOT NEW.everyday)
BEGIN
  INSERT INTO corrections (enrolment, families, district, skill, mode, age, sex, ethnicity, disability, prior, stage,
    destination_3m, destination_6m, destination_12m, confidence, everyday, tier, type, audience, settled)
  SELECT OLD.id, OLD.counted & ~OLD.withheld & ~held.families, OLD.district, OLD.skill, OLD.mode, OLD.age, OLD.sex, OLD.ethnicity, OLD.disability,
    OLD.prior, OLD.stage, OLD.destination_3m, OLD.destination_6m, OLD.destination_12m, OLD.confidence, OLD.everyday,
    coalesce(OLD.tier, p.tier), coalesce(OLD.type, p.type), coalesce(OLD.audience, p.audience), held.settled
  FROM programmes AS p,
    (SELECT coalesce(sum(families), 0) AS families, coalesce(max(settled), 0) AS settled FROM corrections WHERE enrolment = OLD.id) AS held
  WHERE p.id = OLD.programme AND OLD.counted & ~OLD.withheld & ~held.families != 0;
END;
