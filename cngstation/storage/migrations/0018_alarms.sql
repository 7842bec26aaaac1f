-- Somebody has seen an open row or an event of a dispenser: `of_seq` is its place in
-- the chain. Seeing closes nothing.
CREATE TABLE alarm_seen (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  of_seq INTEGER NOT NULL REFERENCES chain (seq),
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX alarm_seen_once ON alarm_seen (of_seq);

CREATE TRIGGER alarm_seen_fixed BEFORE UPDATE ON alarm_seen
  BEGIN SELECT RAISE(ABORT, 'who has seen an alarm is append-only'); END;
CREATE TRIGGER alarm_seen_kept BEFORE DELETE ON alarm_seen
  BEGIN SELECT RAISE(ABORT, 'who has seen an alarm is append-only'); END;
