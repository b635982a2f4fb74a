"""Sizes of Transformers from their configs."""
