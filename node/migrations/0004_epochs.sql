-- A second epoch of the ledger, after the first was lost (disclosure.md, "Ledger"). One person asks, another confirms; the row is
-- written by the first and completed by the second, and never changes again. There is no third epoch.
CREATE TABLE ledger_epochs (
  epoch INTEGER PRIMARY KEY CHECK (epoch = 2),
  after INTEGER NOT NULL,            -- last month that the epoch before published (months since 2000-01); immutable
  reason TEXT NOT NULL,              -- in the words of the one who asked; immutable
  asked_by TEXT NOT NULL,            -- an author; immutable
  asked_at INTEGER NOT NULL,
  confirmed_by TEXT,                 -- an approver who is not asked_by; NULL: the epoch has not begun. Set once
  confirmed_at INTEGER
) STRICT;
