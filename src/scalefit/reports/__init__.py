"""A Fit as text, HTML and JSON."""
