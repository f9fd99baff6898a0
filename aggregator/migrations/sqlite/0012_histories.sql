-- After a log signed two histories, leaves of both come back for the same places, and even the same statement may stand in one place of
-- both. What tells them apart is the tree that ends in the leaf: no two histories have that in common. What a stopped log was sent before this
-- is dropped: it tells that it lacks it, and nodes send it again.
DROP TABLE log_leaf;
CREATE TABLE log_leaf (
    leaf     INTEGER NOT NULL,
    before   BLOB NOT NULL,    -- root of the tree of the `leaf` leaves before it, as its receipt shows it
    root     BLOB NOT NULL,    -- root of the tree that ends in it
    record   BLOB NOT NULL,    -- of the leaf, 105 bytes
    receipt  TEXT NOT NULL,    -- C2SP tlog-proof by the log's own key
    envelope BLOB NOT NULL,    -- exact bytes
    received INTEGER NOT NULL, -- ms, when it came back
    PRIMARY KEY (leaf, root)
) STRICT;

-- What an operator settles is a history, not one of the many texts that were signed over it.
ALTER TABLE log_fork ADD COLUMN agreed INTEGER NOT NULL DEFAULT 0; -- leaves that both histories share for certain; 0 where the proof does not tell. Written once
ALTER TABLE log_fork ADD COLUMN through INTEGER; -- leaves of the largest tree that the log knew to be signed when an operator settled it; NULL before, and for one more proof of what was settled
UPDATE log_fork SET through = place WHERE settled IS NOT NULL;

-- Stops are told apart by their order, whatever the clock says.
CREATE TABLE log_stop_anew (
    number   INTEGER NOT NULL PRIMARY KEY, -- from 1, in the order in which the log stopped; the last one is the present one while it is stopped
    since    INTEGER NOT NULL, -- ms
    cause    TEXT NOT NULL CHECK (cause IN ('told', 'larger', 'other')), -- by an operator; by a checkpoint of more leaves, or of others
    said_by  TEXT NOT NULL, -- person, or node whose checkpoint it was
    trouble  TEXT,          -- why the last attempt to put leaves back failed; NULL when it did not
    ended    INTEGER,       -- ms; NULL while the log is stopped
    decided  TEXT,          -- person who decided that the log goes on; NULL where nobody had to
    reason   TEXT           -- of that person
) STRICT;
INSERT INTO log_stop_anew (number, since, cause, said_by, trouble, ended, decided, reason)
    SELECT row_number() OVER (ORDER BY (ended IS NULL), since), since, cause, said_by, trouble, ended, decided, reason FROM log_stop;
DROP TABLE log_stop;
ALTER TABLE log_stop_anew RENAME TO log_stop;
