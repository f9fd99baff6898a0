-- What ends sessions. A session stands on the number that its person had when it was opened; no number is given twice, so whoever gets the
-- name of somebody who was removed does not get that one's sessions either.

ALTER TABLE people ADD COLUMN generation INTEGER NOT NULL DEFAULT 0; -- another one with each addition, new link and account disconnected

-- One row.
CREATE TABLE generations (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  last INTEGER NOT NULL              -- the last number that was given to anybody; only grows
) STRICT;
INSERT INTO generations (id, last) VALUES (1, 0);
