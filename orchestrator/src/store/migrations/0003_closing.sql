-- How a test ended, beyond its records (JSON); null before its end. With it a test can be counted again.

ALTER TABLE tests ADD COLUMN closing TEXT;
