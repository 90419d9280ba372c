-- The series in longer windows, so that an hour is not read a second at a time (`spans.rs`). What has no row here, as all
-- tests of before, is read from `records`.

CREATE TABLE spans (
  test_id       TEXT NOT NULL REFERENCES tests (test_id) ON DELETE CASCADE,
  seconds       INTEGER NOT NULL, -- 10 or 60, or 1: the fleet's, as it is shown
  node_id       TEXT NOT NULL,    -- empty: the fleet
  first_seq     INTEGER NOT NULL, -- its first second
  definitions   INTEGER NOT NULL, -- those of the figures in `shown`
  shown_packing INTEGER NOT NULL, -- as in `records`
  shown         BLOB NOT NULL,    -- the window as REST shows it, JSON
  packing       INTEGER NOT NULL,
  payload       BLOB              -- counters and histograms, to be added up; null: of a second, which has its records
) STRICT;

CREATE UNIQUE INDEX spans_once ON spans (test_id, seconds, node_id, first_seq);
