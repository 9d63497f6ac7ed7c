-- How someone would ask about an entry: in tables of their own, so that nothing takes them for the
-- author's words; seen, hidden and deleted as the entry is.
CREATE TABLE expected_questions (
    failure_id INTEGER NOT NULL REFERENCES failures (id) ON DELETE CASCADE,
    position INTEGER NOT NULL, -- in the order in which they are shown
    team_id TEXT NOT NULL,
    text TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('author', 'model', 'asker')),
    written_by TEXT NOT NULL,
    written_at TEXT NOT NULL,
    PRIMARY KEY (failure_id, position)
) WITHOUT ROWID;

-- Raised by each change of an entry's questions; 0 where it never had any.
ALTER TABLE failures ADD COLUMN expected_version INTEGER NOT NULL DEFAULT 0;

CREATE TABLE expected_embeddings (
    failure_id INTEGER NOT NULL REFERENCES failures (id) ON DELETE CASCADE,
    model TEXT NOT NULL,
    team_id TEXT NOT NULL,
    version INTEGER NOT NULL, -- failures.expected_version that was embedded
    -- In this order: what is read at start comes before what is read of candidates alone.
    lengths BLOB NOT NULL, -- int32 (q): how many tokens each question has
    vectors BLOB NOT NULL, -- float16 (q, dimension)
    token_ids BLOB NOT NULL, -- int32 (t): those of all questions, one after another
    tokens BLOB NOT NULL, -- int8 (t, width)
    PRIMARY KEY (failure_id, model)
);
