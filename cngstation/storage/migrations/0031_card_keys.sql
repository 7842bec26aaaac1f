-- The keys that cards are written with, told apart by a check value; which of them the
-- station goes by, and which waits for two people. `wanted` is what it becomes then.
CREATE TABLE card_key (
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  check_value TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'in_force', 'old', 'gone')),
  wanted TEXT NOT NULL CHECK (wanted IN ('in_force', 'old')),
  PRIMARY KEY (name, version)
) STRICT;

-- The keys that open a card, by name and version; empty until it is seen again.
ALTER TABLE card ADD COLUMN key_version TEXT NOT NULL DEFAULT '';
