-- The names in a library, counted in advance: what search needs to understand and complete a query, without a look at
-- every photo. As in 0010, triggers keep them; what the archive has is counted apart, for it is understood, not offered.

-- Countries as photos call them (detail: the code), and cameras (name: the make, detail: the model; '' where unknown).
CREATE TABLE image_names (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('country', 'camera')),
    name text NOT NULL,
    detail text NOT NULL,
    images int NOT NULL,
    archived int NOT NULL,
    PRIMARY KEY (user_id, kind, name, detail)
) WITH (fillfactor = 80);

-- What photos show. `hidden` counts those in the archive or the trash.
CREATE TABLE image_things (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    label text NOT NULL,
    images int NOT NULL,
    hidden int NOT NULL,
    PRIMARY KEY (user_id, label)
) WITH (fillfactor = 80);

-- Places know their middle: the sum of their photos' positions on the globe, as vectors in millionths of its radius.
ALTER TABLE image_places
    ADD COLUMN archived int NOT NULL DEFAULT 0,
    ADD COLUMN x_sum bigint NOT NULL DEFAULT 0,
    ADD COLUMN y_sum bigint NOT NULL DEFAULT 0,
    ADD COLUMN z_sum bigint NOT NULL DEFAULT 0;

DO $$
DECLARE table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['image_names', 'image_things'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY own_rows ON %I TO photovault_app USING (user_id = (SELECT current_person()))', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO photovault_app', table_name);
    END LOOP;
END $$;

-- ------------------------------------------------------------------------------------------------- what is counted

-- `stored`: arranged, or would be but for the archive.
ALTER TYPE image_change
    ADD ATTRIBUTE stored boolean, ADD ATTRIBUTE country text, ADD ATTRIBUTE camera_make text, ADD ATTRIBUTE camera_model text;

CREATE OR REPLACE FUNCTION change_of(i images, sign int) RETURNS image_change LANGUAGE sql STABLE AS $$
    SELECT ROW(
        sign, i.user_id, i.status, i.deleted_at IS NULL, i.archived, i.favourite,
        i.deleted_at IS NULL AND NOT i.archived AND i.status <> 'pending',
        i.deleted_at IS NULL AND NOT i.archived AND i.status IN ('processing', 'ready'),
        i.sort_at::date, i.local_day, i.map_cell, i.location_source IS NOT DISTINCT FROM 'estimated',
        round(i.lat * 1000000)::bigint, round(i.lon * 1000000)::bigint,
        i.country_code, coalesce(i.region, ''), coalesce(i.city, ''),
        i.deleted_at IS NULL AND i.status IN ('processing', 'ready'),
        i.country, coalesce(i.camera_make, ''), coalesce(i.camera_model, '')
    )::image_change
$$;

DROP FUNCTION rolled_places(image_change[]);
CREATE FUNCTION rolled_places(changes image_change[])
    RETURNS TABLE (user_id uuid, country_code text, region text, city text, images int, archived int,
                   x_sum bigint, y_sum bigint, z_sum bigint) LANGUAGE sql STABLE AS $$
    SELECT e.user_id, e.country_code, e.region, e.city, sum(e.images)::int, sum(e.archived)::int,
           coalesce(sum(e.sign * round(1000000 * cos(e.lat) * cos(e.lon))::bigint), 0)::bigint,
           coalesce(sum(e.sign * round(1000000 * cos(e.lat) * sin(e.lon))::bigint), 0)::bigint,
           coalesce(sum(e.sign * round(1000000 * sin(e.lat))::bigint), 0)::bigint
    FROM (
        SELECT f.user_id, f.country_code, f.region, f.city, f.sign,
               CASE WHEN f.archived THEN 0 ELSE f.sign END AS images, CASE WHEN f.archived THEN f.sign ELSE 0 END AS archived,
               radians(f.lat_e6 / 1000000.0) AS lat, radians(f.lon_e6 / 1000000.0) AS lon
        FROM unnest(changes) AS f WHERE f.stored AND f.country_code IS NOT NULL
    ) AS e
    GROUP BY 1, 2, 3, 4
    HAVING sum(e.images) <> 0 OR sum(e.archived) <> 0
        OR sum(e.sign * round(1000000 * cos(e.lat) * cos(e.lon))::bigint) <> 0
        OR sum(e.sign * round(1000000 * cos(e.lat) * sin(e.lon))::bigint) <> 0
        OR sum(e.sign * round(1000000 * sin(e.lat))::bigint) <> 0
