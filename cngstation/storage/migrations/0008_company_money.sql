-- What a company may owe; the newest row of a company is in force.
CREATE TABLE company_terms (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  company_no TEXT NOT NULL REFERENCES company (company_no),
  credit_limit_e4 INTEGER NOT NULL CHECK (credit_limit_e4 >= 0),
  operator_no TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX company_terms_of ON company_terms (company_no, seq);
-- Statements of companies alone need their postings in order.
CREATE INDEX posting_company ON posting (account, seq)
  WHERE account >= 'company:' AND account < 'company;';

-- 充值优惠: a rule as it was added, and as it was ended; the newest row of a number is
-- in force. Empty texts and a zero `to_e4` or `until_ms` set no bound.
CREATE TABLE discount_rule (
  seq INTEGER PRIMARY KEY REFERENCES chain (seq),
  rule_no INTEGER NOT NULL,
  card_kind TEXT NOT NULL,
  company_no TEXT NOT NULL,
  payment_mode TEXT NOT NULL,
  from_e4 INTEGER NOT NULL CHECK (from_e4 >= 0),
  to_e4 INTEGER NOT NULL CHECK (to_e4 >= 0),
  percent_hundredths INTEGER NOT NULL CHECK (percent_hundredths BETWEEN 0 AND 10000),
  fixed_e4 INTEGER NOT NULL CHECK (fixed_e4 >= 0),
  since_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  operator_no TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  mono_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL
) STRICT;
CREATE INDEX discount_rule_of ON discount_rule (rule_no, seq);

CREATE TRIGGER company_terms_fixed BEFORE UPDATE ON company_terms
  BEGIN SELECT RAISE(ABORT, 'terms of companies are append-only'); END;
CREATE TRIGGER company_terms_kept BEFORE DELETE ON company_terms
  BEGIN SELECT RAISE(ABORT, 'terms of companies are append-only'); END;
CREATE TRIGGER discount_rule_fixed BEFORE UPDATE ON discount_rule
  BEGIN SELECT RAISE(ABORT, 'discount rules are append-only'); END;
CREATE TRIGGER discount_rule_kept BEFORE DELETE ON discount_rule
  BEGIN SELECT RAISE(ABORT, 'discount rules are append-only'); END;
