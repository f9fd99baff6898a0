-- What a statement says is stored once, in its envelope, and its place is indexed so that statements which come together touch few
-- pages: nodes publish month by month, so their sequences advance together. What refers here was read or written in the same
-- transaction by the one writer, and no row is ever deleted: SQLite would look it up for each row, and keep a copy of each page that a
-- command changes in case the look-up fails. It drops a constraint by making the table anew.
CREATE TABLE statement_anew (
    leaf     INTEGER NOT NULL PRIMARY KEY,
    node     TEXT NOT NULL,
    seq      INTEGER NOT NULL, -- from 1 without gaps within the node
    kind     TEXT NOT NULL,
    period   TEXT,             -- of a summary
    key_id   BLOB NOT NULL,    -- SHA-256 of the key that signed
    pae      BLOB NOT NULL UNIQUE,
    envelope BLOB NOT NULL,    -- exact bytes as received
    received INTEGER NOT NULL, -- ms; for people, never for order
    withdrawn INTEGER          -- leaf of the withdrawal; NULL while the statement holds, set once
) STRICT;
INSERT INTO statement_anew (leaf, node, seq, kind, period, key_id, pae, envelope, received, withdrawn)
    SELECT leaf, node, seq, kind, period, key_id, pae, envelope, received, withdrawn FROM statement;

-- The library's index: by what an entry is found. The entry is in its statement.
CREATE TABLE practice_anew (
    leaf          INTEGER NOT NULL PRIMARY KEY,
    node          TEXT NOT NULL,
    tier          TEXT NOT NULL,
    verdict       TEXT NOT NULL,
    public_from   TEXT NOT NULL, -- ISO date in London from which everybody may read; '0000-01-01' when at once
    supersedes    BLOB,          -- SHA-256 of the statement that it says to replace
    superseded_by INTEGER        -- leaf of the node's own newer entry; changes only when that one is withdrawn
) STRICT;
INSERT INTO practice_anew (leaf, node, tier, verdict, public_from, supersedes, superseded_by)
    SELECT leaf, node, tier, verdict, public_from, unhex(json_extract(entry, '$.supersedes')), superseded_by FROM practice;
CREATE TABLE practice_cause_anew (
    leaf   INTEGER NOT NULL,
    factor TEXT NOT NULL,
    PRIMARY KEY (leaf, factor)
) STRICT, WITHOUT ROWID;
INSERT INTO practice_cause_anew (leaf, factor) SELECT leaf, factor FROM practice_cause;
DROP TABLE practice_cause;
DROP TABLE practice;
DROP TABLE statement;
ALTER TABLE statement_anew RENAME TO statement;
ALTER TABLE practice_anew RENAME TO practice;
ALTER TABLE practice_cause_anew RENAME TO practice_cause;
CREATE UNIQUE INDEX statement_place ON statement (seq, node);
CREATE INDEX statement_by_kind ON statement (kind, leaf);
