-- Rights of learners whose records were tied together, and what a restore, an erasure and a lost hash must not undo.

-- The whole keyed pseudonym, 16 bytes, where `ident` is of a ULN: tells whose enrolments are whose where a wrong ULN tied two people together.
-- NULL: of a provider's reference, or noted before. Set once.
ALTER TABLE identities ADD COLUMN uln BLOB;

-- 1: rows that the node held under this number stayed when it turned out to be an erased learner's: they are never counted, and a restored
-- backup keeps them too. Set back to 0 by an erasure.
ALTER TABLE erased ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;

-- The highest number of an enrolment that went: no later one bears the number of somebody who was erased. Made-up ones are nobody's. One row;
-- grows.
CREATE TABLE numbers_gone (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  last INTEGER NOT NULL              -- enrolments.id; 0: none went
) STRICT;
INSERT INTO numbers_gone (one, last) VALUES (1, 0);
CREATE TRIGGER enrolments_number_gone AFTER DELETE ON enrolments
WHEN OLD.id > (SELECT last FROM numbers_gone) AND NOT EXISTS (SELECT 1 FROM sample)
BEGIN
  UPDATE numbers_gone SET last = OLD.id;
END;

-- That the audit log was chained: from then on an entry without a hash is a fault, also where none has one. One row from the first start on.
CREATE TABLE audit_chained (
  one INTEGER PRIMARY KEY CHECK (one = 1)
) STRICT;
CREATE TRIGGER audit_chained_kept BEFORE DELETE ON audit_chained
BEGIN
  SELECT raise(ABORT, 'the audit log is only ever added to');
END;
