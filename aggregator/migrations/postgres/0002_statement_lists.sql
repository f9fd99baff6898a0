-- Lists of statements are read newest first by kind, and counted by node and kind with their times, without touching
-- the envelopes that fill the table.
CREATE INDEX statement_by_kind ON statement (kind, leaf);
CREATE INDEX statement_tally ON statement (node, kind, received);
