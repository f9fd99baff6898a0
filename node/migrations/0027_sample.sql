-- Made-up records go whole, and with them who changed what of their programmes: a real row may come to bear the number of one of these.
DROP TRIGGER history_kept;
CREATE TRIGGER history_kept BEFORE DELETE ON history
WHEN NOT EXISTS (SELECT 1 FROM sample) AND (OLD.kind != 'enrolment' OR EXISTS (SELECT 1 FROM enrolments WHERE id = OLD.row))
BEGIN
  SELECT raise(ABORT, 'history is insert only');
END;
