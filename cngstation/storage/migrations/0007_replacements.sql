-- A lost card is replaced once: the row that is made stands, one that was undone does
-- not count. Both are kept.
CREATE TABLE card_replacement (
  intent_id TEXT PRIMARY KEY,
  old_card_key TEXT NOT NULL REFERENCES card (card_key),
  new_card_key TEXT NOT NULL UNIQUE REFERENCES card (card_key),
  state TEXT NOT NULL CHECK (state IN ('made', 'undone')),
  proof TEXT NOT NULL,
  missing TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX card_replaced_once ON card_replacement (old_card_key)
  WHERE state = 'made';

-- Up to when a nozzle is known to have delivered every record that it had.
CREATE TABLE delivery_mark (
  station_no TEXT NOT NULL,
  dispenser_no INTEGER NOT NULL,
  nozzle_no INTEGER NOT NULL,
  delivered_at_ms INTEGER NOT NULL,
  PRIMARY KEY (station_no, dispenser_no, nozzle_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX card_lost ON card (state) WHERE state = 'lost';
