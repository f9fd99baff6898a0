-- A statement is written once and read seldom: each index that it does not need costs every one of them.

-- The index has the name that the table below takes.
DROP INDEX statement_tally;

-- How many statements each node has of each kind: one row a node and kind, changed in the transaction that logs them. It stands for
-- the index that counted them.
CREATE TABLE statement_tally (
    node       TEXT NOT NULL REFERENCES node (name),
    kind       TEXT NOT NULL,
    statements INTEGER NOT NULL CHECK (statements > 0), -- how many; grows
    first      INTEGER NOT NULL,                        -- ms, when the first came; written once
    latest     INTEGER NOT NULL,                        -- ms, when the latest came; grows
    PRIMARY KEY (node, kind)
) STRICT, WITHOUT ROWID;
INSERT INTO statement_tally (node, kind, statements, first, latest)
    SELECT node, kind, count(*), min(received), max(received) FROM statement GROUP BY node, kind;

-- Places and digests are unique in `statement`, which leads to the entry by its leaf. SQLite drops a constraint by making the table
-- anew; what refers to it is made anew with it.
CREATE TABLE practice_anew (
    leaf          INTEGER NOT NULL PRIMARY KEY REFERENCES statement (leaf),
    node          TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    pae           BLOB NOT NULL,
    tier          TEXT NOT NULL,
    verdict       TEXT NOT NULL,
    public_from   TEXT NOT NULL, -- ISO date in London from which everybody may read; '0000-01-01' when at once
    entry         TEXT NOT NULL, -- JSON payload
    superseded_by INTEGER        -- leaf of the node's own newer entry; set once
) STRICT;
INSERT INTO practice_anew (leaf, node, seq, pae, tier, verdict, public_from, entry, superseded_by)
    SELECT leaf, node, seq, pae, tier, verdict, public_from, entry, superseded_by FROM practice;
CREATE TABLE practice_cause_anew (
    leaf   INTEGER NOT NULL REFERENCES practice_anew (leaf),
    factor TEXT NOT NULL,
    PRIMARY KEY (leaf, factor)
) STRICT, WITHOUT ROWID;
INSERT INTO practice_cause_anew (leaf, factor) SELECT leaf, factor FROM practice_cause;
DROP TABLE practice_cause;
DROP TABLE practice;
ALTER TABLE practice_anew RENAME TO practice;
ALTER TABLE practice_cause_anew RENAME TO practice_cause;
