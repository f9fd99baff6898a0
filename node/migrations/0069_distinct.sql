-- Pairs of services that look alike and that somebody found to be two: nobody is asked about them again. Who found it stands in the history of both.
CREATE TABLE services_distinct (
  one INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE,   -- the older of the two
  other INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE,
  PRIMARY KEY (one, other),
  CHECK (one < other)
) STRICT, WITHOUT ROWID;
