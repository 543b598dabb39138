-- What changed since a revision, of photos, albums and people alike: read in the order of (revision, id), page by page.
CREATE INDEX images_by_revision ON images (user_id, revision, id);
DROP INDEX images_changed;
CREATE INDEX albums_by_revision ON albums (user_id, revision, id);
CREATE INDEX person_clusters_by_revision ON person_clusters (user_id, revision, id);

-- What is gone is remembered for as long as a copy that is not kept up to date is good for (photovault.tombstones).
ALTER TABLE tombstones ADD COLUMN at timestamptz NOT NULL DEFAULT now();
CREATE INDEX tombstones_by_age ON tombstones (at);
CREATE POLICY expired ON tombstones TO photovault_maintenance USING (at < now() - interval '100 days');
GRANT SELECT (at), DELETE ON tombstones TO photovault_maintenance;
