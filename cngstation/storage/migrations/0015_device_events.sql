-- What dispensers report beside sales, duties and settings: a price that came into
-- force, a card that was cleared, a text. `device_seq` is none of what has no number.
CREATE TABLE device_event (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  station_no TEXT NOT NULL,
  dispenser_no INTEGER NOT NULL,
  nozzle_no INTEGER NOT NULL,
  device_seq INTEGER,
  name TEXT NOT NULL,
  code INTEGER NOT NULL,
  card_no TEXT NOT NULL,
  device_at TEXT NOT NULL,
  text TEXT NOT NULL,
  raw_frame BLOB NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX device_event_nozzle
  ON device_event (station_no, dispenser_no, nozzle_no, device_seq);

CREATE TRIGGER device_event_fixed BEFORE UPDATE ON device_event
  BEGIN SELECT RAISE(ABORT, 'events of dispensers are append-only'); END;
CREATE TRIGGER device_event_kept BEFORE DELETE ON device_event
  BEGIN SELECT RAISE(ABORT, 'events of dispensers are append-only'); END;
