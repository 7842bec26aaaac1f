-- The books before these: where they ended, where they are kept, what was taken over.
CREATE TABLE epoch_start (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  previous_epoch INTEGER NOT NULL,
  previous_seq INTEGER NOT NULL,
  previous_head TEXT NOT NULL,
  archive TEXT NOT NULL,
  archive_sha256 TEXT NOT NULL,
  open_rows INTEGER NOT NULL,
  carried TEXT NOT NULL,
  reason TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  second_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;

CREATE TRIGGER epoch_start_fixed BEFORE UPDATE ON epoch_start
  BEGIN SELECT RAISE(ABORT, 'the beginning of an epoch is append-only'); END;
CREATE TRIGGER epoch_start_kept BEFORE DELETE ON epoch_start
  BEGIN SELECT RAISE(ABORT, 'the beginning of an epoch is append-only'); END;
CREATE TRIGGER enrolment_request_fixed BEFORE UPDATE ON enrolment_request
  BEGIN SELECT RAISE(ABORT, 'requests are append-only'); END;
CREATE TRIGGER enrolment_request_kept BEFORE DELETE ON enrolment_request
  BEGIN SELECT RAISE(ABORT, 'requests are append-only'); END;
CREATE TRIGGER enrolment_fixed BEFORE UPDATE ON enrolment
  BEGIN SELECT RAISE(ABORT, 'certificates are append-only'); END;
CREATE TRIGGER enrolment_kept BEFORE DELETE ON enrolment
  BEGIN SELECT RAISE(ABORT, 'certificates are append-only'); END;
