-- Which accounts at a sign-in service are which people. Written by `people connect`, by administrators' page and by the person; a row
-- is never changed, only removed.
CREATE TABLE subjects (
  issuer TEXT NOT NULL,              -- the service, exactly as its tokens name it
  claim TEXT NOT NULL CHECK (claim IN ('sub', 'email')),
  value TEXT NOT NULL,               -- of the claim; an address in lower case
  person TEXT NOT NULL REFERENCES people (name) ON DELETE CASCADE,
  since INTEGER NOT NULL,            -- s
  PRIMARY KEY (issuer, claim, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX subjects_person ON subjects (person);
