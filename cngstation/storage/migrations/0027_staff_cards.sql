-- Staff cards for the second step of a login. `pending_hash` is of a token that was sent
-- to the card and not confirmed: until it is, that one and the old one count.
CREATE TABLE staff_card (
  card_no TEXT PRIMARY KEY,
  operator_no TEXT NOT NULL REFERENCES operator (operator_no),
  holder TEXT NOT NULL,
  uid TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  pending_hash TEXT NOT NULL,
  issued_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX staff_card_uid ON staff_card (uid);
CREATE INDEX staff_card_operator ON staff_card (operator_no);
ALTER TABLE session ADD COLUMN staff_card_no TEXT NOT NULL DEFAULT '';
