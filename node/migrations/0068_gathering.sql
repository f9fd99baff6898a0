-- Who is to bring what is not known yet of the demand for a skill, or of its provision, in an area. Bodies and roles: no row names a person or a
-- learner.
CREATE TABLE gathering_tasks (
  id INTEGER PRIMARY KEY,
  about TEXT NOT NULL CHECK (about IN ('demand', 'provision')),
  skill INTEGER NOT NULL,   -- position in the standard's skills
  district TEXT,            -- GSS code; NULL: the whole area
  body TEXT NOT NULL,       -- the body or role that brings it, never a person
  due_day INTEGER NOT NULL, -- days since 1970-01-01, as is the next
  done_day INTEGER,         -- NULL: it is still to come
  note TEXT NOT NULL,       -- may be empty
  version INTEGER NOT NULL DEFAULT 1
) STRICT;

-- One at a time for a skill in an area; those that are done stay.
CREATE UNIQUE INDEX gathering_tasks_open ON gathering_tasks (about, skill, ifnull(district, '')) WHERE done_day IS NULL;
