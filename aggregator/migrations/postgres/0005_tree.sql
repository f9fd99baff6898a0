-- The log becomes a Merkle tree (RFC 6962) with signed checkpoints (C2SP tlog-checkpoint). Leaves are small fixed records of statements;
-- tiles and proofs are made from them and never stored.

-- One row a transaction: the leaves that it added. Written once.
CREATE TABLE log_entry (
    first   BIGINT NOT NULL PRIMARY KEY, -- leaf, from 0, of the first record
    entries BYTEA NOT NULL               -- records of 105 bytes, one a leaf, in order
);
-- Digests do not compress.
ALTER TABLE log_entry ALTER COLUMN entries SET STORAGE EXTERNAL, SET (toast_tuple_target = 8160);

-- Where the log stands: one row, moved by each transaction that logs something.
CREATE TABLE log_head (
    id         BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    size       BIGINT NOT NULL, -- leaves; grows
    edge       BYTEA NOT NULL,  -- hashes (32 bytes each) of the complete subtrees, left to right; changes with size
    checkpoint TEXT,            -- signed note of size and root; NULL until the log is first opened with its key
    receipt    TEXT             -- last receipt of before this table: whose log it is; NULL once there is a checkpoint
) WITH (fillfactor = 50); -- as of node
INSERT INTO log_head (id, size, edge, checkpoint, receipt)
    VALUES (1, 0, '', NULL, (SELECT receipt FROM statement ORDER BY leaf DESC LIMIT 1));

-- Receipts are made from the tree.
ALTER TABLE statement DROP COLUMN receipt;

-- What the log states itself, signed by its own key: a sequence of its own between the nodes' statements. Written once.
CREATE TABLE own_statement (
    leaf     BIGINT NOT NULL PRIMARY KEY,
    seq      BIGINT NOT NULL UNIQUE, -- from 1 without gaps
    kind     TEXT COLLATE "C" NOT NULL,
    key_id   BYTEA NOT NULL,         -- SHA-256 of the key that signed
    pae      BYTEA NOT NULL UNIQUE,
    envelope BYTEA NOT NULL,         -- exact bytes
    received BIGINT NOT NULL         -- ms, when it was made; for people, never for order
);

ALTER TABLE node ADD COLUMN revoked BIGINT; -- leaf from which on its key is refused; NULL while the key holds, set once
