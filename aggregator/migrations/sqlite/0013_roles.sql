-- Two more roles. SQLite changes a constraint by making the table anew; nothing refers to it yet.
CREATE TABLE person_anew (
    name        TEXT NOT NULL PRIMARY KEY,
    role        TEXT NOT NULL CHECK (role IN ('operator', 'analyst', 'partner', 'curator')),
    secret_hash TEXT NOT NULL,    -- argon2id PHC string; replaced by `people secret`
    added       INTEGER NOT NULL  -- ms
) STRICT;
INSERT INTO person_anew (name, role, secret_hash, added) SELECT name, role, secret_hash, added FROM person;
DROP TABLE person;
ALTER TABLE person_anew RENAME TO person;
