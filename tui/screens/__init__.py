"""One screen a file; all but the login are imported after the first frame."""
