-- A statement is written once and read seldom: each index that it does not need costs every one of them.

-- The index has the name that the table below takes.
DROP INDEX statement_tally;

-- How many statements each node has of each kind: one row a node and kind, changed in the transaction that logs them. It stands for
-- the index that counted them.
CREATE TABLE statement_tally (
    node       TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    statements BIGINT NOT NULL CHECK (statements > 0), -- how many; grows
    first      BIGINT NOT NULL,                        -- ms, when the first came; written once
    latest     BIGINT NOT NULL,                        -- ms, when the latest came; grows
    PRIMARY KEY (node, kind)
) WITH (fillfactor = 50); -- as of node
INSERT INTO statement_tally (node, kind, statements, first, latest)
    SELECT node, kind, count(*), min(received), max(received) FROM statement GROUP BY node, kind;

-- Places and digests are unique in `statement`, which leads to the entry by its leaf.
ALTER TABLE practice
    DROP CONSTRAINT practice_pae_key,
    DROP CONSTRAINT practice_node_seq_key;

-- What refers here was read or written in the same transaction by the one writer, and nothing is ever deleted. PostgreSQL would look
-- up and lock what is referred to once for each row.
ALTER TABLE statement DROP CONSTRAINT statement_node_fkey;
ALTER TABLE practice DROP CONSTRAINT practice_node_fkey, DROP CONSTRAINT practice_leaf_fkey;
ALTER TABLE practice_cause DROP CONSTRAINT practice_cause_leaf_fkey;

-- Envelopes are base64 of signed bytes: little is gained by compressing them at every write. A row that fits stays on its page as it is.
ALTER TABLE statement SET (toast_tuple_target = 8160);
