"""Fit scaling laws to training runs, say how sure the fit is, and decide with it.

>>> import scalefit as sf
>>> runs = sf.datasets.load("microlm").groupby("run").last()
>>> fit = sf.fit(runs[runs.family == "transformer"], "chinchilla")
>>> fit.converged
True
"""

import sys
from typing import Any

import lazy_loader

__version__ = "0.1.0"

# The names are those of __init__.pyi, which type checkers read too.
_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'scalefit' has no attribute {name!r}", name=name, obj=sys.modules[__name__])
    return _load(name)
