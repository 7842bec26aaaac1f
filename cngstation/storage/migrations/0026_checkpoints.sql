-- Where the chain stood, said again now and then: head office and paper keep it outside.
-- `signature` is over the canonical place and head, empty where there is no key.
CREATE TABLE checkpoint (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  station_no TEXT NOT NULL,
  of_seq INTEGER NOT NULL,
  of_head TEXT NOT NULL,
  cause TEXT NOT NULL CHECK (cause IN ('time', 'rows', 'shift')),
  signature TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE TRIGGER checkpoint_fixed BEFORE UPDATE ON checkpoint
  BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;
CREATE TRIGGER checkpoint_kept BEFORE DELETE ON checkpoint
  BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;
