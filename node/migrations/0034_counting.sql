-- Which employers a provider's learners name, without reading the provider's enrolments.
DROP INDEX enrolments_employer;
CREATE INDEX enrolments_employer ON enrolments (employer, provider, removed_day) WHERE employer IS NOT NULL;
-- Learners of whom rows were removed: few, and left out where learners are counted.
CREATE INDEX enrolments_removed ON enrolments (learner) WHERE removed_day IS NOT NULL;
