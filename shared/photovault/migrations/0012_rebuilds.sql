-- A rebuild reads the photos of those automatic albums only that are not as it left them.

ALTER TABLE albums
    -- Of an automatic album: what photovault.reconciling makes of its photos and their reasons. NULL when in doubt.
    ADD COLUMN fingerprint bytea,
    -- Of a trip or an event that is deleted, or not there now: the photos by which it is recognised.
    ADD COLUMN past uuid[];

-- Whoever else puts photos in or takes them out leaves a doubt; the rebuild removes its own.
CREATE FUNCTION doubt_albums() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE public.albums a SET fingerprint = NULL FROM (SELECT DISTINCT album_id FROM changed) AS c
    WHERE a.id = c.album_id AND a.fingerprint IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER doubt_inserted AFTER INSERT ON album_images REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION doubt_albums();
CREATE TRIGGER doubt_updated AFTER UPDATE ON album_images REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION doubt_albums();
CREATE TRIGGER doubt_deleted AFTER DELETE ON album_images REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION doubt_albums();

-- A photo in the trash is still in its albums, and may belong into others when it comes back: those that have it are
-- in doubt, and a rebuild that read before starts again.
CREATE FUNCTION doubt_albums_of_image() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE public.albums SET fingerprint = NULL
    WHERE id IN (SELECT album_id FROM public.album_images WHERE image_id = NEW.id) AND fingerprint IS NOT NULL;
    UPDATE public.rebuilds SET edit_generation = edit_generation + 1 WHERE user_id = NEW.user_id;
    RETURN NULL;
END $$;
CREATE TRIGGER doubt_restored AFTER UPDATE ON images FOR EACH ROW
    WHEN (OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL) EXECUTE FUNCTION doubt_albums_of_image();
