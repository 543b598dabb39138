-- Letters that are no letter with an accent to Unicode, but are typed as one: ø as o, æ as ae. As
-- photovault.spoken_dates.fold has them in Python; capitals too, which lower() leaves where the database sorts by bytes.
CREATE OR REPLACE FUNCTION folded(words text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN replace(replace(replace(replace(
        translate(
            lower(regexp_replace(normalize(words, NFKD), '[\u0300-\u036F]', '', 'g')),
            'øØłŁđĐðÐıςÆŒÞ', 'oollddddiσæœþ'
        ),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');

ALTER TABLE image_terms NO FORCE ROW LEVEL SECURITY;
INSERT INTO image_terms AS t (user_id, term, image_id, weight)
    SELECT user_id, folded(term) COLLATE "C", image_id, max(weight) FROM image_terms
    WHERE term ~ '[^ -~]' AND folded(term) COLLATE "C" <> term GROUP BY 1, 2, 3
    ON CONFLICT (user_id, term, image_id) DO UPDATE SET weight = greatest(t.weight, excluded.weight);
DELETE FROM image_terms WHERE term ~ '[^ -~]' AND folded(term) COLLATE "C" <> term;
ALTER TABLE image_terms FORCE ROW LEVEL SECURITY;
