-- The photos that search does not show unless it is asked to: people and albums are counted without them.
CREATE INDEX images_aside ON images (user_id, id) WHERE deleted_at IS NOT NULL OR archived;
