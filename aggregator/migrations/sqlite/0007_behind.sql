-- A log that lacks leaves which it acknowledged (its database was restored from a backup) signs nothing until they are back in their
-- places. Everything here is about that: it is empty in a log that never lost anything.

ALTER TABLE log_head ADD COLUMN behind INTEGER; -- ms since when nothing is signed but what was signed before; NULL while the log signs

-- Each time that the log stopped. One row a stop; `trouble` and the end change.
CREATE TABLE log_stop (
    since    INTEGER NOT NULL PRIMARY KEY, -- ms
    cause    TEXT NOT NULL CHECK (cause IN ('told', 'larger', 'other')), -- by an operator; by a checkpoint of more leaves, or of others
    said_by  TEXT NOT NULL, -- person, or node whose checkpoint it was
    trouble  TEXT,          -- why the last attempt to put leaves back failed; NULL when it did not
    ended    INTEGER,       -- ms; NULL while the log is stopped
    decided  TEXT,          -- person who decided that the log goes on; NULL where nobody had to
    reason   TEXT           -- of that person
) STRICT;

-- Checkpoints by the log's own key that it was shown since it stopped and that it has to agree with. Written once, gone with the stop.
CREATE TABLE log_claim (
    size    INTEGER NOT NULL, -- leaves
    root    BLOB NOT NULL,    -- of their tree
    note    TEXT NOT NULL,    -- signed, verbatim
    said_by TEXT NOT NULL,    -- who showed it
    PRIMARY KEY (size, root)
) STRICT;

-- Nodes that have said, since the log stopped, which checkpoint they hold. Gone with the stop.
CREATE TABLE log_heard (
    node    TEXT NOT NULL PRIMARY KEY,
    heard   INTEGER NOT NULL, -- ms
    excused TEXT              -- person who decided to go on without it; NULL where it was heard
) STRICT;

-- Statements that came back with a receipt that holds, before they are in their places. Gone with that, or with the stop.
CREATE TABLE log_leaf (
    leaf     INTEGER NOT NULL,
    record   BLOB NOT NULL,    -- of the leaf, 105 bytes
    receipt  TEXT NOT NULL,    -- C2SP tlog-proof by the log's own key
    envelope BLOB NOT NULL,    -- exact bytes
    received INTEGER NOT NULL, -- ms, when it came back
    PRIMARY KEY (leaf, record)
) STRICT;

-- Proof that the log signed two histories. Written once but for `settled`.
CREATE TABLE log_fork (
    place   INTEGER NOT NULL, -- number of leaves of both checkpoints, or the leaf of both receipts
    id      BLOB NOT NULL,    -- root of their tree, or digest of their statement
    ours    TEXT NOT NULL,    -- checkpoint or receipt that this log stands by
    theirs  TEXT NOT NULL,    -- checkpoint or receipt that it was shown, by the same key
    said_by TEXT NOT NULL,    -- who showed it
    found   INTEGER NOT NULL, -- ms
    settled INTEGER,          -- ms, when an operator decided to go on; NULL before
    PRIMARY KEY (place, id)
) STRICT;
