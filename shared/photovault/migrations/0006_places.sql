-- Places that were estimated from photos close in time, and places that a person corrected.
ALTER TABLE images
    -- Of an estimate: how far off it may be.
    ADD COLUMN location_accuracy_km double precision CHECK (location_accuracy_km >= 0),
    -- What the file says, beside a correction, so that it can be given back. NULL where location_source is not 'person'.
    ADD COLUMN file_lat double precision,
    ADD COLUMN file_lon double precision,
    ADD COLUMN file_location_source text,
    ADD CHECK (location_accuracy_km IS NULL OR location_source = 'estimated'),
    ADD CHECK ((file_lat IS NULL) = (file_lon IS NULL)),
    ADD CHECK (file_location_source IS NULL OR location_source = 'person');
