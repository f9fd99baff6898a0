-- Two more roles.
ALTER TABLE person DROP CONSTRAINT person_role_check;
ALTER TABLE person ADD CONSTRAINT person_role_check CHECK (role IN ('operator', 'analyst', 'partner', 'curator'));
