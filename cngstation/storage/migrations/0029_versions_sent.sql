-- A nozzle asked for a version as it was published at a place of the chain, and is
-- sent it from here on: what it says of that version later is known to be this content.
CREATE TABLE version_sent (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  station_no TEXT NOT NULL,
  dispenser_no INTEGER NOT NULL,
  nozzle_no INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('base', 'added', 'deleted', 'white', 'prices')),
  version INTEGER NOT NULL,
  published_seq INTEGER NOT NULL REFERENCES chain (seq),
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX version_sent_of
  ON version_sent (station_no, dispenser_no, nozzle_no, kind, published_seq);
CREATE TRIGGER version_sent_fixed BEFORE UPDATE ON version_sent
  BEGIN SELECT RAISE(ABORT, 'versions that were sent are append-only'); END;
CREATE TRIGGER version_sent_kept BEFORE DELETE ON version_sent
  BEGIN SELECT RAISE(ABORT, 'versions that were sent are append-only'); END;
