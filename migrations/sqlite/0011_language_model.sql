-- Entries whose expected questions a language model is yet to write; gone with the entry.
CREATE TABLE wanted_questions (
    failure_id INTEGER PRIMARY KEY REFERENCES failures (id) ON DELETE CASCADE,
    team_id TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Also the end of the lease while it is taken. NULL: closed, for somebody chose among what a
    -- model wrote, and no model writes any more.
    due_at TEXT
);
CREATE INDEX wanted_questions_due_at ON wanted_questions (due_at);

-- What language models were asked, a day (UTC) and a model; numbers alone, of no workspace.
CREATE TABLE model_use (
    day TEXT NOT NULL,
    model TEXT NOT NULL,
    calls INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    cached INTEGER NOT NULL DEFAULT 0,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0,
    is_open INTEGER NOT NULL DEFAULT 0, -- whether it rested when this was last reported
    reported_at TEXT NOT NULL,
    PRIMARY KEY (day, model)
) WITHOUT ROWID;
