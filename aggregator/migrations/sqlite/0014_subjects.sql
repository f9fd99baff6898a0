-- Which accounts at a sign-in service are which people. Written by `people connect`, by operators' page and by the person; a row is
-- never changed, only removed.
CREATE TABLE subject (
    issuer TEXT NOT NULL,    -- the service, exactly as its tokens name it
    claim  TEXT NOT NULL CHECK (claim IN ('sub', 'email')),
    value  TEXT NOT NULL,    -- of the claim; an address in lower case
    person TEXT NOT NULL REFERENCES person (name) ON DELETE CASCADE,
    since  INTEGER NOT NULL, -- ms
    PRIMARY KEY (issuer, claim, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX subject_by_person ON subject (person);
