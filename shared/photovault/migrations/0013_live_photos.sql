-- Live Photos: the film beside a picture becomes the picture's blob `motion`, and is no photo of its own.

ALTER TABLE images
    -- What the two files of a Live Photo have in common. Readable to the database, as times and places are; it says
    -- nothing of what is to be seen.
    ADD COLUMN live_identifier text,
    -- A film that has not found its picture: sealed and `pending`, or `rejected` after a week.
    ADD COLUMN film boolean NOT NULL DEFAULT false,
    ADD CHECK (NOT film OR (live_identifier IS NOT NULL AND sealed_at IS NOT NULL AND status IN ('pending', 'rejected')));
CREATE INDEX images_live ON images (user_id, live_identifier) WHERE live_identifier IS NOT NULL;
CREATE INDEX images_waiting_films ON images (id) WHERE film AND status = 'pending';
GRANT SELECT (film) ON images TO photovault_maintenance;

-- Films that have joined their picture: known by the id and the bytes that they were uploaded as, counted in the quota,
-- and gone with the picture.
CREATE TABLE films (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    picture_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    bytes bigint NOT NULL,
    joined_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, sha256)
);
CREATE UNIQUE INDEX films_of_picture ON films (picture_id);
ALTER TABLE films ENABLE ROW LEVEL SECURITY;
ALTER TABLE films FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON films TO photovault_app USING (user_id = (SELECT current_person()));
GRANT SELECT, INSERT, UPDATE, DELETE ON films TO photovault_app;
