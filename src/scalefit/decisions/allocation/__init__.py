"""How to spend compute: the best size and tokens for a budget, and what follows from the same law."""
