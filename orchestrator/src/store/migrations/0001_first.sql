-- Counts that may use all 64 bits (epoch, seq) are kept as SQLite's signed integers with the same bits.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tests (
  test_id    TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  state      TEXT NOT NULL,
  verdict    TEXT,
  created_at INTEGER NOT NULL, -- Unix µs, as every instant here
  started_at INTEGER,
  ended_at   INTEGER,
  revision   INTEGER NOT NULL,
  plan       TEXT NOT NULL,    -- JSON, secrets included
  report     TEXT              -- JSON, secrets masked
) STRICT;

CREATE INDEX tests_by_age ON tests (created_at DESC, test_id DESC);
CREATE INDEX tests_by_state ON tests (state, verdict);

CREATE TABLE participants (
  test_id  TEXT NOT NULL REFERENCES tests (test_id) ON DELETE CASCADE,
  place    INTEGER NOT NULL,   -- the order of the shares
  node_id  TEXT NOT NULL,
  epoch    INTEGER,            -- null: a classic driver
  share    TEXT NOT NULL,      -- JSON
  PRIMARY KEY (test_id, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE windows (
  arrival    INTEGER PRIMARY KEY AUTOINCREMENT,
  test_id    TEXT NOT NULL REFERENCES tests (test_id) ON DELETE CASCADE,
  node_id    TEXT NOT NULL,
  epoch      INTEGER,          -- null: a classic report, as are seq to ending
  seq        INTEGER,
  from_us    INTEGER,
  to_us      INTEGER,
  busy       REAL,
  is_final   INTEGER,
  counters   TEXT,             -- JSON, cumulative
  ending     TEXT,             -- JSON
  named_test TEXT,             -- the test that the record itself named
  report_id  TEXT,
  classic    TEXT NOT NULL,    -- JSON
  partition  INTEGER NOT NULL,
  position   INTEGER NOT NULL, -- the offset in the partition
  arrived_at INTEGER NOT NULL,
  lag BLOB, service BLOB, response BLOB, failed_service BLOB, failed_response BLOB, turn BLOB,
  warmup_service BLOB, warmup_response BLOB -- HdrHistograms, V2-deflate; null: empty
) STRICT;

CREATE UNIQUE INDEX windows_once ON windows (test_id, node_id, epoch, seq) WHERE seq IS NOT NULL;
CREATE UNIQUE INDEX reports_once ON windows (test_id, partition, position) WHERE seq IS NULL;
CREATE INDEX windows_by_arrival ON windows (test_id, arrival);
CREATE INDEX windows_by_second ON windows (test_id, seq);

CREATE TABLE nodes (
  node_id       TEXT PRIMARY KEY,
  address       TEXT,
  epoch         INTEGER,       -- null: a classic node, as are version to max_rate
  version       TEXT,
  cores         INTEGER,
  labels        TEXT,          -- JSON
  max_rate      REAL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,
  test_id TEXT REFERENCES tests (test_id) ON DELETE CASCADE,
  what    TEXT NOT NULL,
  detail  TEXT NOT NULL
) STRICT;

CREATE INDEX events_by_test ON events (test_id, id);

CREATE TABLE offsets (
  cluster_id TEXT NOT NULL,
  topic      TEXT NOT NULL,
  partition  INTEGER NOT NULL,
  next       INTEGER NOT NULL,
  PRIMARY KEY (cluster_id, topic, partition)
) STRICT, WITHOUT ROWID;
