-- Whom the first link is for, what curators say of practice entries, and how far people have read. Moments are ms since 1970-01-01 UTC.

-- A link may be nobody's yet. SQLite drops a constraint by making the table anew.
CREATE TABLE set_up_link_anew (
    token   BLOB NOT NULL PRIMARY KEY, -- 32 bytes; immutable
    person  TEXT UNIQUE REFERENCES person (name) ON DELETE CASCADE, -- NULL: whoever opens it becomes the first operator; immutable
    expires INTEGER NOT NULL           -- ms; immutable
) STRICT, WITHOUT ROWID;
INSERT INTO set_up_link_anew (token, person, expires) SELECT token, person, expires FROM set_up_link;
DROP TABLE set_up_link;
ALTER TABLE set_up_link_anew RENAME TO set_up_link;

-- What curators say of practice entries; of an entry the last row counts. Rows are added and never changed or removed. The log does not
-- know them: they decide what the library shows, and nothing else.
CREATE TABLE curation (
    number   INTEGER NOT NULL PRIMARY KEY, -- from 1, without gaps
    leaf     INTEGER NOT NULL,             -- of the entry's statement
    at       INTEGER NOT NULL,             -- ms
    who      TEXT NOT NULL,                -- a person
    standing TEXT NOT NULL CHECK (standing IN ('listed', 'featured', 'hidden')),
    words    TEXT NOT NULL                 -- why, for everybody to read; '' where an entry is listed like any other
) STRICT;
CREATE INDEX curation_of_entry ON curation (leaf, number);

-- How far somebody has read what is shared. One row per person, replaced each time.
CREATE TABLE read_to (
    person TEXT NOT NULL PRIMARY KEY REFERENCES person (name) ON DELETE CASCADE,
    size   INTEGER NOT NULL, -- number of the log's leaves then
    at     INTEGER NOT NULL  -- ms
) STRICT, WITHOUT ROWID;
