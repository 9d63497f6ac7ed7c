-- What was imported together can be taken back together.
CREATE TABLE imports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id TEXT NOT NULL,
    name TEXT NOT NULL, -- of the file, without its folder
    imported_by TEXT NOT NULL,
    imported_at TEXT NOT NULL
);
CREATE TABLE imported (
    import_id INTEGER NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    failure_id INTEGER NOT NULL REFERENCES failures (id) ON DELETE CASCADE,
    team_id TEXT NOT NULL,
    PRIMARY KEY (import_id, failure_id)
) WITHOUT ROWID;
CREATE INDEX imported_failure ON imported (failure_id);

-- What a restored backup must forget again: no text, and no name.
CREATE TABLE tombstones (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team_id TEXT NOT NULL,
    number INTEGER NOT NULL, -- of a failure; 0 where it is a person's
    at TEXT NOT NULL, -- when the failure was created; until when the person is forgotten
    person TEXT NOT NULL, -- a salted hash; '' where it is a failure's
    salt TEXT NOT NULL,
    keeps_entries INTEGER NOT NULL CHECK (keeps_entries IN (0, 1)),
    UNIQUE (team_id, number, at, person)
);

-- FTS5's option secure-delete leaves an index that does not agree with its rows (checksum mismatch;
-- deleted rows are found). Made anew without it: what is deleted goes when the parts are merged.
DROP TABLE failures_fts;
CREATE VIRTUAL TABLE failures_fts USING fts5 (
    words, tokenize = "unicode61 remove_diacritics 0 tokenchars '_.-+'"
);
INSERT INTO failures_fts (rowid, words) SELECT id, words FROM failures;
