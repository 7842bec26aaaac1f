-- Times are UTC milliseconds (_at_ms), money 1/10 000 yuan (_e4), goods 1/1000 unit
-- (_milli). A table whose key is `seq` is proved: seq is its place in the chain.

CREATE TABLE schema_migration (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at_ms INTEGER NOT NULL,
  program TEXT NOT NULL
) STRICT;

CREATE TABLE tip (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  head BLOB NOT NULL,
  outbox_seq INTEGER NOT NULL,
  receipt_no INTEGER NOT NULL,
  card_serial INTEGER NOT NULL
) STRICT;
INSERT INTO tip VALUES (1, 1, 0, zeroblob(32), 0, 0, 0);

CREATE TABLE chain (
  seq INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  kind TEXT NOT NULL,
  ref TEXT NOT NULL,
  body TEXT NOT NULL,
  head BLOB NOT NULL
) STRICT;

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  chain_seq INTEGER NOT NULL REFERENCES chain (seq),
  kind TEXT NOT NULL,
  sent_at_ms INTEGER
) STRICT;
CREATE INDEX outbox_waiting ON outbox (seq) WHERE sent_at_ms IS NULL;

CREATE TABLE entry (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  entry_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  business_day TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  intent_id TEXT NOT NULL,
  corrects TEXT NOT NULL,
  note TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX entry_intent ON entry (intent_id) WHERE intent_id <> '';
CREATE INDEX entry_day ON entry (business_day, kind);

CREATE TABLE posting (
  seq INTEGER NOT NULL REFERENCES entry (seq),
  line INTEGER NOT NULL,
  account TEXT NOT NULL,
  unit TEXT NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (seq, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX posting_account ON posting (account, unit, amount);

CREATE TABLE sale (
  seq INTEGER PRIMARY KEY REFERENCES entry (seq),
  station_no TEXT NOT NULL,
  dispenser_no INTEGER NOT NULL,
  nozzle_no INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  device_seq INTEGER NOT NULL,
  transaction_type TEXT NOT NULL,
  source TEXT NOT NULL,
  card_key TEXT NOT NULL,
  wire_card_no TEXT NOT NULL,
  plate TEXT NOT NULL,
  payment_mode TEXT NOT NULL,
  unit TEXT NOT NULL,
  quantity_milli INTEGER NOT NULL,
  price_e4 INTEGER NOT NULL,
  amount_e4 INTEGER NOT NULL,
  debited INTEGER NOT NULL,
  balance_before INTEGER NOT NULL,
  balance_after INTEGER NOT NULL,
  wseq INTEGER NOT NULL,
  pseq INTEGER NOT NULL,
  total_quantity_milli INTEGER NOT NULL,
  total_amount_e4 INTEGER NOT NULL,
  pressure_before_kpa INTEGER NOT NULL,
  pressure_after_kpa INTEGER NOT NULL,
  stop_reason TEXT NOT NULL,
  related_grey_seq INTEGER NOT NULL,
  shift_no INTEGER NOT NULL,
  employee_card TEXT NOT NULL,
  device_started TEXT NOT NULL,
  device_ended TEXT NOT NULL,
  protocol TEXT NOT NULL,
  raw_frame BLOB NOT NULL,
  UNIQUE (station_no, dispenser_no, nozzle_no, epoch, device_seq)
) STRICT;
CREATE INDEX sale_card ON sale (card_key, pseq);

CREATE TABLE gas_lot (
  seq INTEGER PRIMARY KEY REFERENCES entry (seq),
  card_key TEXT NOT NULL,
  unit TEXT NOT NULL,
  quantity_milli INTEGER NOT NULL,
  money_e4 INTEGER NOT NULL,
  price_e4 INTEGER NOT NULL
) STRICT;
CREATE INDEX gas_lot_card ON gas_lot (card_key, seq);

CREATE TABLE gas_lot_use (
  seq INTEGER NOT NULL REFERENCES entry (seq),
  lot_seq INTEGER NOT NULL REFERENCES gas_lot (seq),
  quantity_milli INTEGER NOT NULL,
  money_e4 INTEGER NOT NULL,
  PRIMARY KEY (seq, lot_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX gas_lot_use_lot ON gas_lot_use (lot_seq, quantity_milli, money_e4);

CREATE TABLE intent (
  intent_id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  card_key TEXT NOT NULL,
  uid TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('PREPARED', 'INDOUBT', 'DONE', 'VOID', 'SCRAP')),
  amount INTEGER NOT NULL,
  unit TEXT NOT NULL,
  cash_e4 INTEGER NOT NULL,
  fee_e4 INTEGER NOT NULL,
  bonus INTEGER NOT NULL,
  price_e4 INTEGER NOT NULL,
  before_balance INTEGER NOT NULL,
  before_wseq INTEGER NOT NULL,
  before_pseq INTEGER NOT NULL,
  before_grey TEXT NOT NULL,
  after_balance INTEGER NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  till TEXT NOT NULL,
  plan TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  changed_seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE UNIQUE INDEX intent_one_open ON intent (card_key)
  WHERE state IN ('PREPARED', 'INDOUBT');

CREATE TABLE intent_change (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  intent_id TEXT NOT NULL REFERENCES intent (intent_id),
  kind TEXT NOT NULL,
  card_key TEXT NOT NULL,
  uid TEXT NOT NULL,
  state TEXT NOT NULL,
  amount INTEGER NOT NULL,
  unit TEXT NOT NULL,
  cash_e4 INTEGER NOT NULL,
  fee_e4 INTEGER NOT NULL,
  bonus INTEGER NOT NULL,
  price_e4 INTEGER NOT NULL,
  before_balance INTEGER NOT NULL,
  before_wseq INTEGER NOT NULL,
  before_pseq INTEGER NOT NULL,
  before_grey TEXT NOT NULL,
  after_balance INTEGER NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  till TEXT NOT NULL,
  plan TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX intent_change_of ON intent_change (intent_id, seq);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  act TEXT NOT NULL,
  subject TEXT NOT NULL,
  outcome TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  reason TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX audit_subject ON audit (subject, seq);

-- A named row that says what to do; closing it is a row of its own.
CREATE TABLE finding (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  facts TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX finding_subject ON finding (subject, kind);

CREATE TABLE finding_closed (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  finding_seq INTEGER NOT NULL UNIQUE REFERENCES finding (seq),
  reason TEXT NOT NULL,
  operator_no TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;

-- What is on the paper is proved; how often it was printed is not.
CREATE TABLE receipt (
  receipt_no INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL UNIQUE REFERENCES chain (seq),
  entry_id TEXT NOT NULL UNIQUE REFERENCES entry (entry_id),
  kind TEXT NOT NULL,
  content TEXT NOT NULL,
  originals INTEGER NOT NULL CHECK (originals IN (0, 1)),
  copies INTEGER NOT NULL,
  wanted INTEGER NOT NULL,
  outcome TEXT NOT NULL
) STRICT;
CREATE INDEX receipt_wanted ON receipt (receipt_no) WHERE wanted > 0;

CREATE TABLE device_epoch (
  station_no TEXT NOT NULL,
  dispenser_no INTEGER NOT NULL,
  nozzle_no INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  since_seq INTEGER NOT NULL REFERENCES chain (seq),
  PRIMARY KEY (station_no, dispenser_no, nozzle_no, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE operator (
  operator_no TEXT PRIMARY KEY,
  login_name TEXT NOT NULL UNIQUE,
  full_name TEXT NOT NULL,
  role TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  must_change INTEGER NOT NULL,
  state TEXT NOT NULL,
  wrong_tries INTEGER NOT NULL,
  blocked_until_mono_ms INTEGER NOT NULL,
  blocked_boot_id TEXT NOT NULL
) STRICT;

CREATE TABLE session (
  token_hash BLOB PRIMARY KEY,
  operator_no TEXT NOT NULL REFERENCES operator (operator_no),
  uid INTEGER NOT NULL,
  terminal TEXT NOT NULL,
  state TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  ends_mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE company (
  company_no TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  phone TEXT NOT NULL,
  initials TEXT NOT NULL
) STRICT;

CREATE TABLE vehicle_type (
  code TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  retired INTEGER NOT NULL
) STRICT;
INSERT INTO vehicle_type VALUES ('01', '出租车', 0), ('02', '公交车', 0),
  ('03', '货车', 0), ('04', '私家车', 0);

-- ID number and phone are sealed; the digests find them again.
CREATE TABLE vehicle (
  vehicle_id INTEGER PRIMARY KEY,
  plate TEXT NOT NULL UNIQUE,
  plate_overridden INTEGER NOT NULL,
  fleet_no TEXT,
  route_no TEXT NOT NULL,
  fleet_name TEXT NOT NULL,
  vehicle_type TEXT NOT NULL REFERENCES vehicle_type (code),
  company_no TEXT NOT NULL REFERENCES company (company_no),
  driver TEXT NOT NULL,
  owner TEXT NOT NULL,
  id_no_sealed BLOB NOT NULL,
  id_no_digest BLOB NOT NULL,
  phone_sealed BLOB NOT NULL,
  phone_digest BLOB NOT NULL,
  phone_tail_digest BLOB NOT NULL,
  cylinder_no TEXT NOT NULL,
  cylinder_due TEXT NOT NULL,
  initials TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX vehicle_fleet_no ON vehicle (fleet_no) WHERE fleet_no IS NOT NULL;
CREATE INDEX vehicle_id_no ON vehicle (id_no_digest);
CREATE INDEX vehicle_phone ON vehicle (phone_digest);
CREATE INDEX vehicle_phone_tail ON vehicle (phone_tail_digest);

CREATE TABLE price (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 19),
  price_e4 INTEGER NOT NULL CHECK (price_e4 > 0),
  unit TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  operator_no TEXT NOT NULL
) STRICT;

CREATE TABLE card (
  card_key TEXT PRIMARY KEY,
  area_no TEXT NOT NULL,
  card_no TEXT NOT NULL,
  uid TEXT NOT NULL,
  kind TEXT NOT NULL,
  payment_mode TEXT NOT NULL,
  unit TEXT NOT NULL,
  price_level INTEGER NOT NULL,
  price_e4 INTEGER NOT NULL,
  vehicle_id INTEGER NOT NULL REFERENCES vehicle (vehicle_id),
  state TEXT NOT NULL,
  issued_at_ms INTEGER NOT NULL,
  cylinder_due TEXT NOT NULL,
  remark TEXT NOT NULL,
  wseq INTEGER NOT NULL,
  pseq INTEGER NOT NULL,
  seen_balance INTEGER NOT NULL,
  seen_wseq INTEGER NOT NULL,
  seen_pseq INTEGER NOT NULL,
  seen_grey TEXT NOT NULL,
  seen_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX card_uid ON card (uid);
CREATE INDEX card_vehicle ON card (vehicle_id);

-- Seat belts; the chain and its anchors outside the station are the proof.
CREATE TRIGGER chain_fixed BEFORE UPDATE ON chain
  BEGIN SELECT RAISE(ABORT, 'the chain is append-only'); END;
CREATE TRIGGER chain_kept BEFORE DELETE ON chain
  BEGIN SELECT RAISE(ABORT, 'the chain is append-only'); END;
CREATE TRIGGER entry_fixed BEFORE UPDATE ON entry
  BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
CREATE TRIGGER entry_kept BEFORE DELETE ON entry
  BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
CREATE TRIGGER posting_fixed BEFORE UPDATE ON posting
  BEGIN SELECT RAISE(ABORT, 'postings are append-only'); END;
CREATE TRIGGER posting_kept BEFORE DELETE ON posting
  BEGIN SELECT RAISE(ABORT, 'postings are append-only'); END;
CREATE TRIGGER sale_fixed BEFORE UPDATE ON sale
  BEGIN SELECT RAISE(ABORT, 'sales are append-only'); END;
CREATE TRIGGER sale_kept BEFORE DELETE ON sale
  BEGIN SELECT RAISE(ABORT, 'sales are append-only'); END;
CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_kept BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
