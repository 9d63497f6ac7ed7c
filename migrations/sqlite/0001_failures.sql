-- Every row carries its workspace (team_id). Times are ISO 8601 in UTC with microseconds, so that
-- they sort as text.

CREATE TABLE teams (
    team_id TEXT PRIMARY KEY,
    last_number INTEGER NOT NULL DEFAULT 0 -- numbers are never given twice
) WITHOUT ROWID;

CREATE TABLE failures (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: the indexes in memory know it
    team_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    author_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    visibility TEXT NOT NULL CHECK (visibility IN ('workspace', 'channel', 'author')),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    version INTEGER NOT NULL,
    card_ts TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT '',
    external_id TEXT NOT NULL,
    title TEXT NOT NULL,
    tried TEXT NOT NULL,
    happened TEXT NOT NULL,
    outcome TEXT,
    explanations TEXT NOT NULL, -- JSON list of {text, status, evidence}
    modes TEXT NOT NULL, -- JSON list
    lesson TEXT NOT NULL,
    valid_while TEXT NOT NULL,
    links TEXT NOT NULL, -- JSON list
    tags TEXT NOT NULL, -- JSON list
    cost TEXT NOT NULL,
    words TEXT NOT NULL, -- what failbot.tokens makes of its text, one space between
    UNIQUE (team_id, number)
);
CREATE UNIQUE INDEX failures_source ON failures (team_id, source) WHERE source <> '';
CREATE UNIQUE INDEX failures_external_id ON failures (team_id, external_id) WHERE external_id <> '';
CREATE INDEX failures_created_at ON failures (team_id, created_at);

CREATE TABLE versions (
    failure_id INTEGER NOT NULL REFERENCES failures (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    team_id TEXT NOT NULL,
    draft TEXT NOT NULL, -- JSON
    changed_by TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    PRIMARY KEY (failure_id, number)
) WITHOUT ROWID;

CREATE VIRTUAL TABLE failures_fts USING fts5 (text, tokenize = 'porter unicode61');
INSERT INTO failures_fts (failures_fts, rank) VALUES ('secure-delete', 1);

CREATE TABLE embeddings (
    failure_id INTEGER NOT NULL REFERENCES failures (id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    team_id TEXT NOT NULL,
    version INTEGER NOT NULL, -- of the failure that was embedded
    dimension INTEGER NOT NULL,
    -- In this order: what is read at start comes before the 30 KB that are not.
    token_ids BLOB NOT NULL, -- int32 (t)
    vectors BLOB NOT NULL, -- float32 (2, dimension): the whole text, the title
    starts BLOB NOT NULL, -- int32 (t): each token's first character in the text
    tokens BLOB NOT NULL, -- int8 (t, width): a model may project its sentence vectors
    PRIMARY KEY (failure_id, model)
);

-- What the indexes in memory have yet to take in: one row for each failure ever touched, its seq
-- renewed by every change, deletion included.
CREATE TABLE changes (
    failure_id INTEGER PRIMARY KEY,
    team_id TEXT NOT NULL,
    seq INTEGER NOT NULL
);
CREATE UNIQUE INDEX changes_seq ON changes (seq);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE questions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    visibility TEXT NOT NULL CHECK (visibility IN ('workspace', 'channel', 'author')),
    user_id TEXT NOT NULL,
    message_ts TEXT NOT NULL,
    text TEXT NOT NULL,
    verdict TEXT NOT NULL,
    shown TEXT NOT NULL, -- JSON list of failure numbers
    asked_at TEXT NOT NULL
);
CREATE UNIQUE INDEX questions_message ON questions (team_id, channel_id, message_ts)
    WHERE message_ts <> '';
CREATE INDEX questions_asked_at ON questions (team_id, asked_at);

CREATE TABLE receipts (
    question_id INTEGER NOT NULL REFERENCES questions (id) ON DELETE CASCADE,
    failure_id INTEGER NOT NULL REFERENCES failures (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    team_id TEXT NOT NULL,
    helped INTEGER NOT NULL CHECK (helped IN (0, 1)),
    received_at TEXT NOT NULL,
    PRIMARY KEY (question_id, failure_id, user_id)
) WITHOUT ROWID;
CREATE INDEX receipts_failure ON receipts (failure_id);

CREATE TABLE schedules (
    team_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    weekday INTEGER NOT NULL CHECK (weekday BETWEEN 0 AND 6), -- 0 is Monday
    hour INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),
    minute INTEGER NOT NULL CHECK (minute BETWEEN 0 AND 59),
    zone TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (team_id, channel_id)
) WITHOUT ROWID;

CREATE TABLE digests (
    team_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    week TEXT NOT NULL, -- ISO 8601, 2026-W47
    attempts INTEGER NOT NULL,
    leased_until TEXT NOT NULL,
    finished INTEGER NOT NULL DEFAULT 0 CHECK (finished IN (0, 1)),
    message_ts TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (team_id, channel_id, week)
) WITHOUT ROWID;

CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL, -- JSON
    attempts INTEGER NOT NULL DEFAULT 0,
    received_at TEXT NOT NULL,
    due_at TEXT NOT NULL -- also the end of the lease while it is taken
);
CREATE INDEX inbox_due_at ON inbox (due_at);

CREATE TABLE inbox_keys (
    key TEXT PRIMARY KEY,
    added_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX inbox_keys_added_at ON inbox_keys (added_at);
