-- What cards of an old system are said to hold, and what each held when it was first
-- tapped. Both are facts; a balance without a verdict waits for its card.
CREATE TABLE opening_balance (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  card_key TEXT NOT NULL UNIQUE REFERENCES card (card_key),
  uid TEXT NOT NULL,
  unit TEXT NOT NULL,
  balance_purse INTEGER NOT NULL,
  source TEXT NOT NULL,
  source_row INTEGER NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE TABLE opening_verdict (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  card_key TEXT NOT NULL REFERENCES opening_balance (card_key),
  verdict TEXT NOT NULL CHECK (verdict IN ('confirmed', 'contested', 'accepted')),
  why TEXT NOT NULL,
  uid TEXT NOT NULL,
  book_purse INTEGER NOT NULL,
  card_purse INTEGER NOT NULL,
  wseq INTEGER NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX opening_verdict_of ON opening_verdict (card_key, seq);
CREATE TRIGGER opening_balance_fixed BEFORE UPDATE ON opening_balance
  BEGIN SELECT RAISE(ABORT, 'opening balances are append-only'); END;
CREATE TRIGGER opening_balance_kept BEFORE DELETE ON opening_balance
  BEGIN SELECT RAISE(ABORT, 'opening balances are append-only'); END;
CREATE TRIGGER opening_verdict_fixed BEFORE UPDATE ON opening_verdict
  BEGIN SELECT RAISE(ABORT, 'opening balances are append-only'); END;
CREATE TRIGGER opening_verdict_kept BEFORE DELETE ON opening_verdict
  BEGIN SELECT RAISE(ABORT, 'opening balances are append-only'); END;
