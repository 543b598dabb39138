-- People without reading every face: what the last grouping of a model's faces remembers (photovault.grouping_memory).
-- Derived, never a source: a row that is lost or not understood costs one full grouping.
CREATE TABLE groupings (
    user_id uuid NOT NULL DEFAULT current_person() REFERENCES users ON DELETE CASCADE,
    model_id smallint NOT NULL REFERENCES models,
    memory bytea NOT NULL,
    PRIMARY KEY (user_id, model_id)
);
-- Ids and sums do not compress.
ALTER TABLE groupings ALTER COLUMN memory SET STORAGE EXTERNAL;
ALTER TABLE groupings ENABLE ROW LEVEL SECURITY;
ALTER TABLE groupings FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON groupings TO photovault_app USING (user_id = (SELECT current_person()));
GRANT SELECT, INSERT, UPDATE, DELETE ON groupings TO photovault_app;
