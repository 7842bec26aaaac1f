-- What a dispenser took back from a vehicle at a fill (回气), in the fill's unit.
CREATE TABLE return_gas (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  sale_seq INTEGER NOT NULL UNIQUE REFERENCES sale (seq),
  return_quantity_milli INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE TRIGGER return_gas_fixed BEFORE UPDATE ON return_gas
  BEGIN SELECT RAISE(ABORT, 'returned gas is append-only'); END;
CREATE TRIGGER return_gas_kept BEFORE DELETE ON return_gas
  BEGIN SELECT RAISE(ABORT, 'returned gas is append-only'); END;
