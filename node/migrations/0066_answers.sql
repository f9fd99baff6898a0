-- What this LEP answers to questionnaires: one draft of each at most, and what was sent. Answers hold no learner: numbers of people are
-- estimates of releases, and texts with personal data are refused before they come here.
CREATE TABLE questionnaire_answers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,                -- of the questionnaire
  questionnaire BLOB NOT NULL REFERENCES questionnaires (pae), -- the version that is answered; mutable until they are sent, as are the next
  answers TEXT NOT NULL,             -- JSON: each with its source and the day on which the node filled it in, also those that are not reached
  author TEXT NOT NULL,              -- who changed them last
  changed_at INTEGER NOT NULL,       -- seconds since 1970-01-01 UTC, as all moments here
  handed_by TEXT,                    -- who handed them to an approver; NULL: nobody, or they were taken or sent back
  handed_at INTEGER,
  back_by TEXT,                      -- the approver who sent them back last
  back_at INTEGER,
  back_reason TEXT,                  -- why, for the coordinator; stays at the node
  approver TEXT,                     -- who released them; insert once, as are the next
  approved_at INTEGER,
  seq INTEGER UNIQUE REFERENCES outbox (seq) -- their statement; NULL: a draft
) STRICT;
CREATE UNIQUE INDEX questionnaire_answers_drafts ON questionnaire_answers (name) WHERE seq IS NULL;
CREATE INDEX questionnaire_answers_by_name ON questionnaire_answers (name);
