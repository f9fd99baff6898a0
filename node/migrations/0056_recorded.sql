-- What tutors record, and what they take back again.

-- The answers at the start, until the follow-up: only what came of both is kept then, and these go. Not codes, and never counted.
ALTER TABLE enrolments ADD COLUMN confidence_before INTEGER; -- 1 (not confident at all) to 10 (very confident); NULL: not asked, or both answers came
ALTER TABLE enrolments ADD COLUMN everyday_before INTEGER;   -- of five everyday tasks online, 0 to 5; NULL: not asked, or both answers came
-- 1: the provider itself brought it, by its pages, a file or a program: it may take it back while nothing of it was counted. Set when the row is
-- added.
ALTER TABLE enrolments ADD COLUMN brought INTEGER NOT NULL DEFAULT 0;
-- Of before, what a provider named by its own reference is taken for its own.
UPDATE enrolments SET brought = 1 WHERE reference IN (SELECT ident FROM provider_references);
