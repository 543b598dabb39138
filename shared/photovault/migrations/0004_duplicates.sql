-- Near-duplicates: what copies are found and verified by, the pairs that were found, and the groups that are none.

-- One row a photo, as vision made it. The album builder compares each photo once, when it comes.
CREATE TABLE image_looks (
    image_id uuid PRIMARY KEY REFERENCES images ON DELETE CASCADE,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    version smallint NOT NULL,
    sketch bytea NOT NULL,
    compared boolean NOT NULL DEFAULT false
);
CREATE INDEX image_looks_of_person ON image_looks (user_id, image_id);
CREATE INDEX image_looks_to_compare ON image_looks (user_id, image_id) WHERE NOT compared;
-- A kilobyte of grey values does not get smaller.
ALTER TABLE image_looks ALTER COLUMN sketch SET STORAGE EXTERNAL;

-- Candidates are photos with a mark in common: rows and an equality, because only that reaches an index under
-- row-level security.
CREATE TABLE image_marks (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    mark int NOT NULL,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    -- Where in the picture: 1/256 of its width and height.
    x smallint NOT NULL,
    y smallint NOT NULL,
    PRIMARY KEY (user_id, mark, image_id, x, y)
);
-- With the person, so that it is the one taken for the marks of a photo whatever the statistics say.
CREATE INDEX image_marks_of_image ON image_marks (image_id, user_id);

-- Verified pairs. `share` is how much of the picture of image_a the one of image_b shows.
CREATE TABLE look_alikes (
    image_a uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    image_b uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('duplicate', 'burst')),
    score real NOT NULL,
    share real NOT NULL,
    PRIMARY KEY (image_a, image_b),
    CHECK (image_a <> image_b)
);
CREATE INDEX look_alikes_of_other ON look_alikes (image_b);
CREATE INDEX look_alikes_of_person ON look_alikes (user_id);

-- Photos of which the person said that they are no such group. A group is not offered while all of its photos are
-- among those of one dismissal.
CREATE TABLE dismissed_look_alikes (
    dismissal_id uuid NOT NULL,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('duplicate', 'burst')),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dismissal_id, image_id)
);
CREATE INDEX dismissed_look_alikes_of_image ON dismissed_look_alikes (image_id);
CREATE INDEX dismissed_look_alikes_of_person ON dismissed_look_alikes (user_id);

DO $$
DECLARE table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['image_looks', 'image_marks', 'look_alikes', 'dismissed_look_alikes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY own_rows ON %I TO photovault_app USING (user_id = (SELECT current_person()))', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO photovault_app', table_name);
    END LOOP;
END $$;
