-- Every window that the driver measured, as it was published.

CREATE TABLE window (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    test_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    is_final INTEGER NOT NULL,
    record_key TEXT NOT NULL,
    payload TEXT NOT NULL,
    published INTEGER NOT NULL DEFAULT 0,
    UNIQUE (test_id, epoch, seq)
) STRICT;
CREATE INDEX window_unpublished ON window (id) WHERE published = 0;
