-- Withdrawals and corrections. A withdrawn statement's leaf, entry and row stay; its payload goes.

-- Leaf of the withdrawal; NULL while the statement holds, set once. `envelope` is then empty: the only change to it.
ALTER TABLE statement ADD COLUMN withdrawn BIGINT;
-- SHA-256 of the month's published cells (i64 little-endian, in order); NULL until the month is first withdrawn, set once: a month is drawn
-- once. `published` is empty while the month is withdrawn; `cumulative` is empty while it or an earlier month of its stream is; `seq` is
-- that of the statement that brought the cells last.
ALTER TABLE node_month ADD COLUMN drawn BYTEA;

-- What was withdrawn, and what was published again: rebuildable from the log. Written once, the reason apart.
CREATE TABLE revision (
    leaf     BIGINT NOT NULL PRIMARY KEY REFERENCES statement (leaf), -- of the withdrawal or correction
    node     TEXT COLLATE "C" NOT NULL REFERENCES node (name),                    -- who signed
    target   BIGINT NOT NULL REFERENCES statement (leaf),              -- what is withdrawn, or in whose place the correction stands
    period   TEXT COLLATE "C",                                                    -- month of the summary; NULL for a practice entry, as the next two
    standard BYTEA,                                                   -- SHA-256 of its data standard
    cells    BYTEA,                                                   -- SHA-256 of its published cells
    reason   TEXT                                                     -- for everybody; NULL once the correction is withdrawn itself
);
CREATE INDEX revision_by_node ON revision (node, leaf);