$$;

CREATE FUNCTION rolled_names(changes image_change[])
    RETURNS TABLE (user_id uuid, kind text, name text, detail text, images int, archived int) LANGUAGE sql STABLE AS $$
    SELECT f.user_id, n.kind, n.name, n.detail,
           sum(CASE WHEN f.archived THEN 0 ELSE f.sign END)::int, sum(CASE WHEN f.archived THEN f.sign ELSE 0 END)::int
    FROM unnest(changes) AS f CROSS JOIN LATERAL (
        SELECT 'country' AS kind, f.country AS name, f.country_code AS detail WHERE f.country <> '' AND f.country_code <> ''
        UNION ALL SELECT 'camera', f.camera_make, f.camera_model WHERE f.camera_make <> '' OR f.camera_model <> ''
    ) AS n
    WHERE f.stored
    GROUP BY 1, 2, 3, 4
    HAVING sum(CASE WHEN f.archived THEN 0 ELSE f.sign END) <> 0 OR sum(CASE WHEN f.archived THEN f.sign ELSE 0 END) <> 0
$$;

CREATE OR REPLACE FUNCTION roll_up(changes image_change[]) RETURNS void LANGUAGE plpgsql
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    MERGE INTO image_totals t USING rolled_totals(changes) c ON t.user_id = c.user_id
    WHEN MATCHED AND t.pending + c.pending + t.processing + c.processing + t.ready + c.ready + t.rejected + c.rejected
        + t.trash + c.trash = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET
        pending = t.pending + c.pending, processing = t.processing + c.processing, ready = t.ready + c.ready,
        rejected = t.rejected + c.rejected, archived = t.archived + c.archived, favourite = t.favourite + c.favourite,
        arranged = t.arranged + c.arranged, located = t.located + c.located, trash = t.trash + c.trash
    WHEN NOT MATCHED THEN INSERT (user_id, pending, processing, ready, rejected, archived, favourite, arranged, located, trash)
        VALUES (c.user_id, c.pending, c.processing, c.ready, c.rejected, c.archived, c.favourite, c.arranged, c.located, c.trash);

    MERGE INTO image_days t USING rolled_days(changes) c
        ON t.user_id = c.user_id AND t.level = c.level AND t.day = c.day
    WHEN MATCHED AND t.listed + c.listed = 0 AND t.arranged + c.arranged = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET listed = t.listed + c.listed, arranged = t.arranged + c.arranged
    WHEN NOT MATCHED THEN INSERT (user_id, level, day, listed, arranged)
        VALUES (c.user_id, c.level, c.day, c.listed, c.arranged);

    MERGE INTO image_cells t USING rolled_cells(changes) c ON t.user_id = c.user_id AND t.cell = c.cell
    WHEN MATCHED AND t.images + c.images = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET
        images = t.images + c.images, estimated = t.estimated + c.estimated,
        lat_sum = t.lat_sum + c.lat_sum, lon_sum = t.lon_sum + c.lon_sum
    WHEN NOT MATCHED THEN INSERT (user_id, cell, images, estimated, lat_sum, lon_sum)
        VALUES (c.user_id, c.cell, c.images, c.estimated, c.lat_sum, c.lon_sum);

    MERGE INTO image_places t USING rolled_places(changes) c
        ON t.user_id = c.user_id AND t.country_code = c.country_code AND t.region = c.region AND t.city = c.city
    WHEN MATCHED AND t.images + c.images = 0 AND t.archived + c.archived = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET
        images = t.images + c.images, archived = t.archived + c.archived,
        x_sum = t.x_sum + c.x_sum, y_sum = t.y_sum + c.y_sum, z_sum = t.z_sum + c.z_sum
    WHEN NOT MATCHED THEN INSERT (user_id, country_code, region, city, images, archived, x_sum, y_sum, z_sum)
        VALUES (c.user_id, c.country_code, c.region, c.city, c.images, c.archived, c.x_sum, c.y_sum, c.z_sum);

    MERGE INTO image_names t USING rolled_names(changes) c
        ON t.user_id = c.user_id AND t.kind = c.kind AND t.name = c.name AND t.detail = c.detail
    WHEN MATCHED AND t.images + c.images = 0 AND t.archived + c.archived = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET images = t.images + c.images, archived = t.archived + c.archived
    WHEN NOT MATCHED THEN INSERT (user_id, kind, name, detail, images, archived)
        VALUES (c.user_id, c.kind, c.name, c.detail, c.images, c.archived);
