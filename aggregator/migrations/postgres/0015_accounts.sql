-- With what people sign in. What opens something (a link, a code, a browser) is kept as the SHA-256 of what was drawn at random and shown once;
-- secrets that people choose are kept under argon2id. Moments are ms since 1970-01-01 UTC.
ALTER TABLE person
    ALTER COLUMN secret_hash DROP NOT NULL, -- argon2id PHC string; NULL until the person has set one; mutable
    ADD COLUMN locked BIGINT,               -- ms; since when they are kept out; NULL: not locked; mutable
    ADD COLUMN totp_key BYTEA,              -- 20 bytes, shared with the person's phone (RFC 6238); NULL: no second step; mutable
    ADD COLUMN totp_step BIGINT,            -- the last step of 30 s whose code was taken
    ADD CHECK ((totp_key IS NULL) = (totp_step IS NULL));

-- Codes for the day the phone is lost. A row goes when its code was used.
CREATE TABLE recovery_code (
    code   BYTEA NOT NULL PRIMARY KEY, -- 32 bytes; immutable
    person TEXT COLLATE "C" NOT NULL REFERENCES person (name) ON DELETE CASCADE
);

-- The link on which a person sets their own secret. A row goes when its link was used.
CREATE TABLE set_up_link (
    token   BYTEA NOT NULL PRIMARY KEY, -- 32 bytes; immutable
    person  TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES person (name) ON DELETE CASCADE,
    expires BIGINT NOT NULL             -- ms; immutable
);

-- Browsers on which a person has signed in: what strangers try elsewhere does not close the name there.
CREATE TABLE known_browser (
    token    BYTEA NOT NULL,  -- 32 bytes, the same for everybody who uses the browser; immutable
    person   TEXT COLLATE "C" NOT NULL REFERENCES person (name) ON DELETE CASCADE,
    used_day BIGINT NOT NULL, -- days since 1970-01-01 of the last sign-in there
    PRIMARY KEY (token, person)
);

-- What was done to accounts, and by whom. Rows are added with what they tell, and never changed or removed.
CREATE TABLE act (
    number BIGINT NOT NULL PRIMARY KEY, -- from 1, without gaps
    at     BIGINT NOT NULL,             -- ms
    who    TEXT COLLATE "C" NOT NULL,   -- a person, `command line`, or `sign-in` for the program itself
    action TEXT COLLATE "C" NOT NULL,
    detail TEXT COLLATE "C" NOT NULL    -- names and roles; never a secret or what opens something
);
