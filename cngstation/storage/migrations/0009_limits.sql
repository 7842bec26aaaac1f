-- What a card or a company may fill; the newest row of a holder is in force, zero
-- sets no bound. Weekdays are bits, Monday the lowest; minutes are of the local day.
CREATE TABLE spending_limit (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  holder TEXT NOT NULL CHECK (holder IN ('card', 'company')),
  holder_key TEXT NOT NULL,
  fill_e4 INTEGER NOT NULL CHECK (fill_e4 >= 0),
  fill_milli INTEGER NOT NULL CHECK (fill_milli >= 0),
  day_e4 INTEGER NOT NULL CHECK (day_e4 >= 0),
  day_milli INTEGER NOT NULL CHECK (day_milli >= 0),
  week_e4 INTEGER NOT NULL CHECK (week_e4 >= 0),
  week_milli INTEGER NOT NULL CHECK (week_milli >= 0),
  month_e4 INTEGER NOT NULL CHECK (month_e4 >= 0),
  month_milli INTEGER NOT NULL CHECK (month_milli >= 0),
  weekdays INTEGER NOT NULL CHECK (weekdays BETWEEN 1 AND 127),
  from_minute INTEGER NOT NULL CHECK (from_minute BETWEEN 0 AND 1440),
  until_minute INTEGER NOT NULL CHECK (until_minute BETWEEN 0 AND 1440),
  operator_no TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX spending_limit_of ON spending_limit (holder, holder_key, seq);
CREATE TRIGGER spending_limit_fixed BEFORE UPDATE ON spending_limit
  BEGIN SELECT RAISE(ABORT, 'limits are append-only'); END;
CREATE TRIGGER spending_limit_kept BEFORE DELETE ON spending_limit
  BEGIN SELECT RAISE(ABORT, 'limits are append-only'); END;

-- 发票: the number of the invoice that was given for a receipt.
CREATE TABLE invoice (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  invoice_no TEXT NOT NULL UNIQUE,
  receipt_no INTEGER NOT NULL UNIQUE REFERENCES receipt (receipt_no),
  operator_no TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE TRIGGER invoice_fixed BEFORE UPDATE ON invoice
  BEGIN SELECT RAISE(ABORT, 'invoices are append-only'); END;
CREATE TRIGGER invoice_kept BEFORE DELETE ON invoice
  BEGIN SELECT RAISE(ABORT, 'invoices are append-only'); END;
