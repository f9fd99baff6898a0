-- Several data standards at once: a node's summaries under one standard are a stream of their own, so what was one row a node and month
-- is one a node, month and standard, and national sums are kept by standard. Rows from before are those of data standard v1.

ALTER TABLE node_month
    -- SHA-256 of the data standard that the statement names; written once
    ADD COLUMN standard BYTEA NOT NULL DEFAULT '\xb6f51dc823daf00d5d1a2fbc185e33c7b711cf4cd2908841af2ff4f5ddddab33',
    DROP CONSTRAINT node_month_pkey,
    ADD PRIMARY KEY (node, period, standard);
ALTER TABLE node_month ALTER COLUMN standard DROP DEFAULT;

ALTER TABLE national_month
    -- SHA-256 of the data standard; written once
    ADD COLUMN standard BYTEA NOT NULL DEFAULT '\xb6f51dc823daf00d5d1a2fbc185e33c7b711cf4cd2908841af2ff4f5ddddab33',
    DROP CONSTRAINT national_month_pkey,
    ADD PRIMARY KEY (period, standard, part);
ALTER TABLE national_month ALTER COLUMN standard DROP DEFAULT;
