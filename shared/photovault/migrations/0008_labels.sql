-- Things to browse by: how many photos show each, and the clearest of them, from an index alone.

-- Neither in the trash nor archived, as of image_embeddings.
ALTER TABLE image_labels ADD COLUMN searchable boolean NOT NULL DEFAULT true;
CREATE INDEX image_labels_shown ON image_labels (user_id, label, score DESC, image_id) WHERE searchable;
-- An index-only scan wants pages that are known to be visible to all.
ALTER TABLE image_labels SET (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.05);

-- Their owner sees no rows while row-level security is forced.
ALTER TABLE images NO FORCE ROW LEVEL SECURITY;
ALTER TABLE image_labels NO FORCE ROW LEVEL SECURITY;
UPDATE image_labels l SET searchable = false FROM images i
    WHERE i.id = l.image_id AND (i.deleted_at IS NOT NULL OR i.archived);
ALTER TABLE image_labels FORCE ROW LEVEL SECURITY;
ALTER TABLE images FORCE ROW LEVEL SECURITY;
