-- Each record as it came. The rows of `windows`, in which earlier versions kept what they had read of a record, are moved
-- here by `windows_v6.rs`. `events` was written and never read.

CREATE TABLE records (
  arrival      INTEGER PRIMARY KEY AUTOINCREMENT,
  test_id      TEXT NOT NULL REFERENCES tests (test_id) ON DELETE CASCADE, -- the test that it counts for
  node_id      TEXT NOT NULL,
  epoch        INTEGER,          -- null: a classic report, as is seq
  seq          INTEGER,
  partition    INTEGER NOT NULL,
  position     INTEGER NOT NULL, -- the offset in the partition
  arrived_at   INTEGER NOT NULL,
  latency_unit TEXT NOT NULL,    -- of plain latency numbers in the payload: s or ms
  packing      INTEGER NOT NULL, -- of the payload: 0 as it came, 1 in zlib's format
  payload      BLOB NOT NULL
) STRICT;

-- A window counts once by its number, a classic report, which has none, by its place in Kafka.
CREATE UNIQUE INDEX records_by_number ON records (test_id, node_id, epoch, seq) WHERE seq IS NOT NULL;
CREATE UNIQUE INDEX records_by_position ON records (test_id, partition, position) WHERE seq IS NULL;
CREATE INDEX records_by_arrival ON records (test_id, arrival);
CREATE INDEX records_by_second ON records (test_id, seq);

-- Each would cost a write for every row that is moved.
DROP INDEX windows_once;
DROP INDEX reports_once;
DROP INDEX windows_by_arrival;
DROP INDEX windows_by_second;

DROP TABLE events;
