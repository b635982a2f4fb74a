"""Quantities that belong together: at the estimates and in every draw, as a table with intervals or draw by draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scalefit.fitting.problem import Array
from scalefit.uncertainty.derivations import MOST_UNDEFINED


@dataclass(frozen=True, eq=False)
class Joint:
    """Several quantities over the rows of a question.

    Attributes
    ----------
    keys : DataFrame of m rows, what was asked.
    values : name -> (1 + draws, m), the estimates first. Infinite where a target is out of reach, NaN where there is no
        answer.
    level : float
    """

    keys: pd.DataFrame
    values: Mapping[str, Array]
    level: float

    def table(self) -> pd.DataFrame:
        """One row per question: what was asked, then each quantity with its interval."""
        columns: dict[str, Array] = {}
        for name, values in self.values.items():
            low, high = central(values[1:], self.level)
            columns |= {name: values[0], f"{name}_low": low, f"{name}_high": high}
        return self.keys.assign(**columns)

    def draws(self) -> pd.DataFrame:
        """One row per draw and question, quantities of one draw side by side."""
        m = len(self.keys)
        count = len(next(iter(self.values.values()))) - 1
        frame = pd.DataFrame({"draw": np.repeat(np.arange(count), m)})
        for name in self.keys.columns:
            frame[name] = np.tile(self.keys[name].to_numpy(), count)
        return frame.assign(**{name: values[1:].ravel() for name, values in self.values.items()})

    def undefined(self, name: str) -> Array:
        """The share of draws without an answer, (m,)."""
        return _share(np.isnan(self.values[name][1:]))

    def out_of_reach(self, name: str) -> Array:
        """The share of draws in which no number is enough, (m,)."""
        return _share(np.isinf(self.values[name][1:]))


def _share(hit: NDArray[np.bool_]) -> Array:
    return np.asarray(hit.mean(axis=0)) if len(hit) else np.zeros(hit.shape[1])


def central(draws: Array, level: float) -> tuple[Array, Array]:
    """The central share of draws (B, m), those without an answer left out; NaN where more than half have none.

    An end among infinite draws is infinite.
    """
    low, high = np.full((2, draws.shape[1]), np.nan)
    for k in range(draws.shape[1]):
        known = np.sort(draws[~np.isnan(draws[:, k]), k])
        if len(known) and len(known) >= (1 - MOST_UNDEFINED) * len(draws):
            low[k], high[k] = (_quantile(known, q) for q in (0.5 - level / 2, 0.5 + level / 2))
    return low, high


def _quantile(ordered: Array, share: float) -> float:
    if np.isfinite(ordered).all():
        return float(np.quantile(ordered, share))
    place = share * (len(ordered) - 1)
    return float(ordered[int(np.ceil(place) if share > 0.5 else np.floor(place))])
