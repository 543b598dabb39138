-- The house: people, photos, faces, albums and everything between them.
--
-- Core Postgres 15+ and the extension `vector` only. Every table that holds a person's data has a user_id that
-- defaults to the person set for the transaction, and row-level security that is forced, so that a forgotten WHERE
-- shows nothing of anybody else. Shared tables are listed at the end.

CREATE EXTENSION IF NOT EXISTS vector;

-- Roles are cluster-wide and may exist already: another database of the same server was migrated before.
DO $$
DECLARE role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['photovault_app', 'photovault_maintenance', 'photovault_lookup'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOBYPASSRLS', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- a concurrent migration of a sister database
            END;
        END IF;
        -- From 16 on whoever creates a role without being a superuser, as on managed servers, is its member but may not
        -- SET ROLE to it. INHERIT FALSE: outside of SET ROLE no policy of these roles opens anything.
        IF current_setting('server_version_num')::int >= 160000 THEN
            IF NOT pg_has_role(current_user, role_name, 'SET') THEN
                EXECUTE format('GRANT %I TO CURRENT_USER WITH SET TRUE, INHERIT FALSE', role_name);
            END IF;
        ELSIF NOT pg_has_role(current_user, role_name, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
        END IF;
    END LOOP;
END $$;

-- The person of this transaction; NULL when none is set, and then no personal row is visible.
-- After a transaction the setting is '' and not NULL, hence nullif.
CREATE FUNCTION current_person() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('photovault.person', true), '')::uuid $$;

-- ------------------------------------------------------------------------------------------------ shared tables

CREATE TABLE models (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('face', 'image', 'label', 'text')),
    name text NOT NULL,
    version text NOT NULL,
    dims int NOT NULL CHECK (dims BETWEEN 0 AND 1300),
    UNIQUE (kind, name, version)
);

CREATE TABLE throttles (
    scope text NOT NULL,
    key bytea NOT NULL,
    level double precision NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);

CREATE TABLE signing_keys (
    kid text PRIMARY KEY,
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);

CREATE TABLE geocoder_cache (
    lat_hundredths int NOT NULL,
    lon_hundredths int NOT NULL,
    city text,
    region text,
    country text,
    country_code text,
    fetched_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lat_hundredths, lon_hundredths)
);

CREATE TABLE geocoder_state (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    next_request_at timestamptz NOT NULL DEFAULT 'epoch',
    failures int NOT NULL DEFAULT 0,
    open_until timestamptz NOT NULL DEFAULT 'epoch'
);
INSERT INTO geocoder_state DEFAULT VALUES;

-- ---------------------------------------------------------------------------------------------- people and keys

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT current_person(),
    email text NOT NULL,
    email_key text NOT NULL UNIQUE,
    name text NOT NULL,
    password_hash text NOT NULL,
    quota_bytes bigint NOT NULL CHECK (quota_bytes >= 0),
    used_bytes bigint NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
    reserved_bytes bigint NOT NULL DEFAULT 0 CHECK (reserved_bytes >= 0),
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One data-encryption key per person and version, wrapped by the master key of that fingerprint.
CREATE TABLE user_keys (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    version int NOT NULL CHECK (version > 0),
    wrapped bytea NOT NULL,
    master_fingerprint text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, version)
);

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    user_agent text,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_because text
);
CREATE INDEX sessions_of_person ON sessions (user_id, last_used_at DESC);

