-- What drivers send since protocol 2; null in windows of before, and where there was no sample.

ALTER TABLE windows ADD COLUMN connect BLOB;    -- HdrHistograms, V2-deflate
ALTER TABLE windows ADD COLUMN first_byte BLOB;
ALTER TABLE windows ADD COLUMN extremes TEXT;   -- JSON: { kind: [smallest, largest] } in µs
