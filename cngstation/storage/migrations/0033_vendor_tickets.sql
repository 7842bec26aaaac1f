-- Tickets that let a technician of the vendor in: each is good once, for one operator.
CREATE TABLE vendor_ticket (
  ticket_id TEXT PRIMARY KEY,
  operator_no TEXT NOT NULL,
  holder TEXT NOT NULL,
  rights TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  paper TEXT NOT NULL
) STRICT;
