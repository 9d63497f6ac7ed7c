-- Jobs: whose channel they are for, so that one channel does not keep the others waiting, and
-- whether somebody has it (a job that waits for its retry is due later, too).
ALTER TABLE inbox ADD COLUMN channel_id TEXT NOT NULL DEFAULT '';
ALTER TABLE inbox ADD COLUMN is_held INTEGER NOT NULL DEFAULT 0 CHECK (is_held IN (0, 1));
UPDATE inbox SET channel_id = coalesce(json_extract(payload, '$.channel_id'), '');
DROP INDEX inbox_due_at;
CREATE INDEX inbox_due_at ON inbox (due_at, kind, channel_id, is_held); -- all that claiming reads
CREATE INDEX inbox_held ON inbox (channel_id) WHERE is_held;

-- Each message of a job or a digest: begun before it leaves, sent once Slack is known to have it.
CREATE TABLE outbox (
    holder TEXT NOT NULL, -- "job 17", "digest T1 C1 2026-W47"
    step TEXT NOT NULL, -- which of its messages
    message_ts TEXT, -- NULL until it is known to be sent
    PRIMARY KEY (holder, step)
) WITHOUT ROWID;

-- Messages in Slack that show entries, one row for each entry that they show. They outlive their
-- entry: a stale row is a message that still shows what it may not any more.
CREATE TABLE shown (
    team_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    message_ts TEXT NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL, -- card, answer, digest, details, note
    about TEXT NOT NULL DEFAULT '', -- the question's id, or the digest's week
    posted_at TEXT NOT NULL,
    is_stale INTEGER NOT NULL DEFAULT 0 CHECK (is_stale IN (0, 1)),
    PRIMARY KEY (team_id, channel_id, message_ts, number)
) WITHOUT ROWID;
CREATE INDEX shown_number ON shown (team_id, number);
CREATE INDEX shown_stale ON shown (posted_at) WHERE is_stale;
-- Whoever deletes an entry, and by whatever way, leaves its messages to whoever serves Slack.
CREATE TRIGGER shown_entry_gone AFTER DELETE ON failures BEGIN
    UPDATE shown SET is_stale = 1 WHERE team_id = old.team_id AND number = old.number;
END;
INSERT INTO shown (team_id, channel_id, message_ts, number, kind, posted_at)
    SELECT team_id, channel_id, card_ts, number, 'card', created_at FROM failures
    WHERE card_ts <> '';
-- Cards that were to be removed: of no entry that is known any more.
INSERT OR IGNORE INTO shown (team_id, channel_id, message_ts, number, kind, posted_at, is_stale)
    SELECT team_id, channel_id, json_extract(payload, '$.message_ts'), 0, 'card', received_at, 1
    FROM inbox WHERE kind = 'remove_card';
DELETE FROM inbox WHERE kind = 'remove_card';
