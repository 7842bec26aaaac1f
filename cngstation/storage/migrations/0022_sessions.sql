-- A wait after wrong tries keeps its length, so that a reboot does not end it; tries
-- with names that nobody has are counted too. A session remembers its last act by hand.
ALTER TABLE operator ADD COLUMN blocked_for_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN active_mono_ms INTEGER NOT NULL DEFAULT 0;

CREATE TABLE unknown_name (
  tag INTEGER PRIMARY KEY,
  wrong_tries INTEGER NOT NULL,
  blocked_until_mono_ms INTEGER NOT NULL,
  blocked_for_ms INTEGER NOT NULL,
  blocked_boot_id TEXT NOT NULL,
  tried_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX unknown_name_tried ON unknown_name (tried_at_ms);
