"""Pictures of results: an axis in, the same axis out, and no number that the result does not hold."""
