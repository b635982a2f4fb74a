"""What planned runs would tell: simulated before any is trained."""
