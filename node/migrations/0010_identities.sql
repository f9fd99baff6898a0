-- Who is who (disclosure.md, "Unit"): a learner enters a family at most twice and an enrolment once, whatever files come later. A number
-- in here that stands for a learner is the first eight bytes, big endian, of a keyed pseudonym (of a ULN, or of provider and reference).

-- From here on `spell` is the keyed HMAC of provider (under the name it had first) + learner (the ULN, else the provider's reference) + aim +
-- start as the latest file gives them: a correction moves the row to a new one. `learner` is one of the pseudonyms of the person, the same
-- on all of a person's rows.
ALTER TABLE enrolments ADD COLUMN reference INTEGER; -- of provider and reference; NULL: the file has no reference. Follows the latest file
-- What was imported before did not keep it. Where there was no ULN it is the learner's own; elsewhere this stands for the ULN until a file
-- names the row again.
UPDATE enrolments SET reference =
  ((instr('0123456789ABCDEF', substr(hex(learner), 1, 1)) - 1) << 60) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 2, 1)) - 1) << 56) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 3, 1)) - 1) << 52) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 4, 1)) - 1) << 48) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 5, 1)) - 1) << 44) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 6, 1)) - 1) << 40) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 7, 1)) - 1) << 36) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 8, 1)) - 1) << 32) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 9, 1)) - 1) << 28) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 10, 1)) - 1) << 24) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 11, 1)) - 1) << 20) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 12, 1)) - 1) << 16) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 13, 1)) - 1) << 12) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 14, 1)) - 1) << 8) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 15, 1)) - 1) << 4) |
  ((instr('0123456789ABCDEF', substr(hex(learner), 16, 1)) - 1) << 0);
-- Who else bears a reference is answered from the index alone.
CREATE INDEX enrolments_reference ON enrolments (reference, learner);

-- Other numbers by which a learner was known, while the node holds enrolments of them.
CREATE TABLE identities (
  ident INTEGER PRIMARY KEY,
  learner BLOB NOT NULL              -- enrolments.learner; follows it
) STRICT;
CREATE INDEX identities_learner ON identities (learner);
CREATE TRIGGER enrolments_former_reference AFTER UPDATE OF reference ON enrolments
WHEN OLD.reference IS NOT NULL AND OLD.reference IS NOT NEW.reference
BEGIN
  INSERT INTO identities (ident, learner) VALUES (OLD.reference, NEW.learner) ON CONFLICT (ident) DO UPDATE SET learner = excluded.learner;
END;

-- Learners whose records were erased: all that is kept of them. What began by that day stays erased, what begins later is never counted.
CREATE TABLE erased (
  ident INTEGER PRIMARY KEY,         -- every number by which the learner was known
  day INTEGER NOT NULL               -- of the latest erasure, days since 1970-01-01
) STRICT;

-- Providers, as files name them. A provider keeps the name that its pseudonyms are made with.
CREATE TABLE providers (
  name TEXT PRIMARY KEY,             -- immutable
  was TEXT                           -- its first name, where somebody said that it is a later one; NULL: its own. Set once
) STRICT, WITHOUT ROWID;
INSERT INTO providers (name) SELECT DISTINCT provider FROM enrolments;

ALTER TABLE imports ADD COLUMN carried INTEGER NOT NULL DEFAULT 0; -- of the changed rows: the same enrolments under a corrected key
ALTER TABLE imports ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;  -- rows that were left out because their learners were erased
