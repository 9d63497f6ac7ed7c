-- What "known" must stand out from in this workspace, without labels.
-- runner_up: the logarithm of the odds of what was first once a question's own first hit was taken
-- away; NULL where nothing else was found. model: with which the question was answered.
ALTER TABLE questions ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE questions ADD COLUMN runner_up REAL;
-- The same of the entries' own sentences, each asked with its entry hidden: its 95th percentile.
CREATE TABLE nulls (
    team_id TEXT NOT NULL,
    model TEXT NOT NULL,
    entries INTEGER NOT NULL, -- of the workspace, when it was measured
    level REAL NOT NULL,
    PRIMARY KEY (team_id, model)
) WITHOUT ROWID;
