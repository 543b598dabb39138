-- The vault: blobs that rest away from home, keys that are wrapped anew, accounts that are erased, exports.

-- Set while a blob lies with the fallback because its home was out of reach; maintenance brings it home.
ALTER TABLE blobs ADD COLUMN away boolean NOT NULL DEFAULT false;
CREATE INDEX blobs_away ON blobs (image_id, name) WHERE away;
GRANT SELECT (bytes, sha256, away) ON blobs TO photovault_maintenance;

-- Copies that no row names any more since their blob moved. They stay for a day, because tickets to them may be out.
CREATE TABLE retired_blobs (
    driver text NOT NULL,
    key text NOT NULL,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    image_id uuid NOT NULL,
    name text NOT NULL,
    retired_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (driver, key)
);
CREATE INDEX retired_blobs_of_person ON retired_blobs (user_id, image_id, name);
CREATE INDEX retired_blobs_by_age ON retired_blobs (retired_at);

-- Rotation rewraps the keys of all people, as a role that sees nothing else. What it reads and writes is ciphertext to
-- whoever lacks the master key. The role is made like those of the house: see 0001.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'photovault_rotation') THEN
        BEGIN
            CREATE ROLE photovault_rotation NOLOGIN NOBYPASSRLS;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END IF;
    IF current_setting('server_version_num')::int >= 160000 THEN
        IF NOT pg_has_role(current_user, 'photovault_rotation', 'SET') THEN
            GRANT photovault_rotation TO CURRENT_USER WITH SET TRUE, INHERIT FALSE;
        END IF;
    ELSIF NOT pg_has_role(current_user, 'photovault_rotation', 'MEMBER') THEN
        GRANT photovault_rotation TO CURRENT_USER;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO photovault_rotation', current_schema());
END $$;
CREATE INDEX user_keys_by_master ON user_keys (master_fingerprint, user_id, version);
CREATE POLICY rotation ON user_keys TO photovault_rotation USING (true);
GRANT SELECT (user_id, version, wrapped, master_fingerprint), UPDATE (wrapped, master_fingerprint) ON user_keys TO photovault_rotation;

-- When the person deleted the account: the keys are gone since then, the rows and blobs go as soon as they can.
ALTER TABLE users ADD COLUMN erased_at timestamptz;
CREATE INDEX users_erased ON users (erased_at) WHERE erased_at IS NOT NULL;
CREATE POLICY erased ON users FOR SELECT TO photovault_maintenance USING (erased_at IS NOT NULL);
GRANT SELECT (id, erased_at) ON users TO photovault_maintenance;

-- What an export covers: every photo up to the newest one of the moment it was asked for (ids are in order of time).
CREATE TABLE exports (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    up_to uuid,
    photos int NOT NULL,
    bytes bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
-- Pages of an export are in the order of ids: without it they would walk everybody's photos.
CREATE INDEX images_by_age ON images (user_id, id);
CREATE INDEX exports_of_person ON exports (user_id, created_at DESC);

DO $$
DECLARE table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['retired_blobs', 'exports'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY own_rows ON %I TO photovault_app USING (user_id = (SELECT current_person()))', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO photovault_app', table_name);
    END LOOP;
END $$;
CREATE POLICY life_cycle ON retired_blobs TO photovault_maintenance USING (true);
GRANT SELECT, DELETE ON retired_blobs TO photovault_maintenance;
CREATE POLICY expired ON exports TO photovault_maintenance USING (created_at < now() - interval '30 days');
GRANT SELECT (created_at), DELETE ON exports TO photovault_maintenance;
