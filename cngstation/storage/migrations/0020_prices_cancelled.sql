-- A planned price that was taken back before its time.
CREATE TABLE price_cancelled (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  price_seq INTEGER NOT NULL UNIQUE REFERENCES price (seq),
  reason TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE TRIGGER price_cancelled_fixed BEFORE UPDATE ON price_cancelled
  BEGIN SELECT RAISE(ABORT, 'what was taken back of prices is append-only'); END;
CREATE TRIGGER price_cancelled_kept BEFORE DELETE ON price_cancelled
  BEGIN SELECT RAISE(ABORT, 'what was taken back of prices is append-only'); END;
