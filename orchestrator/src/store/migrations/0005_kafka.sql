-- The Kafka that a test was triggered on last: embedded, or cluster: and its id, then / and the prefix of the topics
-- where there is one. Null: it was never triggered, or an earlier version wrote it.

ALTER TABLE tests ADD COLUMN kafka TEXT;
