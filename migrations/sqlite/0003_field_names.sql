-- The field's own words: a reader's word on a shown failure is feedback.
ALTER TABLE receipts RENAME TO feedback;
ALTER TABLE feedback RENAME COLUMN received_at TO given_at;
DROP INDEX receipts_failure;
CREATE INDEX feedback_failure ON feedback (failure_id);
