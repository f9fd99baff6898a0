-- Providers record on their own pages.

-- The provider's own reference of a learner, as it typed it: for that provider's pages alone. It goes with the learner's last enrolment
-- under it.
CREATE TABLE provider_references (
  ident INTEGER PRIMARY KEY,         -- enrolments.reference: keyed pseudonym of provider and reference
  organisation TEXT NOT NULL,        -- the provider under its first name (providers), lower case
  reference TEXT NOT NULL            -- no name, ULN or National Insurance number; follows the latest upload
) STRICT;
CREATE TRIGGER enrolments_reference_gone AFTER DELETE ON enrolments
WHEN OLD.reference IN (SELECT ident FROM provider_references)
BEGIN
  DELETE FROM provider_references WHERE ident = OLD.reference AND NOT EXISTS (SELECT 1 FROM enrolments WHERE reference = OLD.reference);
END;
CREATE TRIGGER enrolments_reference_other AFTER UPDATE OF reference ON enrolments
WHEN OLD.reference IS NOT NEW.reference AND OLD.reference IN (SELECT ident FROM provider_references)
BEGIN
  DELETE FROM provider_references WHERE ident = OLD.reference AND NOT EXISTS (SELECT 1 FROM enrolments WHERE reference = OLD.reference);
END;
