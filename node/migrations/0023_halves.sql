-- A month is published under each standard by a statement of its own. Where a database was lost between two of them, the second epoch begins
-- behind the last month that all have, and a standard that has one more goes on behind that.

-- Last month that the first epoch published under it, where that is later than ledger_epochs.after (months since 2000-01); NULL elsewhere. Set
-- once, when the second epoch is confirmed.
ALTER TABLE ledger_standards ADD COLUMN after INTEGER;
