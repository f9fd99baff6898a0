-- What a statement says is stored once, in its envelope; the library's index holds by what an entry is found.
ALTER TABLE practice ADD COLUMN supersedes BYTEA; -- SHA-256 of the statement that it says to replace
UPDATE practice SET supersedes = decode(entry::json->>'supersedes', 'hex');
ALTER TABLE practice DROP COLUMN seq, DROP COLUMN pae, DROP COLUMN entry;
