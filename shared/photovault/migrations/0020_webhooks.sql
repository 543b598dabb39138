-- Webhooks: where a person wants to be told of changes, and what was, or is to be, delivered there.

-- The revision at which a photo became ready, or was rejected: what tells those from photos that changed later on.
ALTER TABLE images ADD COLUMN finished_revision bigint;

CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    description text,
    events text[] NOT NULL CHECK (cardinality(events) > 0),
    -- The address and the signing secret, sealed by the person's key of that version.
    key_version int NOT NULL,
    sealed bytea NOT NULL,
    active boolean NOT NULL DEFAULT true,
    stopped_because text,
    -- Changes up to this revision have been made into deliveries: the changes themselves are the outbox.
    position bigint NOT NULL,
    -- When a message that asks for more of them was sent last; NULL once it was heard.
    woken_at timestamptz,
    -- Since when nothing could be delivered; NULL while deliveries arrive.
    failing_since timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (user_id, key_version) REFERENCES user_keys (user_id, version),
    CHECK (active = (stopped_because IS NULL))
);
CREATE INDEX webhooks_of_person ON webhooks (user_id, id);

-- A body holds ids and revisions, and nothing else of anybody.
CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    event text NOT NULL,
    body text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz DEFAULT now(),
    -- While somebody is at it; whoever dies there is followed after this.
    claimed_until timestamptz,
    last_attempt_at timestamptz,
    last_status int,
    last_trouble text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'waiting') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id, id DESC);
CREATE INDEX webhook_deliveries_of_person ON webhook_deliveries (user_id);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (user_id, id) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

DO $$
DECLARE table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['webhooks', 'webhook_deliveries'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY own_rows ON %I TO photovault_app USING (user_id = (SELECT current_person()))', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO photovault_app', table_name);
    END LOOP;
END $$;
CREATE POLICY life_cycle ON webhooks FOR SELECT TO photovault_maintenance USING (active);
GRANT SELECT (user_id, active) ON webhooks TO photovault_maintenance;
CREATE POLICY expired ON webhook_deliveries TO photovault_maintenance
    USING (state <> 'waiting' AND created_at < now() - interval '30 days');
GRANT SELECT (state, created_at), DELETE ON webhook_deliveries TO photovault_maintenance;
