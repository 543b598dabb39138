-- Roll-ups: how many photos there are by day, on the map, by place and by state, kept in the transaction of each change.
-- Triggers do it, so that no function that writes photos can forget to. `photovault db check` recounts.

-- --------------------------------------------------------------------------------------------- a photo's map cell
-- The quadtree of Web Mercator tiles: a cell's code is a 1, then two bits (y, x) for each level down to the 21st, whose
-- cells are 19 m wide at the equator. `code >> 2` is the cell around it, so that each cell is one range of codes. Beyond
-- 85.05 degrees everything is in the last row. photovault.cells computes the same.
CREATE FUNCTION map_cell(lat double precision, lon double precision) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bounded double precision := greatest(-85.0511287798066, least(85.0511287798066, lat));
    x bigint := least(2097151, greatest(0, floor((lon + 180) / 360 * 2097152)))::bigint;
    y bigint := least(2097151, greatest(0,
        floor((0.5 - ln(tan((90 + bounded) * pi() / 360)) / (2 * pi())) * 2097152)))::bigint;
BEGIN
    -- Each spreads its bits to every second place.
    x := (x | (x << 16)) & 281470681808895;
    x := (x | (x << 8)) & 71777214294589695;
    x := (x | (x << 4)) & 1085102592571150095;
    x := (x | (x << 2)) & 3689348814741910323;
    x := (x | (x << 1)) & 6148914691236517205;
    y := (y | (y << 16)) & 281470681808895;
    y := (y | (y << 8)) & 71777214294589695;
    y := (y | (y << 4)) & 1085102592571150095;
    y := (y | (y << 2)) & 3689348814741910323;
    y := (y | (y << 1)) & 6148914691236517205;
    RETURN (1::bigint << 42) | (y << 1) | x;
END $$;

ALTER TABLE images ADD COLUMN map_cell bigint GENERATED ALWAYS AS (map_cell(lat, lon)) STORED;
-- The photo that stands for a cluster.
CREATE INDEX images_on_map ON images (user_id, map_cell, sort_at DESC, id DESC)
    WHERE map_cell IS NOT NULL AND deleted_at IS NULL AND NOT archived AND status <> 'pending';
-- The favourite that stands for a month, and the list of favourites.
CREATE INDEX images_favourite ON images (user_id, sort_at DESC, id DESC) WHERE favourite AND deleted_at IS NULL;

-- ---------------------------------------------------------------------------------------------------- the roll-ups
-- Nothing is kept that counts nothing.

-- By day, month and year (`day` is the first of them). `listed` is what the list of photos shows, by its order
-- (sort_at); `arranged` what albums are made of, by local day.
CREATE TABLE image_days (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    level text NOT NULL CHECK (level IN ('day', 'month', 'year')),
    day date NOT NULL,
    listed int NOT NULL,
    arranged int NOT NULL,
    PRIMARY KEY (user_id, level, day)
) WITH (fillfactor = 80);

-- By map cell of every level, of what the list of photos shows. Sums are of millionths of a degree: whole numbers, which
-- come and go without a rest.
CREATE TABLE image_cells (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    cell bigint NOT NULL,
    images int NOT NULL,
    estimated int NOT NULL,
    lat_sum bigint NOT NULL,
    lon_sum bigint NOT NULL,
    PRIMARY KEY (user_id, cell)
) WITH (fillfactor = 80);

-- By place, of what albums are made of; '' where a name is not known.
CREATE TABLE image_places (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    country_code text NOT NULL,
    region text NOT NULL,
    city text NOT NULL,
    images int NOT NULL,
    PRIMARY KEY (user_id, country_code, region, city)
) WITH (fillfactor = 80);

-- All of a person's photos; every number but `trash` leaves the trash out.
CREATE TABLE image_totals (
    user_id uuid PRIMARY KEY DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    pending int NOT NULL,
    processing int NOT NULL,
    ready int NOT NULL,
    rejected int NOT NULL,
    archived int NOT NULL,
    favourite int NOT NULL,
    arranged int NOT NULL,
    located int NOT NULL,
    trash int NOT NULL
) WITH (fillfactor = 50);

