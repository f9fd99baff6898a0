-- A provider's own pages ask for its enrolments alone, and among those for the ones that ended in a span of days. The first import into an
-- empty node builds this index with the others of `enrolments`, when all rows are there.
CREATE INDEX enrolments_provider ON enrolments (provider, end_day);

-- From here on `init` may leave the LEP to be chosen later: `identity` has no row until then, and identity.lep is mutable as long as nothing
-- depends on it (store/identity).
