-- Outlets (网点), the station's own roles, and what else is known of an operator.
-- `rights` is names in order, with a space between; ready-made roles are no rows.
CREATE TABLE outlet (
  outlet_no TEXT PRIMARY KEY
    CHECK (outlet_no GLOB '[1-9][0-9][0-9][0-9]' AND outlet_no > '1000'),
  name TEXT NOT NULL UNIQUE,
  retired INTEGER NOT NULL
) STRICT;
INSERT INTO outlet VALUES ('1001', '默认网点', 0);

CREATE TABLE role (
  role_no TEXT PRIMARY KEY CHECK (role_no GLOB 'R[1-9]*'),
  name TEXT NOT NULL UNIQUE,
  rights TEXT NOT NULL,
  outlet_no TEXT NOT NULL,
  note TEXT NOT NULL,
  retired INTEGER NOT NULL
) STRICT;

ALTER TABLE operator ADD COLUMN outlet_no TEXT NOT NULL DEFAULT '1001'
  REFERENCES outlet (outlet_no);
ALTER TABLE operator ADD COLUMN sex TEXT NOT NULL DEFAULT '';
ALTER TABLE operator ADD COLUMN phone_sealed BLOB NOT NULL DEFAULT x'';
