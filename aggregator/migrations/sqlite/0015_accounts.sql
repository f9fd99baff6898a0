-- With what people sign in. What opens something (a link, a code, a browser) is kept as the SHA-256 of what was drawn at random and shown once;
-- secrets that people choose are kept under argon2id. Moments are ms since 1970-01-01 UTC.

-- A secret may be missing until its person has set one; nothing refers to the column.
ALTER TABLE person ADD COLUMN chosen TEXT;
UPDATE person SET chosen = secret_hash;
ALTER TABLE person DROP COLUMN secret_hash;
ALTER TABLE person RENAME COLUMN chosen TO secret_hash; -- argon2id PHC string; NULL until the person has set one; mutable
ALTER TABLE person ADD COLUMN locked INTEGER;           -- ms; since when they are kept out; NULL: not locked; mutable
ALTER TABLE person ADD COLUMN totp_key BLOB;            -- 20 bytes, shared with the person's phone (RFC 6238); NULL: no second step; mutable
ALTER TABLE person ADD COLUMN totp_step INTEGER CHECK ((totp_key IS NULL) = (totp_step IS NULL)); -- the last step of 30 s whose code was taken

-- Codes for the day the phone is lost. A row goes when its code was used.
CREATE TABLE recovery_code (
    code   BLOB NOT NULL PRIMARY KEY, -- 32 bytes; immutable
    person TEXT NOT NULL REFERENCES person (name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The link on which a person sets their own secret. A row goes when its link was used.
CREATE TABLE set_up_link (
    token   BLOB NOT NULL PRIMARY KEY, -- 32 bytes; immutable
    person  TEXT NOT NULL UNIQUE REFERENCES person (name) ON DELETE CASCADE,
    expires INTEGER NOT NULL           -- ms; immutable
) STRICT, WITHOUT ROWID;

-- Browsers on which a person has signed in: what strangers try elsewhere does not close the name there.
CREATE TABLE known_browser (
    token    BLOB NOT NULL,    -- 32 bytes, the same for everybody who uses the browser; immutable
    person   TEXT NOT NULL REFERENCES person (name) ON DELETE CASCADE,
    used_day INTEGER NOT NULL, -- days since 1970-01-01 of the last sign-in there
    PRIMARY KEY (token, person)
) STRICT, WITHOUT ROWID;

-- What was done to accounts, and by whom. Rows are added with what they tell, and never changed or removed.
CREATE TABLE act (
    number INTEGER NOT NULL PRIMARY KEY, -- from 1, without gaps
    at     INTEGER NOT NULL,             -- ms
    who    TEXT NOT NULL,                -- a person, `command line`, or `sign-in` for the program itself
    action TEXT NOT NULL,
    detail TEXT NOT NULL                 -- names and roles; never a secret or what opens something
) STRICT;
