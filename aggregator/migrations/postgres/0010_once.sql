-- What a statement says is stored once, in its envelope; the library's index holds by what an entry is found.
ALTER TABLE practice DROP COLUMN seq, DROP COLUMN pae, DROP COLUMN entry;
