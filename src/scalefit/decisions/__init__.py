"""Questions that a fit answers: one small frozen record per question."""
