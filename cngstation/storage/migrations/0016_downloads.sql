-- What dispensers are told to hold, by versions, and which of them say that they do.
CREATE TABLE card_list (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  kind TEXT NOT NULL CHECK (kind IN ('base', 'added', 'deleted', 'white')),
  version INTEGER NOT NULL CHECK (version BETWEEN 1 AND 255),
  cards TEXT NOT NULL,
  count INTEGER NOT NULL,
  cause TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX card_list_of ON card_list (kind, seq);

CREATE TABLE price_table (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  unit TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version BETWEEN 1 AND 255),
  prices TEXT NOT NULL,
  effective_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX price_table_of ON price_table (unit, seq);

-- A nozzle was heard to hold a version.
CREATE TABLE nozzle_version (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  station_no TEXT NOT NULL,
  dispenser_no INTEGER NOT NULL,
  nozzle_no INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('base', 'added', 'deleted', 'white', 'prices')),
  version INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX nozzle_version_of
  ON nozzle_version (station_no, dispenser_no, nozzle_no, kind, seq);

-- Numbers listed by hand or from a file, beside the station's own cards; a register.
CREATE TABLE list_number (
  card_no TEXT PRIMARY KEY CHECK (length (card_no) = 16),
  list TEXT NOT NULL CHECK (list IN ('black', 'white', 'none')),
  source TEXT NOT NULL CHECK (source IN ('hand', 'file', 'centre'))
) STRICT;
CREATE INDEX card_not_normal ON card (state) WHERE state <> 'normal';
CREATE TRIGGER card_list_fixed BEFORE UPDATE ON card_list
  BEGIN SELECT RAISE(ABORT, 'lists of cards are append-only'); END;
CREATE TRIGGER card_list_kept BEFORE DELETE ON card_list
  BEGIN SELECT RAISE(ABORT, 'lists of cards are append-only'); END;
CREATE TRIGGER price_table_fixed BEFORE UPDATE ON price_table
  BEGIN SELECT RAISE(ABORT, 'price tables are append-only'); END;
CREATE TRIGGER price_table_kept BEFORE DELETE ON price_table
  BEGIN SELECT RAISE(ABORT, 'price tables are append-only'); END;
CREATE TRIGGER nozzle_version_fixed BEFORE UPDATE ON nozzle_version
  BEGIN SELECT RAISE(ABORT, 'versions of nozzles are append-only'); END;
CREATE TRIGGER nozzle_version_kept BEFORE DELETE ON nozzle_version
  BEGIN SELECT RAISE(ABORT, 'versions of nozzles are append-only'); END;
