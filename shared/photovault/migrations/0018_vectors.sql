-- The vectors of the archive and the trash, which image_embeddings_of_person leaves out: a search in the archive compares
-- them in an index of their own, as the others are, and no longer looks through all photos for those that are archived.

CREATE INDEX image_embeddings_aside ON image_embeddings (user_id, model_id) INCLUDE (image_id, embedding) WHERE NOT searchable;
