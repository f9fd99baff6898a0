-- Where the log says this node's sequence ends, as last heard. A node whose outbox is behind it was restored
-- from a backup and must not sign.
ALTER TABLE enrolment ADD COLUMN head_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE enrolment ADD COLUMN head_pae BLOB; -- SHA-256 of the PAE at head_seq; NULL before the first
