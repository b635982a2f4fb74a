"""Fit scaling laws to training runs, say how sure the fit is, and decide with it.

>>> import scalefit as sf
>>> runs = sf.datasets.load("microlm").groupby("run").last()
>>> fit = sf.fit(runs[runs.family == "transformer"], "chinchilla")
>>> fit.converged
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: Public name -> module it lives in; loaded at first use, so that ``import scalefit`` is quick.
_PUBLIC = {
    "Absolute": "objectives",
    "Asymmetric": "objectives",
    "Backtest": "decisions.backtest",
    "Cauchy": "objectives",
    "ColumnError": "errors",
    "DataError": "errors",
    "DataWarning": "errors",
    "Derive": "law",
    "Fit": "result",
    "FitError": "errors",
    "FitWarning": "errors",
    "FormulaError": "errors",
    "Huber": "objectives",
    "Law": "law",
    "LawError": "errors",
    "Param": "parameter",
    "Published": "law",
    "ScalefitError": "errors",
    "ScalefitWarning": "errors",
    "Schedule": "schedules",
    "Square": "objectives",
    "Starts": "fitting.starts",
    "UnitWarning": "errors",
    "backtest": "decisions.backtest",
    "bits_per_byte": "quantities",
    "count_flops": "runs.flops",
    "define_law": "definition",
    "exponent": "parameter",
    "fit": "estimation",
    "floor": "parameter",
    "formula_law": "definition",
    "get_law": "laws",
    "grid": "runs.flops",
    "joint_draws": "uncertainty.pairing",
    "list_laws": "laws",
    "load_fit": "reports.json",
    "plot_backtest": "plots.backtests",
    "plot_fit": "plots.fits",
    "profile_setting": "decisions.settings",
    "read_runs": "runs.frame",
    "real": "parameter",
    "scale": "parameter",
}
_MODULES = ("datasets", "law_math", "laws", "testing")

__all__ = sorted([*_PUBLIC, "datasets", "law_math"])

if TYPE_CHECKING:
    from scalefit import datasets, law_math
    from scalefit.definition import define_law, formula_law
    from scalefit.estimation import fit
    from scalefit.law import Law
    from scalefit.parameter import Param
    from scalefit.result import Fit


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(importlib.import_module(f"scalefit.{_PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"scalefit.{name}")
    raise AttributeError(f"module 'scalefit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
