-- Labels that a person gives and takes away, and the keywords of files, beside what models see.

-- `label` is in small letters, `name` as somebody wrote it where that differs. Files and people are sure: their score is 1.
ALTER TABLE image_labels
    ALTER COLUMN model_id DROP NOT NULL,
    ADD COLUMN source text NOT NULL DEFAULT 'vision' CHECK (source IN ('vision', 'file', 'person')),
    ADD COLUMN name text,
    ADD CONSTRAINT image_labels_model CHECK ((source = 'vision') = (model_id IS NOT NULL));

-- What a person said of a photo: that it shows something, or that it does not. What a model or the file says of that is
-- kept here and not in image_labels and image_sights, so that no list and no search can find it, and so that it is back
-- when the person's word is. (A sight stays where it is as long as nobody says that it is wrong.)
CREATE TABLE said_labels (
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    label text NOT NULL,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    shown boolean NOT NULL,
    name text,
    source text CHECK (source IN ('vision', 'file')),
    model_id smallint REFERENCES models,
    score real,
    strength real,
    boxes smallint,
    PRIMARY KEY (image_id, label)
);
CREATE INDEX said_labels_of_person ON said_labels (user_id);
ALTER TABLE said_labels ENABLE ROW LEVEL SECURITY;
ALTER TABLE said_labels FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON said_labels TO photovault_app USING (user_id = (SELECT current_person()));
GRANT SELECT, INSERT, UPDATE, DELETE ON said_labels TO photovault_app;

-- Keywords of photos that are here already lie sealed in the vault: maintenance reads them, photo by photo.
ALTER TABLE images ADD COLUMN keywords_due boolean NOT NULL DEFAULT true;
ALTER TABLE images ALTER COLUMN keywords_due SET DEFAULT false;
CREATE INDEX images_keywords_due ON images (id) WHERE keywords_due;
GRANT SELECT (keywords_due) ON images TO photovault_maintenance;
