-- What the postings of each account sum to, kept with every posting; none that is zero.
-- An index of all postings by account was the dearest part of a booking.
CREATE TABLE account (
  name TEXT NOT NULL,
  unit TEXT NOT NULL,
  balance INTEGER NOT NULL,
  PRIMARY KEY (name, unit)
) STRICT, WITHOUT ROWID;
INSERT INTO account SELECT account, unit, sum(amount) FROM posting
  GROUP BY account, unit HAVING sum(amount) <> 0;
DROP INDEX posting_account;

CREATE TRIGGER posting_counts AFTER INSERT ON posting BEGIN
  INSERT INTO account VALUES (new.account, new.unit, new.amount)
    ON CONFLICT DO UPDATE SET balance = balance + excluded.balance;
  DELETE FROM account
    WHERE name = new.account AND unit = new.unit AND balance = 0;
END;
