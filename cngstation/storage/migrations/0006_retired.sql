-- Rows of the registers are not deleted: a retired one is kept and no longer offered.
ALTER TABLE company ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;
ALTER TABLE vehicle ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;