DO $$
DECLARE table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['image_days', 'image_cells', 'image_places', 'image_totals'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY own_rows ON %I TO photovault_app USING (user_id = (SELECT current_person()))', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO photovault_app', table_name);
    END LOOP;
END $$;

-- ------------------------------------------------------------------------------------------------- what is counted

-- Of a photo, all that any roll-up goes by, and nothing that none does: a change that leaves this alone costs nothing.
-- `sign` is 1 for a photo that came and -1 for one that went; one that changed went and came.
CREATE TYPE image_change AS (
    sign int, user_id uuid, status text, live boolean, archived boolean, favourite boolean, listed boolean,
    arranged boolean, shown_day date, local_day date, cell bigint, estimated boolean, lat_e6 bigint, lon_e6 bigint,
    country_code text, region text, city text
);

CREATE FUNCTION change_of(i images, sign int) RETURNS image_change LANGUAGE sql STABLE AS $$
    SELECT ROW(
        sign, i.user_id, i.status, i.deleted_at IS NULL, i.archived, i.favourite,
        i.deleted_at IS NULL AND NOT i.archived AND i.status <> 'pending',
        i.deleted_at IS NULL AND NOT i.archived AND i.status IN ('processing', 'ready'),
        i.sort_at::date, i.local_day, i.map_cell, i.location_source IS NOT DISTINCT FROM 'estimated',
        round(i.lat * 1000000)::bigint, round(i.lon * 1000000)::bigint,
        i.country_code, coalesce(i.region, ''), coalesce(i.city, '')
    )::image_change
$$;

-- Each gives what changes add to its table.

CREATE FUNCTION rolled_days(changes image_change[])
    RETURNS TABLE (user_id uuid, level text, day date, listed int, arranged int) LANGUAGE sql STABLE AS $$
    SELECT e.user_id, l.level, date_trunc(l.level, e.day::timestamp)::date, sum(e.listed)::int, sum(e.arranged)::int
    FROM (
        SELECT f.user_id, f.shown_day AS day, f.sign AS listed, 0 AS arranged
        FROM unnest(changes) AS f WHERE f.listed
        UNION ALL
        SELECT f.user_id, f.local_day, 0, f.sign
        FROM unnest(changes) AS f WHERE f.arranged AND f.local_day IS NOT NULL
    ) AS e CROSS JOIN (VALUES ('day'), ('month'), ('year')) AS l(level)
    GROUP BY 1, 2, 3 HAVING sum(e.listed) <> 0 OR sum(e.arranged) <> 0
$$;

CREATE FUNCTION rolled_cells(changes image_change[])
    RETURNS TABLE (user_id uuid, cell bigint, images int, estimated int, lat_sum bigint, lon_sum bigint)
    LANGUAGE sql STABLE AS $$
    SELECT f.user_id, f.cell >> (2 * up), sum(f.sign)::int,
           coalesce(sum(f.sign) FILTER (WHERE f.estimated), 0)::int, sum(f.sign * f.lat_e6)::bigint,
           sum(f.sign * f.lon_e6)::bigint
    FROM unnest(changes) AS f
    CROSS JOIN generate_series(0, 21) AS up
    WHERE f.listed AND f.cell IS NOT NULL
    GROUP BY 1, 2
    HAVING sum(f.sign) <> 0 OR sum(f.sign) FILTER (WHERE f.estimated) <> 0 OR sum(f.sign * f.lat_e6) <> 0
        OR sum(f.sign * f.lon_e6) <> 0
$$;

CREATE FUNCTION rolled_places(changes image_change[])
    RETURNS TABLE (user_id uuid, country_code text, region text, city text, images int) LANGUAGE sql STABLE AS $$
    SELECT f.user_id, f.country_code, f.region, f.city, sum(f.sign)::int
    FROM unnest(changes) AS f
    WHERE f.arranged AND f.country_code IS NOT NULL
    GROUP BY 1, 2, 3, 4 HAVING sum(f.sign) <> 0
