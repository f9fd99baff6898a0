-- Keys are added by statements of the log's own: where the one stands that added the node's key.
ALTER TABLE node ADD COLUMN added bigint; -- leaf; NULL until the key is approved and stated, set once

-- What the log states itself is read by kind, newest first.
CREATE INDEX own_statement_by_kind ON own_statement (kind, leaf);
