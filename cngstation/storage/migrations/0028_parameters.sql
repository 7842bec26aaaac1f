-- Parameters of the station that were set on the screen; they go before the file's.
CREATE TABLE parameter (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