END $$;

-- ----------------------------------------------------------------------------------------------------------- labels

CREATE FUNCTION roll_up_labels() RETURNS trigger LANGUAGE plpgsql
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        MERGE INTO image_things t USING (
            SELECT a.user_id, a.label, count(*) FILTER (WHERE a.searchable)::int AS images,
                   count(*) FILTER (WHERE NOT a.searchable)::int AS hidden
            FROM after a GROUP BY 1, 2
        ) AS c ON t.user_id = c.user_id AND t.label = c.label
        WHEN MATCHED THEN UPDATE SET images = t.images + c.images, hidden = t.hidden + c.hidden
        WHEN NOT MATCHED THEN INSERT (user_id, label, images, hidden) VALUES (c.user_id, c.label, c.images, c.hidden);
    ELSIF TG_OP = 'DELETE' THEN
        -- Labels that go because their person does have no counts to be taken from.
        MERGE INTO image_things t USING (
            SELECT b.user_id, b.label, count(*) FILTER (WHERE b.searchable)::int AS images,
                   count(*) FILTER (WHERE NOT b.searchable)::int AS hidden
            FROM before b GROUP BY 1, 2
        ) AS c ON t.user_id = c.user_id AND t.label = c.label
        WHEN MATCHED AND t.images = c.images AND t.hidden = c.hidden THEN DELETE
        WHEN MATCHED THEN UPDATE SET images = t.images - c.images, hidden = t.hidden - c.hidden;
    ELSE
        MERGE INTO image_things t USING (
            SELECT e.user_id, e.label, sum(e.images)::int AS images, sum(e.hidden)::int AS hidden
            FROM (
                SELECT a.user_id, a.label, a.searchable::int AS images, (NOT a.searchable)::int AS hidden FROM after a
                UNION ALL SELECT b.user_id, b.label, -b.searchable::int, -(NOT b.searchable)::int FROM before b
            ) AS e GROUP BY 1, 2 HAVING sum(e.images) <> 0 OR sum(e.hidden) <> 0
        ) AS c ON t.user_id = c.user_id AND t.label = c.label
        WHEN MATCHED AND t.images + c.images = 0 AND t.hidden + c.hidden = 0 THEN DELETE
        WHEN MATCHED THEN UPDATE SET images = t.images + c.images, hidden = t.hidden + c.hidden
        WHEN NOT MATCHED THEN INSERT (user_id, label, images, hidden) VALUES (c.user_id, c.label, c.images, c.hidden);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER roll_up_inserted AFTER INSERT ON image_labels REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION roll_up_labels();
CREATE TRIGGER roll_up_updated AFTER UPDATE ON image_labels REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION roll_up_labels();
CREATE TRIGGER roll_up_deleted AFTER DELETE ON image_labels REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION roll_up_labels();

-- The photos that are here already, person by person. Their owner sees no rows while row-level security is forced.
DO $$
DECLARE
    person uuid;
    own text[] := ARRAY['images', 'users', 'image_labels', 'image_places', 'image_names', 'image_things'];
    table_name text;
    changes image_change[];
BEGIN
    FOREACH table_name IN ARRAY own LOOP
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', table_name);
    END LOOP;
    DELETE FROM image_places;
    FOR person IN SELECT id FROM users ORDER BY id LOOP
        SELECT array_agg(change_of(i, 1)) INTO changes FROM images i WHERE i.user_id = person;
        INSERT INTO image_places (user_id, country_code, region, city, images, archived, x_sum, y_sum, z_sum)
            SELECT c.user_id, c.country_code, c.region, c.city, c.images, c.archived, c.x_sum, c.y_sum, c.z_sum
            FROM rolled_places(changes) c;
        INSERT INTO image_names (user_id, kind, name, detail, images, archived)
            SELECT c.user_id, c.kind, c.name, c.detail, c.images, c.archived FROM rolled_names(changes) c;
    END LOOP;
    INSERT INTO image_things (user_id, label, images, hidden)
        SELECT l.user_id, l.label, count(*) FILTER (WHERE l.searchable), count(*) FILTER (WHERE NOT l.searchable)
        FROM image_labels l GROUP BY 1, 2;
    FOREACH table_name IN ARRAY own LOOP
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
    END LOOP;
END $$;
