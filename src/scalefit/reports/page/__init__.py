"""The report of a fit as one page that opens from disk."""
