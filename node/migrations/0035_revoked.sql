-- Place in the log from which this node's key counts no more, as last heard; NULL while it counts. Never taken back: a key does not come back.
ALTER TABLE enrolment ADD COLUMN revoked_from INTEGER;
