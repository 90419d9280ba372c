-- What explains a window beside its own figures; null: the driver did not say.

ALTER TABLE windows ADD COLUMN cpu REAL;   -- share of its cores that the driver used
ALTER TABLE windows ADD COLUMN steal REAL; -- share of the machine that its host gave to others
