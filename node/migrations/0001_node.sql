-- One LEP's node. Months are counted from 2000-01 = 0 (protocol Period::index); dates are days since
-- 1970-01-01; moments are seconds since 1970-01-01 UTC. Codes are positions in the data standard's code lists.
-- Nothing here is a name, ULN, NI number, birth date or postcode of a learner.

-- Who this node is. One row, written by `init`; the key itself is a file.
CREATE TABLE identity (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  lep TEXT NOT NULL,                 -- GSS code of the LEP; immutable
  created_at INTEGER NOT NULL
) STRICT;

-- Where it publishes. One row, written by `enrol`; state is refreshed from the aggregator.
CREATE TABLE enrolment (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  node TEXT NOT NULL,                -- slug; immutable
  url TEXT NOT NULL,                 -- aggregator address without a path
  origin TEXT NOT NULL,              -- the log's origin; immutable
  verifier TEXT NOT NULL,            -- the log's vkey; immutable
  ca_pem TEXT,                       -- private certificate authority
  state TEXT NOT NULL CHECK (state IN ('pending', 'active')),
  enrolled_at INTEGER NOT NULL
) STRICT;

CREATE TABLE people (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('author', 'approver')),
  secret_hash TEXT NOT NULL,         -- argon2id, PHC string
  added_at INTEGER NOT NULL
) STRICT;

CREATE TABLE programmes (
  id INTEGER PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,         -- the file's `programme`
  name TEXT NOT NULL,
  provider TEXT NOT NULL,
  tier INTEGER NOT NULL,
  type INTEGER NOT NULL,
  audience INTEGER NOT NULL,
  funder TEXT NOT NULL,
  cost_pence INTEGER,                -- whole programme
  capacity INTEGER,                  -- places
  start_day INTEGER,
  end_day INTEGER
) STRICT;

-- One row per enrolment; a later import of the same enrolment updates it.
CREATE TABLE enrolments (
  id INTEGER PRIMARY KEY,
  spell BLOB NOT NULL UNIQUE,        -- 16 bytes: keyed HMAC of provider + the provider's reference of the learner (else the ULN) + aim + start
  learner BLOB NOT NULL,             -- 16 bytes: keyed pseudonym; changes when a ULN is issued later
  provider TEXT NOT NULL,
  aim TEXT NOT NULL,
  programme INTEGER NOT NULL REFERENCES programmes (id),
  district TEXT,                     -- live GSS code; NULL = not stated
  in_area INTEGER NOT NULL,          -- 1: the LEP owns the district, or it is not stated
  enters INTEGER NOT NULL,           -- 1: among the learner's first two in the area; fixed once anything of it was counted
  skill INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  age INTEGER NOT NULL,              -- band at the start
  sex INTEGER NOT NULL,
  ethnicity INTEGER NOT NULL,
  disability INTEGER NOT NULL,
  prior INTEGER NOT NULL,
  start_day INTEGER NOT NULL,
  planned_end_day INTEGER,
  end_day INTEGER,
  stage INTEGER NOT NULL,            -- position in the standard's stages
  destination_3m INTEGER,            -- NULL: not due or not yet known
  destination_6m INTEGER,
  destination_12m INTEGER,
  confidence INTEGER,                -- NULL: not asked
  everyday INTEGER,                  -- NULL: not asked
  counted INTEGER NOT NULL DEFAULT 0 -- bit per family (Family::ALL order) that entered the ledger; bits are only ever set
) STRICT;
CREATE INDEX enrolments_learner ON enrolments (learner);

-- ONS Postcode Directory: public, not about learners.
CREATE TABLE postcodes (
  postcode TEXT PRIMARY KEY,         -- upper case, no space
  district TEXT NOT NULL             -- live GSS code
) STRICT, WITHOUT ROWID;

CREATE TABLE imports (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('learners', 'programmes', 'postcodes')),
  digest BLOB NOT NULL,              -- SHA-256 of the file
  rows INTEGER NOT NULL,
  added INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  unchanged INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  outside INTEGER NOT NULL,          -- kept for local figures, never counted
  at INTEGER NOT NULL
) STRICT;

-- The ledger (disclosure.md): what entered and what was published, per table and month. Insert only.
CREATE TABLE ledger_months (
  epoch INTEGER NOT NULL,
  month INTEGER NOT NULL,            -- of the epoch, from 1
  period INTEGER NOT NULL UNIQUE,
  drawn_at INTEGER NOT NULL,
  PRIMARY KEY (epoch, month)
) STRICT;
CREATE TABLE ledger_cells (
  epoch INTEGER NOT NULL,
  month INTEGER NOT NULL,
  table_id TEXT NOT NULL,
  entries BLOB NOT NULL,             -- x per cell, 64-bit little-endian
  published BLOB NOT NULL,           -- v per cell in units of 2^-16, 64-bit little-endian
  digest BLOB NOT NULL,              -- SHA-256 of epoch, month, table, entries, published
  PRIMARY KEY (epoch, month, table_id),
  FOREIGN KEY (epoch, month) REFERENCES ledger_months (epoch, month)
) STRICT;

CREATE TABLE releases (
  period INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  month INTEGER NOT NULL,
  payload BLOB NOT NULL,             -- exact JSON of the summary's payload; immutable
  digest BLOB NOT NULL,              -- SHA-256 of payload
  author TEXT NOT NULL,              -- who prepared it; 'schedule' for the cron job
  prepared_at INTEGER NOT NULL,
  approver TEXT,
  approved_at INTEGER,
  seq INTEGER UNIQUE                 -- of the statement once it is sealed
) STRICT;

CREATE TABLE practice (
  id INTEGER PRIMARY KEY,
  entry BLOB NOT NULL,               -- JSON of the payload; immutable once released
  author TEXT NOT NULL,
  written_at INTEGER NOT NULL,
  approver TEXT,
  approved_at INTEGER,
  seq INTEGER UNIQUE
) STRICT;

-- Final envelope bytes. A row stays for ever; `receipt` is set when the aggregator's receipt verified.
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  period INTEGER,
  pae BLOB NOT NULL,                 -- SHA-256 of the PAE
  envelope BLOB NOT NULL,            -- immutable
  queued_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL,
  problem TEXT,                      -- last refusal, for people
  receipt TEXT,
  log_index INTEGER,
  acknowledged_at INTEGER
) STRICT;

-- Who did what, without personal data of learners. Insert only.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  who TEXT NOT NULL,
  action TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
