-- Albums in an order of one's own, choices that outlive every rebuild, saved filters, and birthdays.

ALTER TABLE albums
    ADD COLUMN sort text NOT NULL DEFAULT 'newest' CHECK (sort IN ('manual', 'newest', 'oldest')),
    -- Of a smart album: what photovault.saved_filters writes.
    ADD COLUMN filter jsonb,
    -- Whether that filter follows the calendar, so that time alone changes its photos.
    ADD COLUMN rolls boolean NOT NULL DEFAULT false,
    ADD CHECK ((kind = 'smart') = (filter IS NOT NULL)),
    ADD CHECK (sort <> 'manual' OR kind = 'manual');
CREATE INDEX smart_albums_of_person ON albums (user_id, id) WHERE kind = 'smart';
CREATE INDEX albums_that_roll ON albums (id) WHERE rolls;
CREATE POLICY life_cycle ON albums FOR SELECT TO photovault_maintenance USING (rolls);
GRANT SELECT (id, user_id, rolls) ON albums TO photovault_maintenance;

-- Places between two others: a move writes the photos that moved. NULL in albums that nobody can put in order, which
-- had 0 there. (An UPDATE would find no rows: row-level security is forced on whoever migrates, too.)
ALTER TABLE album_images
    ALTER COLUMN position DROP NOT NULL,
    ALTER COLUMN position DROP DEFAULT,
    ALTER COLUMN position TYPE double precision USING nullif(position, 0);
ALTER TABLE album_images ADD CHECK (position > '-Infinity' AND position < 'Infinity');
CREATE INDEX album_images_in_order ON album_images (album_id, position, image_id) WHERE position IS NOT NULL;

-- Photos that a person took out of an album that makes itself, or put into it.
CREATE TABLE album_choices (
    album_id uuid NOT NULL REFERENCES albums ON DELETE CASCADE,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    included boolean NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (album_id, image_id)
);
CREATE INDEX album_choices_of_image ON album_choices (image_id);
CREATE INDEX album_choices_of_person ON album_choices (user_id, album_id);
ALTER TABLE album_choices ENABLE ROW LEVEL SECURITY;
ALTER TABLE album_choices FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON album_choices TO photovault_app USING (user_id = (SELECT current_person()));
GRANT SELECT, INSERT, UPDATE, DELETE ON album_choices TO photovault_app;

-- A birthday is said together with a name, and goes wherever the name goes.
ALTER TABLE face_corrections
    ADD COLUMN birthday date,
    ADD CHECK (birthday IS NULL OR (kind = 'named' AND name <> ''));
ALTER TABLE person_clusters ADD COLUMN birthday date;
