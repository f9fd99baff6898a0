-- Which records of people who were asked were counted in needs: each once, for ever. A record may be gone since.
CREATE TABLE needs_people (
  demand INTEGER PRIMARY KEY, -- number of the record in `demand`
  code TEXT NOT NULL,         -- its reference when it was counted: what is deleted and entered again under it is not counted again
  needs INTEGER NOT NULL REFERENCES needs (id) -- the draft that it was counted for
) STRICT;
CREATE INDEX needs_people_by_code ON needs_people (code);
