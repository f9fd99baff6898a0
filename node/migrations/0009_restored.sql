-- A node that was restored from a backup does not know what it published since. Until the log has said where the node's sequence ends, it
-- neither draws nor signs: a month that is out already would be drawn a second time.
ALTER TABLE identity ADD COLUMN restored_at INTEGER; -- seconds since 1970-01-01; NULL: not restored, or the log was heard since
