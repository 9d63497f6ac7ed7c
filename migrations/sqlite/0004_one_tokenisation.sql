-- A search for words and a question are cut into the same words: the index holds the stems of
-- failures.words as they are, identifiers and numbers in one piece.
DROP TABLE failures_fts;
CREATE VIRTUAL TABLE failures_fts USING fts5 (
    words, tokenize = "unicode61 remove_diacritics 0 tokenchars '_.-+'"
);
INSERT INTO failures_fts (failures_fts, rank) VALUES ('secure-delete', 1);
INSERT INTO failures_fts (rowid, words) SELECT id, words FROM failures;
