-- A nozzle did not take a version that was published at a place of the chain, and why.
CREATE TABLE version_refused (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  station_no TEXT NOT NULL,
  dispenser_no INTEGER NOT NULL,
  nozzle_no INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('base', 'added', 'deleted', 'white', 'prices')),
  version INTEGER NOT NULL,
  published_seq INTEGER NOT NULL REFERENCES chain (seq),
  why TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX version_refused_of
  ON version_refused (station_no, dispenser_no, nozzle_no, kind, seq);
CREATE INDEX version_sent_last
  ON version_sent (station_no, dispenser_no, nozzle_no, kind, seq);
CREATE TRIGGER version_refused_fixed BEFORE UPDATE ON version_refused
  BEGIN SELECT RAISE(ABORT, 'versions that were refused are append-only'); END;
CREATE TRIGGER version_refused_kept BEFORE DELETE ON version_refused
  BEGIN SELECT RAISE(ABORT, 'versions that were refused are append-only'); END;
