-- The log becomes a Merkle tree (RFC 6962) with signed checkpoints (C2SP tlog-checkpoint). Leaves are small fixed records of statements;
-- tiles and proofs are made from them and never stored.

-- One row a transaction: the leaves that it added. Written once.
CREATE TABLE log_entry (
    first   INTEGER NOT NULL PRIMARY KEY, -- leaf, from 0, of the first record
    entries BLOB NOT NULL                 -- records of 105 bytes, one a leaf, in order
) STRICT;

-- Where the log stands: one row, moved by each transaction that logs something.
CREATE TABLE log_head (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    size       INTEGER NOT NULL, -- leaves; grows
    edge       BLOB NOT NULL,    -- hashes (32 bytes each) of the complete subtrees, left to right; changes with size
    checkpoint TEXT,             -- signed note of size and root; NULL until the log is first opened with its key
    receipt    TEXT              -- last receipt of before this table: whose log it is; NULL once there is a checkpoint
) STRICT;
INSERT INTO log_head (id, size, edge, checkpoint, receipt)
    VALUES (1, 0, x'', NULL, (SELECT receipt FROM statement ORDER BY leaf DESC LIMIT 1));

-- Receipts are made from the tree.
ALTER TABLE statement DROP COLUMN receipt;

-- What the log states itself, signed by its own key: a sequence of its own between the nodes' statements. Written once.
CREATE TABLE own_statement (
    leaf     INTEGER NOT NULL PRIMARY KEY,
    seq      INTEGER NOT NULL UNIQUE, -- from 1 without gaps
    kind     TEXT NOT NULL,
    key_id   BLOB NOT NULL,           -- SHA-256 of the key that signed
    pae      BLOB NOT NULL UNIQUE,
    envelope BLOB NOT NULL,           -- exact bytes
    received INTEGER NOT NULL         -- ms, when it was made; for people, never for order
) STRICT;

ALTER TABLE node ADD COLUMN revoked INTEGER; -- leaf from which on its key is refused; NULL while the key holds, set once
