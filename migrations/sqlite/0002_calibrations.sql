-- What workspaces fitted to their own labelled questions; the latest row of a workspace, a model
-- and a reranker is in force, and `failbot tune --undo` removes it.
CREATE TABLE calibrations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id TEXT NOT NULL,
    model TEXT NOT NULL,
    reranker TEXT NOT NULL, -- '' for none
    calibration TEXT NOT NULL, -- JSON
    made_at TEXT NOT NULL
);
CREATE INDEX calibrations_model ON calibrations (team_id, model, reranker, id);
