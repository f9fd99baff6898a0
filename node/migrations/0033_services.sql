-- Provision: services where people learn digital skills, as a coordinator describes them, a file lists them or an Open Referral UK feed gives
-- them. Organisations and what they offer: nothing here is about a learner, and no column refers to one.

-- A place where people learn digital skills. All mutable but for source and source_id of a row that a feed gave.
CREATE TABLE services (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  organisation TEXT NOT NULL,        -- who offers it, in words; never a person
  organisation_id INTEGER REFERENCES organisations (id), -- the same as one of this node's list; NULL: in words alone
  description TEXT NOT NULL,         -- '' = not stated, as in every text below
  tier INTEGER NOT NULL,             -- position in the standard's tiers, "not stated" included
  skills INTEGER NOT NULL DEFAULT 0, -- bit per position in the standard's skills; 0 = not stated
  audience INTEGER NOT NULL,         -- position in the standard's audiences, "not stated" included
  mode INTEGER,                      -- position in the standard's modes; NULL = not stated
  area TEXT,                         -- GSS code of a district, or NULL: the LEP's whole area
  place TEXT NOT NULL,               -- where, in words, without its postcode
  places INTEGER,                    -- people that one run takes; NULL = not stated
  starts INTEGER,                    -- runs that begin in a year; NULL = not stated
  start_day INTEGER,                 -- days since 1970-01-01, as are the next and assured_day; NULL = not stated
  end_day INTEGER,
  cost_pence INTEGER,                -- what it costs one person; 0 = free, NULL = not stated
  cost_notes TEXT NOT NULL,
  minimum_age INTEGER,               -- years; NULL = none, as is the next
  maximum_age INTEGER,
  eligibility TEXT NOT NULL,
  accessibility TEXT NOT NULL,
  url TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'defunct', 'temporarily closed')), -- words of Open Referral UK 3.0
  public INTEGER NOT NULL,           -- 1: stands in this node's own open feed
  assured_day INTEGER,               -- when somebody last checked that it is as it is described
  assured_by TEXT NOT NULL,          -- a role or a body, never a person
  source TEXT NOT NULL,              -- address of the feed, or what a file calls its source; '' = this node's own
  source_id TEXT NOT NULL,           -- UUID at the source; '' = none
  version INTEGER NOT NULL DEFAULT 1,
  seen_at INTEGER,                   -- s, when a feed last gave it; NULL: none did. Set by pulls, without a version or history
  merged_into INTEGER REFERENCES services (id), -- the row that stands for both; NULL: it stands for itself
  pulled TEXT                        -- JSON: column -> text that the feed gave last: what differs from it somebody changed here; NULL: of no feed
) STRICT;
CREATE UNIQUE INDEX services_source ON services (source, source_id) WHERE source_id != '';
CREATE INDEX services_merged ON services (merged_into) WHERE merged_into IS NOT NULL;
