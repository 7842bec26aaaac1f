-- What a row of a register has been, from its first day: each change is a fact. Personal
-- columns are in `content` by a digest alone. What a database has when it gets this
-- version is taken over as facts.
CREATE TABLE register_change (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  register TEXT NOT NULL,
  row_key TEXT NOT NULL,
  content TEXT NOT NULL,
  reason TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX register_change_of ON register_change (register, row_key, seq);
CREATE TRIGGER register_change_fixed BEFORE UPDATE ON register_change
  BEGIN SELECT RAISE(ABORT, 'changes of registers are append-only'); END;
CREATE TRIGGER register_change_kept BEFORE DELETE ON register_change
  BEGIN SELECT RAISE(ABORT, 'changes of registers are append-only'); END;
