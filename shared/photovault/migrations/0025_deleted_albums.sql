-- Albums made by hand and smart ones stay as rows when they are deleted, too, until they cannot be restored any more
-- (photovault.albums). Automatic ones, which have a key, stay for good.

CREATE INDEX albums_deleted ON albums (deleted_at) WHERE deleted_at IS NOT NULL AND key IS NULL;
CREATE POLICY expired ON albums TO photovault_maintenance
    USING (key IS NULL AND deleted_at < now() - interval '30 days');
GRANT SELECT (key, deleted_at), DELETE ON albums TO photovault_maintenance;
