-- People of a provider are bound to an organisation and not to a name: whatever it is called, they see its records.
-- `people.organisation` stays as what it was named when they were bound; nothing decides by it.
ALTER TABLE people ADD COLUMN organisation_id INTEGER REFERENCES organisations (id); -- of a provider: whose records it sees; mutable. NULL for everybody else

-- Whom files alone named so far becomes an organisation. `providers.was` is the first name of a provider with several.
INSERT OR IGNORE INTO organisations (name, kind, contact_role)
SELECT min(p.organisation), 'provider', '' FROM people AS p
WHERE p.organisation IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM organisations AS o WHERE o.name = p.organisation COLLATE NOCASE OR (o.kind = 'provider'
    AND coalesce((SELECT was FROM providers WHERE name = o.name COLLATE NOCASE AND was IS NOT NULL LIMIT 1), lower(o.name))
      = coalesce((SELECT was FROM providers WHERE name = p.organisation COLLATE NOCASE AND was IS NOT NULL LIMIT 1), lower(p.organisation))))
GROUP BY coalesce((SELECT was FROM providers WHERE name = p.organisation COLLATE NOCASE AND was IS NOT NULL LIMIT 1), lower(p.organisation));

UPDATE people SET organisation_id = coalesce(
  (SELECT o.id FROM organisations AS o WHERE o.name = people.organisation COLLATE NOCASE),
  (SELECT min(o.id) FROM organisations AS o WHERE o.kind = 'provider'
    AND coalesce((SELECT was FROM providers WHERE name = o.name COLLATE NOCASE AND was IS NOT NULL LIMIT 1), lower(o.name))
      = coalesce((SELECT was FROM providers WHERE name = people.organisation COLLATE NOCASE AND was IS NOT NULL LIMIT 1), lower(people.organisation))))
WHERE organisation IS NOT NULL;
