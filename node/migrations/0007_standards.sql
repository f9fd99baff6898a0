-- A second data standard (disclosure.md, "A new standard"): an enrolment is counted under one standard for ever. The ledger holds one stream
-- of months for each, and a month's release is a statement under each that still publishes. What there was stays as it is, byte for byte,
-- under version 1: the digests of its cells do not name it.
CREATE TABLE ledger_standards (
  standard INTEGER PRIMARY KEY,      -- version of the data standard; immutable
  first INTEGER NOT NULL,            -- first month that was published under it (months since 2000-01); immutable
  last INTEGER                       -- last month that is; NULL while new enrolments enter it. Set once, when a later standard begins
) STRICT;
INSERT INTO ledger_standards (standard, first)
SELECT 1, first FROM (SELECT min(period) AS first FROM (SELECT period FROM ledger_months UNION SELECT period FROM releases))
WHERE first IS NOT NULL;

-- Version of the data standard that it is counted under; NULL: nothing of it was counted. Set with the first fact that is; immutable.
ALTER TABLE enrolments ADD COLUMN standard INTEGER;
UPDATE enrolments SET standard = 1 WHERE counted != 0;

-- The ledger of migrations 1 and 5, by standard. Insert only.
CREATE TABLE ledger_months_7 (
  standard INTEGER NOT NULL,
  epoch INTEGER NOT NULL,            -- of the standard: 1, or 2 after a lost ledger
  month INTEGER NOT NULL,            -- of the epoch, from 1
  period INTEGER NOT NULL,
  drawn_at INTEGER NOT NULL,
  PRIMARY KEY (standard, epoch, month),
  UNIQUE (standard, period)
) STRICT;
CREATE TABLE ledger_cells_7 (
  standard INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  month INTEGER NOT NULL,
  table_id TEXT NOT NULL,
  entries BLOB NOT NULL,             -- x per cell, 64-bit little-endian
  published BLOB NOT NULL,           -- v per cell in units of 2^-16, 64-bit little-endian
  digest BLOB NOT NULL,              -- SHA-256 of standard (none for version 1), epoch, month, table, entries, published
  PRIMARY KEY (standard, epoch, month, table_id),
  FOREIGN KEY (standard, epoch, month) REFERENCES ledger_months_7 (standard, epoch, month)
) STRICT;
CREATE TABLE ledger_corrections_7 (
  id INTEGER PRIMARY KEY,
  standard INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  month INTEGER NOT NULL,            -- of the epoch, from 1
  moved TEXT NOT NULL,               -- JSON list of the tables in which a cell moved
  FOREIGN KEY (standard, epoch, month) REFERENCES ledger_months_7 (standard, epoch, month)
) STRICT;
INSERT INTO ledger_months_7 (standard, epoch, month, period, drawn_at)
SELECT 1, epoch, month, period, drawn_at FROM ledger_months;
INSERT INTO ledger_cells_7 (standard, epoch, month, table_id, entries, published, digest)
SELECT 1, epoch, month, table_id, entries, published, digest FROM ledger_cells;
INSERT INTO ledger_corrections_7 (id, standard, epoch, month, moved)
SELECT id, 1, epoch, month, moved FROM ledger_corrections;
DROP TABLE ledger_corrections;
DROP TABLE ledger_cells;
DROP TABLE ledger_months;
ALTER TABLE ledger_months_7 RENAME TO ledger_months;
ALTER TABLE ledger_cells_7 RENAME TO ledger_cells;
ALTER TABLE ledger_corrections_7 RENAME TO ledger_corrections;

-- A month's release: prepared once, judged once. What of it is signed is in release_statements.
CREATE TABLE releases_7 (
  period INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,              -- SHA-256 of the payloads, one after the other, oldest standard first
  author TEXT NOT NULL,              -- who prepared it; 'schedule' for the cron job
  prepared_at INTEGER NOT NULL,
  approver TEXT,
  approved_at INTEGER
) STRICT;
INSERT INTO releases_7 (period, digest, author, prepared_at, approver, approved_at)
SELECT period, digest, author, prepared_at, approver, approved_at FROM releases;
CREATE TABLE release_statements (
  period INTEGER NOT NULL REFERENCES releases_7 (period),
  standard INTEGER NOT NULL,         -- version of the data standard
  epoch INTEGER NOT NULL,            -- of the standard
  month INTEGER NOT NULL,            -- of the epoch, from 1
  payload BLOB NOT NULL,             -- exact JSON of the summary's payload; immutable
  seq INTEGER UNIQUE,                -- of the statement once it is sealed
  PRIMARY KEY (period, standard)
) STRICT;
INSERT INTO release_statements (period, standard, epoch, month, payload, seq)
SELECT period, 1, epoch, month, payload, seq FROM releases;
-- Refusals refer to releases, so they step aside while these are written anew.
CREATE TABLE release_refusals_7 (
  id INTEGER PRIMARY KEY,
  period INTEGER NOT NULL REFERENCES releases_7 (period), -- months since 2000-01; immutable, as are the next four
  digest BLOB NOT NULL,              -- 32 bytes: the digest of the release that was refused
  person TEXT NOT NULL,              -- who refused it
  reason TEXT NOT NULL,              -- for the author, without personal data; never leaves the node
  refused_at INTEGER NOT NULL        -- seconds since 1970-01-01 UTC
) STRICT;
INSERT INTO release_refusals_7 (id, period, digest, person, reason, refused_at)
SELECT id, period, digest, person, reason, refused_at FROM release_refusals;
DROP TABLE release_refusals;
DROP TABLE releases;
ALTER TABLE releases_7 RENAME TO releases;
ALTER TABLE release_refusals_7 RENAME TO release_refusals;
