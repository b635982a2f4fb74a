"""Families of models compared: who is ahead where, by how much, and how sure that is."""
