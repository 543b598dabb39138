-- Times that a person corrected. What the file says is kept beside the correction, so that it can be given back, and
-- so that what vision finds out later does not overwrite it. All are NULL where taken_source is not 'person'.
ALTER TABLE images
    ADD COLUMN file_instant timestamptz,
    ADD COLUMN file_offset_minutes int,
    ADD COLUMN file_local timestamp,
    ADD COLUMN file_source text,
    -- The IANA zone at the photo's own position: what offset a corrected time there has.
    ADD COLUMN zone text;
