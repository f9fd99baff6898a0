-- Times are milliseconds since 1970-01-01T00:00Z. Digests are 32 raw bytes (SHA-256). Periods are 'YYYY-MM'.
-- "Written once" rows are never updated; the columns that change say so.

-- People who sign in. Written by `people add`.
CREATE TABLE person (
    name        TEXT NOT NULL PRIMARY KEY,
    role        TEXT NOT NULL CHECK (role IN ('operator', 'analyst')),
    secret_hash TEXT NOT NULL,    -- argon2id PHC string
    added       INTEGER NOT NULL  -- ms
) STRICT;

-- One row per node. `state` moves invited -> pending -> active; head_* move with each statement.
CREATE TABLE node (
    name        TEXT NOT NULL PRIMARY KEY,
    lep         TEXT NOT NULL UNIQUE, -- GSS code; one node serves a LEP
    state       TEXT NOT NULL CHECK (state IN ('invited', 'pending', 'active')),
    public_key  BLOB,                 -- 32 bytes, set at enrolment
    approved_by TEXT,                 -- person, set at approval
    approved    INTEGER,              -- ms, set at approval
    head_seq    INTEGER NOT NULL DEFAULT 0, -- last logged sequence number, 0 before the first
    head_pae    BLOB NOT NULL DEFAULT (zeroblob(32)) -- its digest, zeros before the first
) STRICT;

-- The node's latest invite; a new one replaces it while the node is not active.
CREATE TABLE invite (
    node        TEXT NOT NULL PRIMARY KEY REFERENCES node (name),
    secret_hash BLOB NOT NULL,    -- SHA-256 of the secret's 64 hex digits
    expires     INTEGER NOT NULL, -- ms
    created     INTEGER NOT NULL, -- ms
    created_by  TEXT NOT NULL,    -- person
    used_pae    BLOB              -- digest of the enrolment that used it, set once
) STRICT;

-- Enrolment envelopes that were admitted, verbatim. Written once.
CREATE TABLE enrolment (
    pae      BLOB NOT NULL PRIMARY KEY,
    node     TEXT NOT NULL REFERENCES node (name),
    envelope BLOB NOT NULL,
    received INTEGER NOT NULL -- ms
) STRICT;

-- The log. Written once. `leaf` counts from 0 without gaps: the order of everything.
CREATE TABLE statement (
    leaf     INTEGER NOT NULL PRIMARY KEY,
    node     TEXT NOT NULL REFERENCES node (name),
    seq      INTEGER NOT NULL, -- from 1 without gaps within the node
    kind     TEXT NOT NULL,
    period   TEXT,             -- of a summary
    key_id   BLOB NOT NULL,    -- SHA-256 of the key that signed
    pae      BLOB NOT NULL UNIQUE,
    envelope BLOB NOT NULL,    -- exact bytes as received
    receipt  TEXT NOT NULL,    -- signed note
    received INTEGER NOT NULL, -- ms; for people, never for order
    UNIQUE (node, seq)
) STRICT;

-- Two statements signed for one place: `envelope`, the first refused one, against the logged one. Written once:
-- one is proof enough, and a node that goes on must not fill the disk.
CREATE TABLE equivocation (
    node       TEXT NOT NULL REFERENCES node (name),
    seq        INTEGER NOT NULL,
    pae        BLOB NOT NULL,    -- of the statement that was refused
    logged_pae BLOB NOT NULL,
    envelope   BLOB NOT NULL,    -- exact bytes of the refused statement
    received   INTEGER NOT NULL, -- ms
    PRIMARY KEY (node, seq)
) STRICT;

-- Rollup, rebuildable from the log: one node's month. Written once.
CREATE TABLE node_month (
    node              TEXT NOT NULL REFERENCES node (name),
    period            TEXT NOT NULL,
    lep               TEXT NOT NULL,    -- GSS code
    seq               INTEGER NOT NULL, -- statement
    epoch             INTEGER NOT NULL,
    month             INTEGER NOT NULL, -- of the epoch, from 1
    rho_micro         INTEGER NOT NULL, -- the node's budget, millionths
    earlier_month     INTEGER,          -- last month of the epoch before, where there is one
    earlier_rho_micro INTEGER,
    pledges           TEXT NOT NULL,    -- JSON list of ids, in the order of acceptance
    published         BLOB NOT NULL,    -- v, i64 little-endian, units of 2^-16, all tables in the standard's order
    cumulative        BLOB NOT NULL,    -- Y, i64 little-endian, units of 2^-32, same cells
    PRIMARY KEY (node, period)
) STRICT, WITHOUT ROWID;

-- Rollup, rebuildable from the log: sums over nodes of the month's increments of Y. Updated by every summary of the period.
CREATE TABLE national_month (
    period TEXT NOT NULL,
    part   TEXT NOT NULL, -- '' for the tables without pledge; else a code of the pledge list
    cells  BLOB NOT NULL, -- i64 little-endian, units of 2^-32
    PRIMARY KEY (period, part)
) STRICT, WITHOUT ROWID;

-- The library's index, rebuildable from the log. `superseded_by` is set once.
CREATE TABLE practice (
    leaf          INTEGER NOT NULL PRIMARY KEY REFERENCES statement (leaf),
    node          TEXT NOT NULL REFERENCES node (name),
    seq           INTEGER NOT NULL,
    pae           BLOB NOT NULL UNIQUE,
    tier          TEXT NOT NULL,
    verdict       TEXT NOT NULL,
    public_from   TEXT NOT NULL, -- ISO date in London from which everybody may read; '0000-01-01' when at once
    entry         TEXT NOT NULL, -- JSON payload
    superseded_by INTEGER        -- leaf of the node's own newer entry
) STRICT;

CREATE TABLE practice_cause (
    leaf   INTEGER NOT NULL REFERENCES practice (leaf),
    factor TEXT NOT NULL,
    PRIMARY KEY (leaf, factor)
) STRICT, WITHOUT ROWID;
