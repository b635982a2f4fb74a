"""Decisions about learning-rate schedules, from laws of whole training curves."""
