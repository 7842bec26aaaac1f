-- The daily digest: what the audit says behind one place of the chain up to another.
CREATE TABLE digest (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  business_day TEXT NOT NULL UNIQUE,
  from_seq INTEGER NOT NULL UNIQUE,
  to_seq INTEGER NOT NULL CHECK (to_seq >= from_seq),
  content TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX intent_given_up ON intent_change (seq) WHERE state IN ('VOID', 'SCRAP');

CREATE TRIGGER digest_fixed BEFORE UPDATE ON digest
  BEGIN SELECT RAISE(ABORT, 'digests are append-only'); END;
CREATE TRIGGER digest_kept BEFORE DELETE ON digest
  BEGIN SELECT RAISE(ABORT, 'digests are append-only'); END;
