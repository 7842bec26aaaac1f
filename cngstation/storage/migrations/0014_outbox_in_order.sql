-- How many rows wait is counted from the first one that does: none is sent before it.
CREATE TRIGGER outbox_in_order BEFORE UPDATE OF sent_at_ms ON outbox
WHEN NEW.sent_at_ms IS NOT NULL AND EXISTS (
  SELECT 1 FROM outbox WHERE seq = NEW.seq - 1 AND sent_at_ms IS NULL
)
BEGIN SELECT RAISE(ABORT, 'rows for head office are sent in their order'); END;
CREATE TRIGGER outbox_stays_sent BEFORE UPDATE OF sent_at_ms ON outbox
WHEN OLD.sent_at_ms IS NOT NULL AND NEW.sent_at_ms IS NULL
BEGIN SELECT RAISE(ABORT, 'what was sent to head office stays sent'); END;
