"""The command line: each command calls one public function and prints what it returns."""

from scalefit.commands import basics, fits, questions
from scalefit.commands.application import app, main

__all__ = ["app", "basics", "fits", "main", "questions"]
