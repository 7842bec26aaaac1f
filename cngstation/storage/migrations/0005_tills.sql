-- A till's session is opened with a counted float and closed with what was counted;
-- `counts` is JSON, by tender what the books expected and what was counted.
CREATE TABLE till_session (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  till TEXT NOT NULL,
  session_no INTEGER NOT NULL,
  step TEXT NOT NULL CHECK (step IN ('opened', 'closed')),
  counts TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  UNIQUE (till, session_no, step)
) STRICT;
CREATE TRIGGER till_session_fixed BEFORE UPDATE ON till_session
  BEGIN SELECT RAISE(ABORT, 'till sessions are append-only'); END;
CREATE TRIGGER till_session_kept BEFORE DELETE ON till_session
  BEGIN SELECT RAISE(ABORT, 'till sessions are append-only'); END;
