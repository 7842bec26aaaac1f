-- What was done with a card is asked at every tap, refund and replacement.
CREATE INDEX intent_card ON intent (card_key);
