-- A company's phone is a person's: sealed like the numbers of vehicles.
ALTER TABLE company ADD COLUMN phone_sealed BLOB NOT NULL DEFAULT x'';
ALTER TABLE company ADD COLUMN phone_digest BLOB NOT NULL DEFAULT x'';
