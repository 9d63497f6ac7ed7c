-- How an entry's visibility is known. is_unsure: Slack did not say whether its channel is public;
-- until it does, its members alone see the entry. is_published: its author gave it to the
-- workspace, whatever becomes of its channel.
ALTER TABLE failures ADD COLUMN is_unsure INTEGER NOT NULL DEFAULT 0 CHECK (is_unsure IN (0, 1));
ALTER TABLE failures
    ADD COLUMN is_published INTEGER NOT NULL DEFAULT 0 CHECK (is_published IN (0, 1));
-- All that following a channel reads.
CREATE INDEX failures_channel
    ON failures (team_id, channel_id, visibility, is_unsure, is_published);
CREATE INDEX failures_unsure ON failures (team_id, channel_id) WHERE is_unsure;
CREATE INDEX questions_channel ON questions (team_id, channel_id, visibility);