-- A family of refresh tokens is a session; a used one that comes back revokes it.
CREATE TABLE refresh_tokens (
    hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_of_person ON refresh_tokens (user_id);

-- ------------------------------------------------------------------------------------------------------- photos

CREATE TABLE images (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    filename text NOT NULL,
    content_type text NOT NULL,
    bytes bigint NOT NULL CHECK (bytes > 0),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'ready', 'rejected')),
    reason text,
    -- Pending: until when the latest presigned post can be used.
    post_expires_at timestamptz,
    -- The content key, wrapped by the person's key of that version.
    key_version int NOT NULL,
    content_key bytea NOT NULL,
    sealed_at timestamptz,
    vision_done_at timestamptz,
    vision_failed boolean NOT NULL DEFAULT false,
    embedding_done_at timestamptz,
    embedding_failed boolean NOT NULL DEFAULT false,
    resends smallint NOT NULL DEFAULT 0,
    resent_at timestamptz,
    width int,
    height int,
    thumbhash bytea,
    phash bigint,
    taken_instant timestamptz,
    taken_offset_minutes int,
    local_day date,
    taken_source text,
    -- The local time it was taken, else the time of the upload (UTC): the order of every list.
    sort_at timestamp NOT NULL,
    lat double precision CHECK (lat BETWEEN -90 AND 90),
    lon double precision CHECK (lon BETWEEN -180 AND 180),
    location_source text,
    place_id int,
    city text,
    region text,
    country text,
    country_code text,
    -- When an online geocoder was last asked for finer names, if one may be asked at all.
    place_refined_at timestamptz,
    camera_make text,
    camera_model text,
    face_count int NOT NULL DEFAULT 0,
    caption text,
    favourite boolean NOT NULL DEFAULT false,
    archived boolean NOT NULL DEFAULT false,
    deleted_at timestamptz,
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, sha256),
    FOREIGN KEY (user_id, key_version) REFERENCES user_keys (user_id, version),
    CHECK ((lat IS NULL) = (lon IS NULL)),
    CHECK ((status = 'rejected') = (reason IS NOT NULL)),
    CHECK (sealed_at IS NOT NULL OR status IN ('pending', 'rejected'))
);
CREATE INDEX images_timeline ON images (user_id, sort_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX images_of_day ON images (user_id, local_day) WHERE deleted_at IS NULL;
CREATE INDEX images_of_place ON images (user_id, country_code, city) WHERE deleted_at IS NULL AND country_code IS NOT NULL;
CREATE INDEX images_in_trash ON images (user_id, deleted_at DESC, id DESC) WHERE deleted_at IS NOT NULL;
CREATE INDEX images_changed ON images (user_id, revision);
CREATE INDEX images_unfinished ON images (created_at) WHERE status IN ('pending', 'processing');
ALTER TABLE images SET (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.05);

-- Where each sealed blob lies, and what it must hash to.
CREATE TABLE blobs (
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    name text NOT NULL,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    driver text NOT NULL,
    key text NOT NULL,
    bytes bigint NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    header_sha256 bytea NOT NULL CHECK (octet_length(header_sha256) = 32),
    plain_bytes bigint NOT NULL,
    content_type text NOT NULL,
    width int,
    height int,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (image_id, name)
);
CREATE UNIQUE INDEX blobs_by_key ON blobs (driver, key);
CREATE INDEX blobs_of_person ON blobs (user_id, name);

CREATE TABLE image_embeddings (
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    model_id smallint NOT NULL REFERENCES models,
    -- Goes with its photo. A reference of its own would want an index that the planner takes for the covering one.
    user_id uuid NOT NULL DEFAULT current_person(),
    embedding halfvec NOT NULL,
    searchable boolean NOT NULL DEFAULT true,
    PRIMARY KEY (image_id, model_id)
);
-- Exact scans of one person's vectors are index-only; there is no index over all tenants (infra/decisions).
CREATE INDEX image_embeddings_of_person ON image_embeddings (user_id, model_id) INCLUDE (image_id, embedding) WHERE searchable;
ALTER TABLE image_embeddings SET (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE image_embeddings ALTER COLUMN embedding SET STORAGE PLAIN;  -- an index entry cannot point into TOAST

CREATE TABLE image_labels (
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    label text NOT NULL,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    model_id smallint NOT NULL REFERENCES models,
    score real NOT NULL,
    PRIMARY KEY (image_id, label)
);
CREATE INDEX image_labels_of_person ON image_labels (user_id, label, image_id);

-- Full text as rows: GIN is not used under row-level security, because @@ is not leakproof.
CREATE TABLE image_terms (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    -- Byte order, so that a prefix is a range of the index whatever the database collation is.
    term text COLLATE "C" NOT NULL,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    weight real NOT NULL,
    PRIMARY KEY (user_id, term, image_id)
);
CREATE INDEX image_terms_of_image ON image_terms (image_id);

-- ------------------------------------------------------------------------------------------------ faces, people

CREATE TABLE person_clusters (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    name text,
    hidden boolean NOT NULL DEFAULT false,
    cover_face_id uuid,
    face_count int NOT NULL DEFAULT 0,
    image_count int NOT NULL DEFAULT 0,
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX person_clusters_of_person ON person_clusters (user_id, image_count DESC, id);

CREATE TABLE faces (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    model_id smallint NOT NULL REFERENCES models,
    -- Fractions of the upright picture, from its upper left corner.
    x real NOT NULL,
    y real NOT NULL,
    w real NOT NULL,
    h real NOT NULL,
    score real NOT NULL,
    quality real NOT NULL,
    founder boolean NOT NULL,
    embedding halfvec NOT NULL,
    person_id uuid REFERENCES person_clusters ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX faces_of_image ON faces (image_id);
CREATE INDEX faces_of_person ON faces (user_id, person_id, image_id);
CREATE INDEX faces_of_model ON faces (user_id, model_id);
-- A foreign key looks for its rows without the person: without an index of its own, among all people's.
CREATE INDEX faces_by_person ON faces (person_id) WHERE person_id IS NOT NULL;

-- What the person said about faces; clusters are derived from these facts, never the other way round.
CREATE TABLE face_corrections (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('same', 'different', 'named')),
    face_a uuid NOT NULL REFERENCES faces ON DELETE CASCADE,
    face_b uuid REFERENCES faces ON DELETE CASCADE,
    name text,
    at timestamptz NOT NULL DEFAULT now(),
    undone_at timestamptz,
    CHECK ((kind = 'named') = (face_b IS NULL)),
    CHECK ((kind = 'named') = (name IS NOT NULL))
);
CREATE INDEX face_corrections_of_person ON face_corrections (user_id, at);
CREATE INDEX face_corrections_of_face ON face_corrections (face_a);
CREATE INDEX face_corrections_of_other_face ON face_corrections (face_b) WHERE face_b IS NOT NULL;

-- ------------------------------------------------------------------------------------------------------- albums

CREATE TABLE albums (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('place', 'date', 'person', 'trip', 'event', 'manual', 'smart')),
    -- What an automatic album is about ('place:city:PT:Lisbon'); NULL for albums made by hand.
    key text,
    title text NOT NULL,
    title_edited boolean NOT NULL DEFAULT false,
    description text,
    cover_image_id uuid REFERENCES images ON DELETE SET NULL,
    cover_edited boolean NOT NULL DEFAULT false,
    why jsonb,
    first_day date,
    last_day date,
    image_count int NOT NULL DEFAULT 0,
    -- A deleted automatic album stays as a row, so that a rebuild does not bring it back.
    deleted_at timestamptz,
    revision bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, kind, key),
    CHECK ((kind IN ('manual', 'smart')) = (key IS NULL))
);
CREATE INDEX albums_by_cover ON albums (cover_image_id) WHERE cover_image_id IS NOT NULL;
CREATE INDEX albums_of_person ON albums (user_id, last_day DESC NULLS LAST, id DESC) WHERE deleted_at IS NULL;

CREATE TABLE album_images (
    album_id uuid NOT NULL REFERENCES albums ON DELETE CASCADE,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    position int NOT NULL DEFAULT 0,
    why jsonb,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (album_id, image_id)
);
CREATE INDEX album_images_of_image ON album_images (image_id);
CREATE INDEX album_images_of_person ON album_images (user_id, album_id);

-- One row per person: generations make bulk changes cost a handful of rebuilds, the lease keeps builders apart.
CREATE TABLE rebuilds (
    user_id uuid PRIMARY KEY DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    wanted_generation bigint NOT NULL DEFAULT 0,
    built_generation bigint NOT NULL DEFAULT 0,
    edit_generation bigint NOT NULL DEFAULT 0,
    lease_token uuid,
    lease_expires_at timestamptz,
    built_at timestamptz
);

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    done int NOT NULL DEFAULT 0,
    total int,
    -- For 'albums': the generation that must have been built before the job is done.
    generation bigint,
    cursor text,
    error text,
    cancel_requested boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX jobs_of_person ON jobs (user_id, created_at DESC);
CREATE INDEX jobs_open ON jobs (kind, user_id) WHERE state IN ('queued', 'running');

-- ------------------------------------------------------------------------------------------- history and retries

CREATE TABLE activity (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    kind text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX activity_of_person ON activity (user_id, id DESC);

CREATE TABLE tombstones (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    revision bigint NOT NULL,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    PRIMARY KEY (user_id, revision, subject_id)
);

CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    key text NOT NULL,
    route text NOT NULL,
    request_sha256 bytea NOT NULL,
    resource_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, route, key)
);

