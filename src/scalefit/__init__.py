"""Fit scaling laws to training runs, say how sure the fit is, and decide with it."""
