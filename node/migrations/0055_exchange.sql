-- What the node and the Skills Advisory Panel exchange: who collects what, and the files of the panel. Figures only: no row names a learner,
-- and none is tied to one.

-- Who collects a data item, from when until when. Several rows of an item are several agreements. All but the number is mutable.
CREATE TABLE data_items (
  id INTEGER PRIMARY KEY,
  item TEXT NOT NULL COLLATE NOCASE, -- the code that both sides know it by
  title TEXT NOT NULL,
  collector TEXT NOT NULL CHECK (collector IN ('lep', 'panel', 'dfe', 'other')),
  frequency TEXT NOT NULL CHECK (frequency IN ('once', 'monthly', 'quarterly', 'termly', 'yearly')),
  since_month INTEGER NOT NULL,      -- months since 2000-01, as is the next
  until_month INTEGER,               -- the last month; NULL: until something else is agreed
  body TEXT NOT NULL,                -- the body or role that does it, never a person; may be empty
  note TEXT NOT NULL,                -- may be empty
  version INTEGER NOT NULL DEFAULT 1,
  UNIQUE (item, collector, since_month)
) STRICT;

-- Files of the panel, as they came. Insert and delete only; of two that hold a period of an item the later one stands.
CREATE TABLE panel_files (
  id INTEGER PRIMARY KEY,
  item TEXT NOT NULL,                -- as data_items.item
  data TEXT NOT NULL,                -- the data file, in the layout of explore education statistics
  meta TEXT NOT NULL,                -- the file about its columns
  digest BLOB NOT NULL UNIQUE,       -- SHA-256 of item, data and meta: a file comes in once
  rows INTEGER NOT NULL,             -- rows that are kept, of levels that concern this node
  periods TEXT NOT NULL,             -- JSON: pairs of time_period and time_identifier, earliest first
  who TEXT NOT NULL,                 -- a person's name or `command line`
  at INTEGER NOT NULL                -- seconds since 1970-01-01 UTC
) STRICT;
