-- Understanding anew: with which models each photo was looked at, so that those of better ones take over in the
-- background (infra/decisions/0015-renewal.md).

-- What a step works with: the models, and of vision the version of the looks that copies are found by. Shared.
CREATE TABLE recipes (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    step text NOT NULL CHECK (step IN ('vision', 'embedding')),
    -- Of faces, or of whole pictures.
    model_id smallint NOT NULL REFERENCES models,
    -- A stopgap, which does not take over from anything better by itself.
    weak boolean NOT NULL,
    label_model_id smallint REFERENCES models,
    look_version smallint NOT NULL DEFAULT 0,
    UNIQUE NULLS NOT DISTINCT (step, model_id, label_model_id, look_version)
);
GRANT SELECT, INSERT ON recipes TO photovault_app;
GRANT SELECT ON recipes TO photovault_maintenance;

-- Who walks through the outdated photos: one message of a slot is on its way at a time, and `turn` is the last's. Shared.
CREATE TABLE renewal_walks (
    step text NOT NULL CHECK (step IN ('vision', 'embedding')),
    slot smallint NOT NULL,
    turn timestamptz NOT NULL,
    PRIMARY KEY (step, slot)
);
GRANT SELECT, INSERT, UPDATE ON renewal_walks TO photovault_maintenance;

-- 0: unknown, from before.
ALTER TABLE images
    ADD COLUMN vision_recipe smallint NOT NULL DEFAULT 0,
    ADD COLUMN embedding_recipe smallint NOT NULL DEFAULT 0;
CREATE INDEX images_by_vision_recipe ON images (vision_recipe, user_id, id) WHERE vision_done_at IS NOT NULL;
CREATE INDEX images_by_embedding_recipe ON images (embedding_recipe, user_id, id) WHERE embedding_done_at IS NOT NULL;
GRANT SELECT (vision_recipe, embedding_recipe) ON images TO photovault_maintenance;

-- The model of the faces that a person's people are made of; faces of others stay whose they are until theirs are new.
ALTER TABLE rebuilds ADD COLUMN face_model_id smallint REFERENCES models;

-- Photos that somebody is renewing, or tried to. What works out is removed, so what stays has failed.
CREATE TABLE renewal_tries (
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    step text NOT NULL CHECK (step IN ('vision', 'embedding')),
    -- Goes with its photo.
    user_id uuid NOT NULL DEFAULT current_person(),
    recipe_id smallint NOT NULL REFERENCES recipes,
    tries smallint NOT NULL DEFAULT 1,
    tried_at timestamptz NOT NULL DEFAULT now(),
    given_up boolean NOT NULL DEFAULT false,
    PRIMARY KEY (image_id, step)
);
ALTER TABLE renewal_tries ENABLE ROW LEVEL SECURITY;
ALTER TABLE renewal_tries FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON renewal_tries TO photovault_app USING (user_id = (SELECT current_person()));
GRANT SELECT, INSERT, UPDATE, DELETE ON renewal_tries TO photovault_app;
CREATE POLICY life_cycle ON renewal_tries FOR SELECT TO photovault_maintenance USING (true);
GRANT SELECT ON renewal_tries TO photovault_maintenance;
