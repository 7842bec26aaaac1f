-- What nozzles were told by somebody: asked before it is sent, answered after.
CREATE TABLE nozzle_order (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  order_id TEXT NOT NULL,
  step TEXT NOT NULL CHECK (step IN ('asked', 'answered')),
  nozzle_no INTEGER NOT NULL,
  kind TEXT NOT NULL,
  preset_quantity_milli INTEGER NOT NULL,
  preset_amount_e4 INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  UNIQUE (order_id, step)
) STRICT;
CREATE TRIGGER nozzle_order_fixed BEFORE UPDATE ON nozzle_order
  BEGIN SELECT RAISE(ABORT, 'orders are append-only'); END;
CREATE TRIGGER nozzle_order_kept BEFORE DELETE ON nozzle_order
  BEGIN SELECT RAISE(ABORT, 'orders are append-only'); END;
