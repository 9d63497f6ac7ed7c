-- Jobs of the inbox that could not be done: for whoever runs failbot, to be retried or dropped.

CREATE TABLE given_up (
    id INTEGER PRIMARY KEY, -- the inbox's
    team_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL, -- JSON
    attempts INTEGER NOT NULL,
    received_at TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    given_up_at TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX given_up_at ON given_up (given_up_at);
