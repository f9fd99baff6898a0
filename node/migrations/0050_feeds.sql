-- Open Referral UK feeds that this node pulls services from, and how far each pull is: one request at a time, so that it goes on where it
-- ended. Nothing here is about a learner.
CREATE TABLE feeds (
  id INTEGER PRIMARY KEY,
  url TEXT NOT NULL UNIQUE,          -- address of its API without a slash at the end: `services.source` of what it gives
  term TEXT NOT NULL,                -- taxonomy_term_id that is asked for; '' = every service
  begun_at INTEGER,                  -- s, when the run under way began; NULL: none is. Mutable, as is all that follows
  begun_by TEXT NOT NULL,            -- who began it, for histories
  page INTEGER NOT NULL DEFAULT 1,   -- the next one to ask for
  pages INTEGER,                     -- how many there were said to be on the first page of the run; NULL: not asked yet
  last INTEGER NOT NULL DEFAULT 0,   -- 1: the last page was read
  robots TEXT,                       -- JSON: what its robots.txt says to us; NULL: not read yet in this run
  due_at INTEGER NOT NULL DEFAULT 0, -- s, no request before
  failures INTEGER NOT NULL DEFAULT 0, -- in a row
  problem TEXT NOT NULL DEFAULT '',  -- code of what ended the last run or holds this one; '' = nothing
  ended_at INTEGER,                  -- s, when a run last came to its end; NULL: none did
  found INTEGER NOT NULL DEFAULT 0,  -- services that the run listed, as are the next: of the run
  added INTEGER NOT NULL DEFAULT 0,
  changed INTEGER NOT NULL DEFAULT 0,
  unchanged INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What a feed listed.
CREATE TABLE feed_items (
  feed INTEGER NOT NULL REFERENCES feeds (id),
  source_id TEXT NOT NULL,           -- UUID, lower case
  run_at INTEGER NOT NULL,           -- feeds.begun_at of the run that listed it last; mutable, as is all that follows
  page INTEGER NOT NULL,             -- on which it was
  listed TEXT NOT NULL,              -- last_modified as the page had it; '' = it had none
  held TEXT NOT NULL DEFAULT '',     -- the same of what is stored; '' = nothing is
  etag TEXT NOT NULL DEFAULT '',     -- of what is stored
  waits INTEGER NOT NULL,            -- 1: to be asked for
  problem TEXT NOT NULL DEFAULT '',  -- code of what is wrong with it; '' = nothing
  PRIMARY KEY (feed, source_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX feed_items_waiting ON feed_items (feed, page) WHERE waits = 1;

-- Pages as they were, so that one that did not change need not be sent again.
CREATE TABLE feed_pages (
  feed INTEGER NOT NULL REFERENCES feeds (id),
  page INTEGER NOT NULL,
  etag TEXT NOT NULL,
  pages INTEGER NOT NULL,            -- how many it said that there are
  PRIMARY KEY (feed, page)
) STRICT, WITHOUT ROWID;
