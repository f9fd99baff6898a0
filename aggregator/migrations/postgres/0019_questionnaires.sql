-- Questionnaires that operators are writing, apart from the log: one draft for each name. What is issued is a statement of the log's own, and
-- the draft goes in the same transaction. Moments are ms since 1970-01-01 UTC.
CREATE TABLE questionnaire_draft (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- of the questionnaire, the same in every version; immutable
    edition    BIGINT NOT NULL,                       -- raised by each change, which names the one that it was made from; begins with the moment (ms) at which the draft was begun
    draft      TEXT NOT NULL,                         -- JSON: title, purpose, due date, LEPs, questions; replaced by each change
    changed    BIGINT NOT NULL,                       -- ms, the last change
    changed_by TEXT COLLATE "C" NOT NULL              -- the person who made it
);
