"""The command line: each command calls one public function and prints what it returns."""

from scalefit.commands import basics, fits, forecasts, choices, comparisons, budgets  # isort: skip - as help lists them
from scalefit.commands.application import app, main

__all__ = ["app", "basics", "budgets", "choices", "comparisons", "fits", "forecasts", "main"]
