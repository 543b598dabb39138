-- When a file was last changed on the device that it came from, as the clock there showed. It dates photos that say
-- nothing themselves: scans, and pictures that messengers have stripped.
ALTER TABLE images ADD COLUMN file_modified timestamp;
