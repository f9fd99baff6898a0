-- Quality of what the node holds (quality): local settings of its rules, questions to providers, and the verdict that a release was prepared with.
-- Nothing in here is about one learner.

-- What this LEP set otherwise than the program does; no row: the program's own.
CREATE TABLE quality_rules (
  rule TEXT PRIMARY KEY,             -- code of the rule; immutable
  severity TEXT NOT NULL CHECK (severity IN ('error', 'warning', 'note', 'off')),
  threshold INTEGER,                 -- in the rule's own unit; NULL: the rule has none
  version INTEGER NOT NULL           -- grows by one with every change; a change names the one that it was made from
) STRICT, WITHOUT ROWID;

CREATE TABLE quality_questions (
  id INTEGER PRIMARY KEY,
  provider TEXT NOT NULL,            -- by its present name; immutable, as are the next four
  rule TEXT NOT NULL,                -- code of the rule that gave rise to it
  question TEXT NOT NULL,            -- without personal data
  asked_by TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  answer TEXT,                       -- without personal data; NULL while it is open. Set once, with the next two
  answered_by TEXT,
  answered_at INTEGER
) STRICT;
CREATE INDEX quality_questions_provider ON quality_questions (provider);

-- How the records stood when a month was prepared. Insert only.
CREATE TABLE release_quality (
  period INTEGER PRIMARY KEY REFERENCES releases (period), -- months since 2000-01
  verdict BLOB NOT NULL              -- JSON of quality::Verdict: exact counts, never published
) STRICT;
