"""Numbers only: problems in batches, their coordinates, the solver and its verdict. Knows no law by name."""
