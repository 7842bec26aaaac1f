-- Crews (班组) and the staff cards by which dispensers know them; registers.
CREATE TABLE crew (
  crew_no TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  retired INTEGER NOT NULL
) STRICT;
CREATE TABLE crew_staff (
  card_no TEXT PRIMARY KEY,
  crew_no TEXT NOT NULL REFERENCES crew (crew_no),
  name TEXT NOT NULL,
  retired INTEGER NOT NULL
) STRICT;

-- The shift that a fill belongs to; part of its entry's fact. None: nobody was on duty.
CREATE TABLE sale_shift (
  seq INTEGER PRIMARY KEY REFERENCES sale (seq),
  shift_no INTEGER NOT NULL
) STRICT;
CREATE INDEX sale_shift_of ON sale_shift (shift_no, seq);
CREATE INDEX entry_corrects ON entry (corrects, seq) WHERE corrects <> '';

-- A shift is opened and ends by its handover, or is closed by force.
CREATE TABLE shift_step (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  shift_no INTEGER NOT NULL,
  step TEXT NOT NULL CHECK (step IN ('opened', 'ended')),
  how TEXT NOT NULL,
  crew_no TEXT NOT NULL,
  business_day TEXT NOT NULL,
  sheet TEXT NOT NULL,
  reason TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  UNIQUE (shift_no, step)
) STRICT;

-- The totaliser of a nozzle where a shift took it over (on) and handed it over (off).
-- `found` is what the meter said then, `device_seq` the last fill before.
CREATE TABLE shift_reading (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  shift_no INTEGER NOT NULL,
  station_no TEXT NOT NULL,
  dispenser_no INTEGER NOT NULL,
  nozzle_no INTEGER NOT NULL,
  moment TEXT NOT NULL CHECK (moment IN ('on', 'off')),
  epoch INTEGER NOT NULL,
  device_seq INTEGER NOT NULL,
  total_quantity_milli INTEGER NOT NULL,
  total_amount_e4 INTEGER NOT NULL,
  found_quantity_milli INTEGER,
  source TEXT NOT NULL,
  staff_card TEXT NOT NULL,
  device_at TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  UNIQUE (shift_no, station_no, dispenser_no, nozzle_no, moment)
) STRICT;
CREATE INDEX shift_reading_nozzle
  ON shift_reading (station_no, dispenser_no, nozzle_no, seq);

-- What dispensers report of duty and of changed settings, as they report it.
CREATE TABLE duty_record (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  station_no TEXT NOT NULL,
  dispenser_no INTEGER NOT NULL,
  nozzle_no INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  device_seq INTEGER NOT NULL,
  is_off_duty INTEGER NOT NULL,
  device_shift_no INTEGER NOT NULL,
  staff_card TEXT NOT NULL,
  device_started TEXT NOT NULL,
  device_ended TEXT NOT NULL,
  total_quantity_milli INTEGER,
  total_amount_e4 INTEGER,
  shift_quantity_milli INTEGER,
  shift_amount_e4 INTEGER,
  fills INTEGER,
  unit TEXT NOT NULL,
  on_duty_seq INTEGER,
  raw_frame BLOB NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  UNIQUE (station_no, dispenser_no, nozzle_no, epoch, device_seq)
) STRICT;
CREATE TABLE parameter_change (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  station_no TEXT NOT NULL,
  dispenser_no INTEGER NOT NULL,
  nozzle_no INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  device_seq INTEGER NOT NULL,
  device_shift_no INTEGER NOT NULL,
  card_no TEXT NOT NULL,
  parameter INTEGER NOT NULL,
  decimals INTEGER NOT NULL,
  before INTEGER NOT NULL,
  after INTEGER NOT NULL,
  device_at TEXT NOT NULL,
  raw_frame BLOB NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  UNIQUE (station_no, dispenser_no, nozzle_no, epoch, device_seq)
) STRICT;

CREATE TRIGGER sale_shift_fixed BEFORE UPDATE ON sale_shift
  BEGIN SELECT RAISE(ABORT, 'shifts of fills are append-only'); END;
CREATE TRIGGER sale_shift_kept BEFORE DELETE ON sale_shift
  BEGIN SELECT RAISE(ABORT, 'shifts of fills are append-only'); END;
CREATE TRIGGER shift_step_fixed BEFORE UPDATE ON shift_step
  BEGIN SELECT RAISE(ABORT, 'shifts are append-only'); END;
CREATE TRIGGER shift_step_kept BEFORE DELETE ON shift_step
  BEGIN SELECT RAISE(ABORT, 'shifts are append-only'); END;
CREATE TRIGGER shift_reading_fixed BEFORE UPDATE ON shift_reading
  BEGIN SELECT RAISE(ABORT, 'readings are append-only'); END;
CREATE TRIGGER shift_reading_kept BEFORE DELETE ON shift_reading
  BEGIN SELECT RAISE(ABORT, 'readings are append-only'); END;
CREATE TRIGGER duty_record_fixed BEFORE UPDATE ON duty_record
  BEGIN SELECT RAISE(ABORT, 'duty records are append-only'); END;
CREATE TRIGGER duty_record_kept BEFORE DELETE ON duty_record
  BEGIN SELECT RAISE(ABORT, 'duty records are append-only'); END;
CREATE TRIGGER parameter_change_fixed BEFORE UPDATE ON parameter_change
  BEGIN SELECT RAISE(ABORT, 'parameter changes are append-only'); END;
CREATE TRIGGER parameter_change_kept BEFORE DELETE ON parameter_change
  BEGIN SELECT RAISE(ABORT, 'parameter changes are append-only'); END;
