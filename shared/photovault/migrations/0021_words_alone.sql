-- Searches by words read what counts from indexes alone, without fetching a row for each hit.

ALTER TABLE image_terms DROP CONSTRAINT image_terms_pkey, ADD PRIMARY KEY (user_id, term, image_id) INCLUDE (weight);
ALTER TABLE image_sights DROP CONSTRAINT image_sights_pkey,
    ADD PRIMARY KEY (user_id, name, image_id) INCLUDE (strength, boxes);
-- As migration 0001 does it for vectors: pages that nobody knows to be visible to all are read after all.
ALTER TABLE image_terms SET (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE image_sights SET (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.05);
