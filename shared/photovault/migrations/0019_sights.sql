-- What searches are ranked by beyond what is shown: what a photo seems to show, and words without their accents.

-- A few names a photo, unsure ones too; `boxes` is how many of it were seen, 0 where only the whole picture says so.
CREATE TABLE image_sights (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    strength real NOT NULL,
    boxes smallint NOT NULL,
    PRIMARY KEY (user_id, name, image_id)
);
CREATE INDEX image_sights_of_image ON image_sights (image_id);
ALTER TABLE image_sights ENABLE ROW LEVEL SECURITY;
ALTER TABLE image_sights FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON image_sights TO photovault_app USING (user_id = (SELECT current_person()));
GRANT SELECT, INSERT, UPDATE, DELETE ON image_sights TO photovault_app;

-- Without case, accents and compatibility forms, as photovault.spoken_dates.fold does it in Python.
CREATE FUNCTION folded(words text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN replace(lower(regexp_replace(normalize(words, NFKD), '[\u0300-\u036F]', '', 'g')), 'ß', 'ss');

-- The words of photos that are there already. Row-level security hides all rows from their owner while it is forced.
ALTER TABLE image_terms NO FORCE ROW LEVEL SECURITY;
INSERT INTO image_terms AS t (user_id, term, image_id, weight)
    SELECT user_id, folded(term) COLLATE "C", image_id, max(weight) FROM image_terms
    WHERE term ~ '[^ -~]' AND folded(term) COLLATE "C" <> term GROUP BY 1, 2, 3
    ON CONFLICT (user_id, term, image_id) DO UPDATE SET weight = greatest(t.weight, excluded.weight);
DELETE FROM image_terms WHERE term ~ '[^ -~]' AND folded(term) COLLATE "C" <> term;
ALTER TABLE image_terms FORCE ROW LEVEL SECURITY;
