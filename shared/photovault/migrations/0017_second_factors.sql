-- The second factor of log-in: a secret that makes codes (RFC 6238), and recovery codes for when it is lost.

CREATE TABLE second_factors (
    user_id uuid PRIMARY KEY DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    -- Under a key that is made from JWT_SECRET, as it was then: see photovault.one_time_codes.
    sealed bytea NOT NULL,
    sealed_by text NOT NULL,
    -- Of the latest code that was taken: none is taken twice.
    last_step bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Since when log-in asks for it; until a first code has shown that the person has the secret, it does not.
    confirmed_at timestamptz
);
CREATE INDEX second_factors_by_key ON second_factors (sealed_by);

-- Those that were not used. The codes themselves are not kept.
CREATE TABLE recovery_codes (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (user_id, hash)
);

DO $$
DECLARE table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['second_factors', 'recovery_codes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY own_rows ON %I TO photovault_app USING (user_id = (SELECT current_person()))', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO photovault_app', table_name);
    END LOOP;
END $$;

-- Who rotates keys seals these anew when JWT_SECRET changes. What it reads is ciphertext to whoever lacks that.
CREATE POLICY rotation ON second_factors TO photovault_rotation USING (true);
GRANT SELECT (user_id, sealed, sealed_by), UPDATE (sealed, sealed_by) ON second_factors TO photovault_rotation;

-- What a session began with.
ALTER TABLE sessions ADD COLUMN method text NOT NULL DEFAULT 'password'
    CHECK (method IN ('password', 'totp', 'recovery-code'));
