-- Several data standards at once: a node's summaries under one standard are a stream of their own, so what was one row a node and month
-- is one a node, month and standard, and national sums are kept by standard. Rows from before are those of data standard v1. SQLite
-- changes a primary key by making the table anew.

-- Rollup, rebuildable from the log: one node's month under one standard. Written once.
CREATE TABLE node_month_anew (
    node              TEXT NOT NULL REFERENCES node (name),
    period            TEXT NOT NULL,
    standard          BLOB NOT NULL,    -- SHA-256 of the data standard that the statement names
    lep               TEXT NOT NULL,    -- GSS code
    seq               INTEGER NOT NULL, -- statement
    epoch             INTEGER NOT NULL, -- of the stream
    month             INTEGER NOT NULL, -- of the epoch, from 1
    rho_micro         INTEGER NOT NULL, -- the node's budget, millionths
    earlier_month     INTEGER,          -- last month of the stream's epoch before, where there is one
    earlier_rho_micro INTEGER,
    pledges           TEXT NOT NULL,    -- JSON list of ids, in the order of acceptance
    published         BLOB NOT NULL,    -- v, i64 little-endian, units of 2^-16, all tables in the standard's order
    cumulative        BLOB NOT NULL,    -- Y over the stream's months, i64 little-endian, units of 2^-32, same cells
    PRIMARY KEY (node, period, standard)
) STRICT, WITHOUT ROWID;
INSERT INTO node_month_anew (node, period, standard, lep, seq, epoch, month, rho_micro, earlier_month, earlier_rho_micro, pledges,
        published, cumulative)
    SELECT node, period, x'b6f51dc823daf00d5d1a2fbc185e33c7b711cf4cd2908841af2ff4f5ddddab33', lep, seq, epoch, month, rho_micro,
        earlier_month, earlier_rho_micro, pledges, published, cumulative FROM node_month;
DROP TABLE node_month;
ALTER TABLE node_month_anew RENAME TO node_month;

-- Rollup, rebuildable from the log: sums over nodes of the month's increments of Y. Updated by every summary of the standard and period.
CREATE TABLE national_month_anew (
    period   TEXT NOT NULL,
    standard BLOB NOT NULL, -- SHA-256 of the data standard
    part     TEXT NOT NULL, -- '' for the tables without pledge; else a code of the pledge list
    cells    BLOB NOT NULL, -- i64 little-endian, units of 2^-32
    PRIMARY KEY (period, standard, part)
) STRICT, WITHOUT ROWID;
INSERT INTO national_month_anew (period, standard, part, cells)
    SELECT period, x'b6f51dc823daf00d5d1a2fbc185e33c7b711cf4cd2908841af2ff4f5ddddab33', part, cells FROM national_month;
DROP TABLE national_month;
ALTER TABLE national_month_anew RENAME TO national_month;
