-- What the made-up records describe besides learners and programmes: it goes with them. What people describe beside it stays.
CREATE TABLE sample_kept (
  kind TEXT NOT NULL,                -- as in history: organisation, demand, service
  row INTEGER NOT NULL,              -- id in the table of that kind
  PRIMARY KEY (kind, row)
) STRICT, WITHOUT ROWID;
