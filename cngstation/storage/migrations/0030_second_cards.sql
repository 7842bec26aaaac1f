-- The second person of an act of two who lays the own staff card on the reader for it.
-- `staff_card_no` is empty until it was read; what is asked ends after some minutes.
CREATE TABLE second_card (
  asked_no INTEGER PRIMARY KEY,
  act TEXT NOT NULL,
  subject TEXT NOT NULL,
  first_no TEXT NOT NULL,
  second_no TEXT NOT NULL,
  terminal TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('asked', 'shown', 'used')),
  staff_card_no TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  until_mono_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX second_card_first ON second_card (first_no, terminal);
