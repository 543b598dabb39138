-- API keys: what a person gives to a program, with the rights that it is meant to have.

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    -- The key itself is not kept: what programs send is looked for by its hash, and its start tells keys apart.
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    hint text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    -- To the hour.
    last_used_at timestamptz
);
CREATE INDEX api_keys_of_person ON api_keys (user_id, id DESC);
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON api_keys TO photovault_app USING (user_id = (SELECT current_person()));
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO photovault_app;

-- Whose key it is, before anybody is known: see find_account in 0001.
CREATE POLICY before_login ON api_keys FOR SELECT TO photovault_lookup USING (true);
GRANT SELECT (hash, user_id, id, scopes, expires_at, last_used_at) ON api_keys TO photovault_lookup;

CREATE FUNCTION find_api_key(wanted_hash bytea)
    RETURNS TABLE (id uuid, user_id uuid, scopes text[], expires_at timestamptz, last_used_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT k.id, k.user_id, k.scopes, k.expires_at, k.last_used_at FROM public.api_keys k
        WHERE k.hash = wanted_hash
    $$;

DO $$
BEGIN
    EXECUTE format('GRANT CREATE ON SCHEMA %I TO photovault_lookup', current_schema());
    ALTER FUNCTION find_api_key(bytea) OWNER TO photovault_lookup;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM photovault_lookup', current_schema());
END $$;
REVOKE ALL ON FUNCTION find_api_key(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_api_key(bytea) TO photovault_app;
