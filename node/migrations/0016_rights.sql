-- Rights and retention: an audit log that shows when it was altered, and what is left to do after an erasure.

-- SHA-256 over "ldsp-node audit v1" and a line feed, the hash of the row before (32 zero bytes for the first), id and at as 64-bit big-endian
-- numbers, and who, action and detail, each behind its length in bytes as such a number. Never NULL but between this migration and the first
-- start of the program after it, which chains the rows that were there. Immutable, as is the whole row.
ALTER TABLE audit ADD COLUMN hash BLOB;

-- The last row of the audit log: without it, rows taken from the end would not be missed. One row from the first entry on; follows it.
CREATE TABLE audit_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id INTEGER NOT NULL,                -- of the last row; grows
  hash BLOB NOT NULL                  -- 32 bytes: of the last row
) STRICT;

-- The log is only ever added to. A row gets its hash once.
CREATE TRIGGER audit_kept BEFORE DELETE ON audit
BEGIN
  SELECT raise(ABORT, 'the audit log is only ever added to');
END;
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
WHEN OLD.hash IS NOT NULL OR OLD.id IS NOT NEW.id OR OLD.at IS NOT NEW.at OR OLD.who IS NOT NEW.who
  OR OLD.action IS NOT NEW.action OR OLD.detail IS NOT NEW.detail
BEGIN
  SELECT raise(ABORT, 'the audit log is only ever added to');
END;
CREATE TRIGGER audit_head_kept BEFORE DELETE ON audit_head
BEGIN
  SELECT raise(ABORT, 'the audit log is only ever added to');
END;
CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head WHEN NEW.id <= OLD.id
BEGIN
  SELECT raise(ABORT, 'the audit log is only ever added to');
END;

-- When records were last erased (seconds since 1970-01-01) whose bytes may still be in free pages and in the write-ahead log; NULL: the files
-- were written anew since.
ALTER TABLE identity ADD COLUMN erased_at INTEGER;