-- -------------------------------------------------------------------------------------------- row-level security

DO $$
DECLARE table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY[
        'user_keys', 'sessions', 'refresh_tokens', 'images', 'blobs', 'image_embeddings', 'image_labels',
        'image_terms', 'person_clusters', 'faces', 'face_corrections', 'albums', 'album_images', 'rebuilds', 'jobs',
        'activity', 'tombstones', 'idempotency_keys'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        -- The sub-select makes the person a constant of the plan, so that indexes on user_id are used.
        EXECUTE format('CREATE POLICY own_rows ON %I TO photovault_app USING (user_id = (SELECT current_person()))', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO photovault_app', table_name);
    END LOOP;
END $$;

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON users TO photovault_app USING (id = (SELECT current_person()));
GRANT SELECT, INSERT, UPDATE, DELETE ON users TO photovault_app;

GRANT SELECT ON models, signing_keys, geocoder_cache, geocoder_state TO photovault_app;
GRANT INSERT ON models TO photovault_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON throttles TO photovault_app;

-- Maintenance sees life cycles, never contents: what it does to a photo it does as that photo's person.
CREATE POLICY life_cycle ON images FOR SELECT TO photovault_maintenance USING (true);
GRANT SELECT (id, user_id, status, sealed_at, vision_done_at, vision_failed, embedding_done_at, embedding_failed,
              resends, resent_at, post_expires_at, location_source, place_refined_at, deleted_at, created_at) ON images TO photovault_maintenance;
CREATE POLICY life_cycle ON blobs FOR SELECT TO photovault_maintenance USING (true);
GRANT SELECT (image_id, user_id, name, driver, key) ON blobs TO photovault_maintenance;
CREATE POLICY life_cycle ON rebuilds FOR SELECT TO photovault_maintenance USING (true);
GRANT SELECT ON rebuilds TO photovault_maintenance;
CREATE POLICY life_cycle ON jobs FOR SELECT TO photovault_maintenance USING (true);
GRANT SELECT (id, user_id, kind, state, created_at) ON jobs TO photovault_maintenance;
CREATE POLICY expired ON idempotency_keys TO photovault_maintenance USING (created_at < now() - interval '24 hours');
GRANT SELECT (created_at), DELETE ON idempotency_keys TO photovault_maintenance;
CREATE POLICY expired ON refresh_tokens TO photovault_maintenance USING (expires_at < now() - interval '7 days');
GRANT SELECT (expires_at), DELETE ON refresh_tokens TO photovault_maintenance;
CREATE POLICY expired ON sessions TO photovault_maintenance USING (expires_at < now() - interval '30 days');
GRANT SELECT (expires_at), DELETE ON sessions TO photovault_maintenance;
GRANT SELECT, DELETE ON throttles TO photovault_maintenance;
GRANT SELECT, INSERT, UPDATE, DELETE ON geocoder_cache TO photovault_maintenance;
GRANT SELECT, UPDATE ON geocoder_state TO photovault_maintenance;

-- ------------------------------------------------------------------------------- before a person is known
-- These run as photovault_lookup, a role that nobody logs in as and that sees a few columns. A definer function of
-- the tables' owner would see nothing: FORCE holds for the owner too.

CREATE POLICY before_login ON users FOR SELECT TO photovault_lookup USING (true);
GRANT SELECT (id, email_key, password_hash) ON users TO photovault_lookup;
CREATE POLICY before_login ON refresh_tokens FOR SELECT TO photovault_lookup USING (true);
GRANT SELECT (hash, user_id, session_id) ON refresh_tokens TO photovault_lookup;

CREATE FUNCTION find_account(wanted_email_key text) RETURNS TABLE (user_id uuid, password_hash text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$ SELECT u.id, u.password_hash FROM public.users u WHERE u.email_key = wanted_email_key $$;

CREATE FUNCTION find_refresh_token(wanted_hash bytea) RETURNS TABLE (user_id uuid, session_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$ SELECT t.user_id, t.session_id FROM public.refresh_tokens t WHERE t.hash = wanted_hash $$;

DO $$
BEGIN
    EXECUTE format('GRANT CREATE ON SCHEMA %I TO photovault_lookup', current_schema());
    ALTER FUNCTION find_account(text) OWNER TO photovault_lookup;
    ALTER FUNCTION find_refresh_token(bytea) OWNER TO photovault_lookup;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM photovault_lookup', current_schema());
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO photovault_app, photovault_maintenance, photovault_lookup', current_schema());
END $$;
REVOKE ALL ON FUNCTION find_account(text), find_refresh_token(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_account(text), find_refresh_token(bytea) TO photovault_app;
