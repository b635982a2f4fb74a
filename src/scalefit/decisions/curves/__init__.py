"""Training curves under other schedules: two laws together, and how far they are to be trusted."""
