-- A provider's own reference stands with its enrolment, whoever brought it: a coordinator's file and an ILR have it too.
-- For that provider's pages alone. No name, birth date, ULN or National Insurance number: what looks like one is not kept. NULL where the row had
-- none that may be kept.
ALTER TABLE enrolments ADD COLUMN own_reference TEXT;
UPDATE enrolments SET own_reference = (SELECT r.reference FROM provider_references AS r WHERE r.ident = enrolments.reference)
WHERE reference IN (SELECT ident FROM provider_references);
DROP TRIGGER enrolments_reference_gone;
DROP TRIGGER enrolments_reference_other;
DROP TABLE provider_references;
