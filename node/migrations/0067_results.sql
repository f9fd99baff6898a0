-- What the answers of all LEPs come to, as the log gave it last. Counts of LEPs. Mutable.
CREATE TABLE questionnaire_results (
  name TEXT PRIMARY KEY,             -- of the questionnaire
  answer TEXT NOT NULL,              -- JSON as it came
  heard_at INTEGER NOT NULL          -- seconds since 1970-01-01 UTC
) STRICT;
