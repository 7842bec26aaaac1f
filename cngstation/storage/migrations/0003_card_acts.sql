-- What was said of a card without writing it: loss, blacklist, activation. Each is a
-- fact; `takes_effect_at_ms` is when what follows from it may be relied on.
CREATE TABLE card_mark (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  card_key TEXT NOT NULL REFERENCES card (card_key),
  mark TEXT NOT NULL,
  state_before TEXT NOT NULL,
  state_after TEXT NOT NULL,
  reason TEXT NOT NULL,
  takes_effect_at_ms INTEGER NOT NULL,
  operator_no TEXT NOT NULL,
  second_operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX card_mark_of ON card_mark (card_key, mark, seq);
CREATE TRIGGER card_mark_fixed BEFORE UPDATE ON card_mark
  BEGIN SELECT RAISE(ABORT, 'marks of cards are append-only'); END;
CREATE TRIGGER card_mark_kept BEFORE DELETE ON card_mark
  BEGIN SELECT RAISE(ABORT, 'marks of cards are append-only'); END;
