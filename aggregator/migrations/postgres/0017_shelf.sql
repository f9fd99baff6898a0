-- Whom the first link is for, what curators say of practice entries, and how far people have read. Moments are ms since 1970-01-01 UTC.

-- A link may be nobody's yet: whoever opens it becomes the first operator.
ALTER TABLE set_up_link ALTER COLUMN person DROP NOT NULL; -- NULL: whoever opens it becomes the first operator; immutable

-- What curators say of practice entries; of an entry the last row counts. Rows are added and never changed or removed. The log does not
-- know them: they decide what the library shows, and nothing else.
CREATE TABLE curation (
    number   BIGINT NOT NULL PRIMARY KEY, -- from 1, without gaps
    leaf     BIGINT NOT NULL,             -- of the entry's statement
    at       BIGINT NOT NULL,             -- ms
    who      TEXT COLLATE "C" NOT NULL,   -- a person
    standing TEXT COLLATE "C" NOT NULL CHECK (standing IN ('listed', 'featured', 'hidden')),
    words    TEXT COLLATE "C" NOT NULL    -- why, for everybody to read; '' where an entry is listed like any other
);
CREATE INDEX curation_of_entry ON curation (leaf, number);

-- How far somebody has read what is shared. One row per person, replaced each time.
CREATE TABLE read_to (
    person TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES person (name) ON DELETE CASCADE,
    size   BIGINT NOT NULL, -- number of the log's leaves then
    at     BIGINT NOT NULL  -- ms
);
