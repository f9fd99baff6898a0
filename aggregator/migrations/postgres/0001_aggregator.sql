-- Times are milliseconds since 1970-01-01T00:00Z. Digests are 32 raw bytes (SHA-256). Periods are 'YYYY-MM'.
-- "Written once" rows are never updated; the columns that change say so.
-- Text that orders or names something has COLLATE "C": the order is that of its bytes whatever the server's language.

-- People who sign in. Written by `people add`.
CREATE TABLE person (
    name        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    role        TEXT NOT NULL CHECK (role IN ('operator', 'analyst')),
    secret_hash TEXT NOT NULL,  -- argon2id PHC string; replaced by `people secret`
    added       BIGINT NOT NULL -- ms
);

-- One row per node. `state` moves invited -> pending -> active; head_* move with each statement.
CREATE TABLE node (
    name        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    lep         TEXT COLLATE "C" NOT NULL UNIQUE, -- GSS code; one node serves a LEP
    state       TEXT NOT NULL CHECK (state IN ('invited', 'pending', 'active')),
    public_key  BYTEA,                     -- 32 bytes, set at enrolment
    approved_by TEXT,                      -- person, set at approval
    approved    BIGINT,                    -- ms, set at approval
    head_seq    BIGINT NOT NULL DEFAULT 0, -- last logged sequence number, 0 before the first
    head_pae    BYTEA NOT NULL DEFAULT decode(repeat('00', 32), 'hex') -- its digest, zeros before the first
) WITH (fillfactor = 50); -- rows are few and change with every statement: room for the new version on the same page

-- The node's latest invite; a new one replaces it while the node is not active.
CREATE TABLE invite (
    node        TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES node (name),
    secret_hash BYTEA NOT NULL,  -- SHA-256 of the secret's 64 hex digits
    expires     BIGINT NOT NULL, -- ms
    created     BIGINT NOT NULL, -- ms
    created_by  TEXT NOT NULL,   -- person
    used_pae    BYTEA            -- digest of the enrolment that used it, set once
);

-- Enrolment envelopes that were admitted, verbatim. Written once.
CREATE TABLE enrolment (
    pae      BYTEA NOT NULL PRIMARY KEY,
    node     TEXT COLLATE "C" NOT NULL REFERENCES node (name),
    envelope BYTEA NOT NULL,
    received BIGINT NOT NULL -- ms
);

-- The log. Written once. `leaf` counts from 0 without gaps: the order of everything.
CREATE TABLE statement (
    leaf     BIGINT NOT NULL PRIMARY KEY,
    node     TEXT COLLATE "C" NOT NULL REFERENCES node (name),
    seq      BIGINT NOT NULL, -- from 1 without gaps within the node
    kind     TEXT COLLATE "C" NOT NULL,
    period   TEXT,            -- of a summary
    key_id   BYTEA NOT NULL,  -- SHA-256 of the key that signed
    pae      BYTEA NOT NULL UNIQUE,
    envelope BYTEA NOT NULL,  -- exact bytes as received
    receipt  TEXT NOT NULL,   -- signed note
    received BIGINT NOT NULL, -- ms; for people, never for order
    UNIQUE (node, seq)
);

-- Two statements signed for one place: `envelope`, the first refused one, against the logged one. Written once:
-- one is proof enough, and a node that goes on must not fill the disk.
CREATE TABLE equivocation (
    node       TEXT COLLATE "C" NOT NULL REFERENCES node (name),
    seq        BIGINT NOT NULL,
    pae        BYTEA NOT NULL,  -- of the statement that was refused
    logged_pae BYTEA NOT NULL,
    envelope   BYTEA NOT NULL,  -- exact bytes of the refused statement
    received   BIGINT NOT NULL, -- ms
    PRIMARY KEY (node, seq)
);

-- Rollup, rebuildable from the log: one node's month. Written once.
CREATE TABLE node_month (
    node              TEXT COLLATE "C" NOT NULL REFERENCES node (name),
    period            TEXT COLLATE "C" NOT NULL,
    lep               TEXT NOT NULL,   -- GSS code
    seq               BIGINT NOT NULL, -- statement
    epoch             BIGINT NOT NULL,
    month             BIGINT NOT NULL, -- of the epoch, from 1
    rho_micro         BIGINT NOT NULL, -- the node's budget, millionths
    earlier_month     BIGINT,          -- last month of the epoch before, where there is one
    earlier_rho_micro BIGINT,
    pledges           TEXT NOT NULL,   -- JSON list of ids, in the order of acceptance
    published         BYTEA NOT NULL,  -- v, i64 little-endian, units of 2^-16, all tables in the standard's order
    cumulative        BYTEA NOT NULL,  -- Y, i64 little-endian, units of 2^-32, same cells
    PRIMARY KEY (node, period)
);

-- Rollup, rebuildable from the log: sums over nodes of the month's increments of Y. Updated by every summary of the period.
CREATE TABLE national_month (
    period TEXT COLLATE "C" NOT NULL,
    part   TEXT COLLATE "C" NOT NULL, -- '' for the tables without pledge; else a code of the pledge list
    cells  BYTEA NOT NULL,            -- i64 little-endian, units of 2^-32
    PRIMARY KEY (period, part)
);

-- The library's index, rebuildable from the log. `superseded_by` is set once.
CREATE TABLE practice (
    leaf          BIGINT NOT NULL PRIMARY KEY REFERENCES statement (leaf),
    node          TEXT COLLATE "C" NOT NULL REFERENCES node (name),
    seq           BIGINT NOT NULL,
    pae           BYTEA NOT NULL UNIQUE,
    tier          TEXT NOT NULL,
    verdict       TEXT NOT NULL,
    public_from   TEXT COLLATE "C" NOT NULL, -- ISO date in London from which everybody may read; '0000-01-01' when at once
    entry         TEXT NOT NULL, -- JSON payload, as it was published: jsonb would not keep its order
    superseded_by BIGINT,        -- leaf of the node's own newer entry
    UNIQUE (node, seq)
);

CREATE TABLE practice_cause (
    leaf   BIGINT NOT NULL REFERENCES practice (leaf),
    factor TEXT NOT NULL,
    PRIMARY KEY (leaf, factor)
);
