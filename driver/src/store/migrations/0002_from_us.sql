-- When a window began: without it, a second test of the same id was taken for the first.

ALTER TABLE window RENAME TO window_1;
DROP INDEX window_unpublished;
CREATE TABLE window (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    test_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    from_us INTEGER NOT NULL,
    is_final INTEGER NOT NULL,
    record_key TEXT NOT NULL,
    payload TEXT NOT NULL,
    published INTEGER NOT NULL DEFAULT 0,
    UNIQUE (test_id, epoch, seq, from_us)
) STRICT;
CREATE INDEX window_unpublished ON window (id) WHERE published = 0;
INSERT INTO window (id, test_id, epoch, seq, from_us, is_final, record_key, payload, published)
    SELECT id, test_id, epoch, seq, 0, is_final, record_key, payload, published FROM window_1;
DROP TABLE window_1;
