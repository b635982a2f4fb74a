"""What a table of runs holds and what is wrong with it, before any fit."""

from scalefit.checks.check import RunsCheck, check_runs
from scalefit.checks.finding import Finding

__all__ = ["Finding", "RunsCheck", "check_runs"]
