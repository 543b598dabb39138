-- Whose word a caption is: the file's until the person changes it, or takes it away, which leaves 'person' without a
-- caption. Nobody is a person here, so row-level security would hide the rows from their owner.
ALTER TABLE images ADD COLUMN caption_source text CHECK (caption_source IN ('file', 'person'));
ALTER TABLE images NO FORCE ROW LEVEL SECURITY;
UPDATE images SET caption_source = 'person' WHERE caption IS NOT NULL;
ALTER TABLE images FORCE ROW LEVEL SECURITY;
