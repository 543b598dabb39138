-- Taken back by the person since the last rebuild, which keeps it even where it would not make it any more.
ALTER TABLE albums ADD COLUMN restored boolean NOT NULL DEFAULT false;

-- A process that had begun without the models' files could store what it made in the name of a model that had come
-- meanwhile. Vectors of another length than their model's are such: a search that compares them fails. The photos are
-- embedded and looked at anew in the background, as after an upgrade of the models. Nobody is a person here, so row-level
-- security would hide the rows from their owner.
ALTER TABLE images NO FORCE ROW LEVEL SECURITY;
ALTER TABLE image_embeddings NO FORCE ROW LEVEL SECURITY;
ALTER TABLE faces NO FORCE ROW LEVEL SECURITY;
WITH wrong AS (
    DELETE FROM image_embeddings e USING models m
    WHERE m.id = e.model_id AND vector_dims(e.embedding) <> m.dims RETURNING e.image_id
)
UPDATE images SET embedding_recipe = 0 FROM wrong WHERE images.id = wrong.image_id;
UPDATE images SET vision_recipe = 0 WHERE id IN (
    SELECT f.image_id FROM faces f JOIN models m ON m.id = f.model_id WHERE vector_dims(f.embedding) <> m.dims
);
ALTER TABLE faces FORCE ROW LEVEL SECURITY;
ALTER TABLE image_embeddings FORCE ROW LEVEL SECURITY;
ALTER TABLE images FORCE ROW LEVEL SECURITY;
