-- A log that lacks leaves which it acknowledged (its database was restored from a backup) signs nothing until they are back in their
-- places. Everything here is about that: it is empty in a log that never lost anything.

ALTER TABLE log_head ADD COLUMN behind BIGINT; -- ms since when nothing is signed but what was signed before; NULL while the log signs

-- Each time that the log stopped. One row a stop; `trouble` and the end change.
CREATE TABLE log_stop (
    since    BIGINT NOT NULL PRIMARY KEY, -- ms
    cause    TEXT NOT NULL CHECK (cause IN ('told', 'larger', 'other')), -- by an operator; by a checkpoint of more leaves, or of others
    said_by  TEXT NOT NULL, -- person, or node whose checkpoint it was
    trouble  TEXT,          -- why the last attempt to put leaves back failed; NULL when it did not
    ended    BIGINT,       -- ms; NULL while the log is stopped
    decided  TEXT,          -- person who decided that the log goes on; NULL where nobody had to
    reason   TEXT           -- of that person
);

-- Checkpoints by the log's own key that it was shown since it stopped and that it has to agree with. Written once, gone with the stop.
CREATE TABLE log_claim (
    size    BIGINT NOT NULL, -- leaves
    root    BYTEA NOT NULL,    -- of their tree
    note    TEXT NOT NULL,    -- signed, verbatim
    said_by TEXT NOT NULL,    -- who showed it
    PRIMARY KEY (size, root)
);

-- Nodes that have said, since the log stopped, which checkpoint they hold. Gone with the stop.
CREATE TABLE log_heard (
    node    TEXT NOT NULL PRIMARY KEY,
    heard   BIGINT NOT NULL, -- ms
    excused TEXT              -- person who decided to go on without it; NULL where it was heard
);

-- Statements that came back with a receipt that holds, before they are in their places. Gone with that, or with the stop.
CREATE TABLE log_leaf (
    leaf     BIGINT NOT NULL,
    record   BYTEA NOT NULL,    -- of the leaf, 105 bytes
    receipt  TEXT NOT NULL,    -- C2SP tlog-proof by the log's own key
    envelope BYTEA NOT NULL,    -- exact bytes
    received BIGINT NOT NULL, -- ms, when it came back
    PRIMARY KEY (leaf, record)
);

-- Proof that the log signed two histories. Written once but for `settled`.
CREATE TABLE log_fork (
    place   BIGINT NOT NULL, -- number of leaves of both checkpoints, or the leaf of both receipts
    id      BYTEA NOT NULL,    -- root of their tree, or digest of their statement
    ours    TEXT NOT NULL,    -- checkpoint or receipt that this log stands by
    theirs  TEXT NOT NULL,    -- checkpoint or receipt that it was shown, by the same key
    said_by TEXT NOT NULL,    -- who showed it
    found   BIGINT NOT NULL, -- ms
    settled BIGINT,          -- ms, when an operator decided to go on; NULL before
    PRIMARY KEY (place, id)
);
