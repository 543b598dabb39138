-- Sharing: links to an album or to some photos, for people without an account.

CREATE TABLE shares (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    -- Whether it is of an album, which may be gone by now, or of the photos in share_images.
    of_album boolean NOT NULL,
    album_id uuid REFERENCES albums ON DELETE SET NULL,
    -- What visitors read above the photos, when it is not the album's title.
    title text,
    -- The link itself is not kept: what visitors send is looked for by its hash, and its end tells links apart.
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    token_hint text NOT NULL,
    -- What the names of photos and the proofs of visits are made with; a new one ends all visits.
    secret bytea NOT NULL CHECK (octet_length(secret) = 32),
    password_hash text,
    expires_at timestamptz,
    view_limit int CHECK (view_limit > 0),
    openings int NOT NULL DEFAULT 0,
    downloads boolean NOT NULL DEFAULT false,
    last_opened_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (of_album OR album_id IS NULL)
);
CREATE INDEX shares_of_person ON shares (user_id, id DESC);
CREATE INDEX shares_of_album ON shares (album_id) WHERE album_id IS NOT NULL;

CREATE TABLE share_images (
    share_id uuid NOT NULL REFERENCES shares ON DELETE CASCADE,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (share_id, image_id)
);
CREATE INDEX share_images_of_image ON share_images (image_id);
CREATE INDEX share_images_of_person ON share_images (user_id);

DO $$
DECLARE table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['shares', 'share_images'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY own_rows ON %I TO photovault_app USING (user_id = (SELECT current_person()))', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO photovault_app', table_name);
    END LOOP;
END $$;

-- LEAST leaves out what is NULL: a share that neither ended nor will end is never forgotten.
CREATE POLICY expired ON shares TO photovault_maintenance USING (least(revoked_at, expires_at) < now() - interval '90 days');
GRANT SELECT (revoked_at, expires_at), DELETE ON shares TO photovault_maintenance;

-- Whose link it is, before anybody is known: see find_account in 0001.
CREATE POLICY before_login ON shares FOR SELECT TO photovault_lookup USING (true);
GRANT SELECT (token_hash, user_id, id) ON shares TO photovault_lookup;

CREATE FUNCTION find_share(wanted_hash bytea) RETURNS TABLE (user_id uuid, share_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$ SELECT s.user_id, s.id FROM public.shares s WHERE s.token_hash = wanted_hash $$;

DO $$
BEGIN
    EXECUTE format('GRANT CREATE ON SCHEMA %I TO photovault_lookup', current_schema());
    ALTER FUNCTION find_share(bytea) OWNER TO photovault_lookup;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM photovault_lookup', current_schema());
END $$;
REVOKE ALL ON FUNCTION find_share(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_share(bytea) TO photovault_app;
