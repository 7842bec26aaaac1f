-- Requests that a station made to head office, and the certificates that it accepted.
CREATE TABLE enrolment_request (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  paper TEXT NOT NULL,
  station_key TEXT NOT NULL,
  call_code TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;

CREATE TABLE enrolment (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  paper TEXT NOT NULL,
  serial INTEGER NOT NULL,
  edition TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  station_key TEXT NOT NULL,
  office_key TEXT NOT NULL,
  url TEXT NOT NULL,
  pin TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
