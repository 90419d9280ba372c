-- What explains a driver's lag; null in windows of before, and where it was not measured.

ALTER TABLE windows ADD COLUMN wait REAL;       -- share of the window that a worker waited for a core
ALTER TABLE windows ADD COLUMN stopped TEXT;    -- JSON: [[from, to]] in Unix us, when the process did not run
