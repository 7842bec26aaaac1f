-- A crew card has a holder and no vehicle. The table is built anew, because a column
-- cannot lose its NOT NULL; every row is taken over as it is.
CREATE TABLE card_with_holder (
  card_key TEXT PRIMARY KEY,
  area_no TEXT NOT NULL,
  card_no TEXT NOT NULL,
  uid TEXT NOT NULL,
  kind TEXT NOT NULL,
  payment_mode TEXT NOT NULL,
  unit TEXT NOT NULL,
  price_level INTEGER NOT NULL,
  price_e4 INTEGER NOT NULL,
  vehicle_id INTEGER REFERENCES vehicle (vehicle_id),
  state TEXT NOT NULL,
  issued_at_ms INTEGER NOT NULL,
  cylinder_due TEXT NOT NULL,
  remark TEXT NOT NULL,
  wseq INTEGER NOT NULL,
  pseq INTEGER NOT NULL,
  seen_balance INTEGER NOT NULL,
  seen_wseq INTEGER NOT NULL,
  seen_pseq INTEGER NOT NULL,
  seen_grey TEXT NOT NULL,
  seen_at_ms INTEGER NOT NULL,
  holder TEXT NOT NULL DEFAULT '',
  CHECK ((vehicle_id IS NULL) = (holder <> ''))
) STRICT;
INSERT INTO card_with_holder (
  card_key, area_no, card_no, uid, kind, payment_mode, unit, price_level, price_e4,
  vehicle_id, state, issued_at_ms, cylinder_due, remark, wseq, pseq, seen_balance,
  seen_wseq, seen_pseq, seen_grey, seen_at_ms
) SELECT
  card_key, area_no, card_no, uid, kind, payment_mode, unit, price_level, price_e4,
  vehicle_id, state, issued_at_ms, cylinder_due, remark, wseq, pseq, seen_balance,
  seen_wseq, seen_pseq, seen_grey, seen_at_ms
FROM card;
DROP TABLE card;
ALTER TABLE card_with_holder RENAME TO card;
CREATE INDEX card_uid ON card (uid);
CREATE INDEX card_vehicle ON card (vehicle_id);
CREATE INDEX card_lost ON card (state) WHERE state = 'lost';