$$;

CREATE FUNCTION rolled_totals(changes image_change[])
    RETURNS TABLE (user_id uuid, pending int, processing int, ready int, rejected int, archived int, favourite int,
                   arranged int, located int, trash int) LANGUAGE sql STABLE AS $$
    SELECT f.user_id,
           coalesce(sum(f.sign) FILTER (WHERE f.live AND f.status = 'pending'), 0)::int,
           coalesce(sum(f.sign) FILTER (WHERE f.live AND f.status = 'processing'), 0)::int,
           coalesce(sum(f.sign) FILTER (WHERE f.live AND f.status = 'ready'), 0)::int,
           coalesce(sum(f.sign) FILTER (WHERE f.live AND f.status = 'rejected'), 0)::int,
           coalesce(sum(f.sign) FILTER (WHERE f.live AND f.archived), 0)::int,
           coalesce(sum(f.sign) FILTER (WHERE f.live AND f.favourite), 0)::int,
           coalesce(sum(f.sign) FILTER (WHERE f.arranged), 0)::int,
           coalesce(sum(f.sign) FILTER (WHERE f.arranged AND f.cell IS NOT NULL), 0)::int,
           coalesce(sum(f.sign) FILTER (WHERE NOT f.live), 0)::int
    FROM unnest(changes) AS f
    GROUP BY 1
$$;

-- ----------------------------------------------------------------------------------------------------- the triggers

-- A statement brings a few rows, whatever the planner thinks of arrays: no plan that reads a table of all people. With
-- that settled one plan does for all calls, and making it costs more than a call.
CREATE FUNCTION roll_up(changes image_change[]) RETURNS void LANGUAGE plpgsql
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
    WHEN MATCHED AND t.images + c.images = 0 THEN DELETE
    WHEN MATCHED THEN UPDATE SET images = t.images + c.images
    WHEN NOT MATCHED THEN INSERT (user_id, country_code, region, city, images)
        VALUES (c.user_id, c.country_code, c.region, c.city, c.images);
END $$;

CREATE FUNCTION roll_up_images() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changes image_change[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(change_of(ROW(a.*)::images, 1)) INTO changes FROM after a;
    ELSIF TG_OP = 'DELETE' THEN
        -- Photos that go because their person does have no counts to be taken from.
        SELECT array_agg(change_of(ROW(b.*)::images, -1)) INTO changes FROM before b
        WHERE EXISTS (SELECT FROM users u WHERE u.id = b.user_id);
    ELSE
        SELECT array_agg(change_of(ROW(a.*)::images, 1)) || array_agg(change_of(ROW(b.*)::images, -1)) INTO changes
        FROM before b JOIN after a ON a.id = b.id
        WHERE change_of(ROW(a.*)::images, 0) IS DISTINCT FROM change_of(ROW(b.*)::images, 0);
    END IF;
    IF changes IS NOT NULL THEN
        PERFORM roll_up(changes);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER roll_up_inserted AFTER INSERT ON images REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION roll_up_images();
CREATE TRIGGER roll_up_updated AFTER UPDATE ON images REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION roll_up_images();
CREATE TRIGGER roll_up_deleted AFTER DELETE ON images REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION roll_up_images();

-- The photos that are here already, person by person. Their owner sees no rows while row-level security is forced.
DO $$
DECLARE
    person uuid;
    own text[] := ARRAY['images', 'users', 'image_days', 'image_cells', 'image_places', 'image_totals'];
    table_name text;
    changes image_change[];
BEGIN
    FOREACH table_name IN ARRAY own LOOP
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', table_name);
    END LOOP;
    FOR person IN SELECT id FROM users ORDER BY id LOOP
        SELECT array_agg(change_of(i, 1)) INTO changes FROM images i WHERE i.user_id = person;
        IF changes IS NOT NULL THEN
            PERFORM roll_up(changes);
        END IF;
    END LOOP;
    FOREACH table_name IN ARRAY own LOOP
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
    END LOOP;
END $$;
