"""Readers: one file per format, told from the content, giving a table and what it could not take."""
