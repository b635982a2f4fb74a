"""The optimum of a fitted law over compute: the third approach."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.frontier import Best, best_split
from scalefit.decisions.isoflop.power_lines import PowerEstimate
from scalefit.decisions.isoflop.record import BEYOND
from scalefit.decisions.isoflop.vertices import Floats
from scalefit.decisions.spending import Cost
from scalefit.errors import DataError
from scalefit.result import Fit


@dataclass(frozen=True, eq=False)
class LawPath:
    """What a fitted law says is best at each budget.

    Attributes
    ----------
    fit : Fit
    cost : what a run costs.
    sizes : smallest and largest model of the runs.
    seen : least and most compute; the exponents are slopes between these.
    level : of the intervals.
    """

    fit: Fit
    cost: Cost
    sizes: tuple[float, float]
    seen: tuple[float, float]
    level: float

    def over(self, seen: tuple[float, float]) -> LawPath:
        """The same with exponents over another range of compute."""
        return replace(self, seen=seen) if np.isfinite(seen).all() and seen[1] > seen[0] else self

    def best(self, flops: Floats) -> tuple[Best, Best]:
        """At the estimates (1, m), and at the draws (draws, m)."""
        law, cost = self.fit.law, self.cost
        return (
            best_split(law, self.fit.theta, flops, cost=cost, sizes=self.sizes),
            best_split(law, self.fit.draws_theta, flops, cost=cost, sizes=self.sizes),
        )

    def predict(self, flops: Any) -> pd.DataFrame:
        """As :meth:`scalefit.decisions.isoflop.record.IsoFlop.predict`."""
        places = np.atleast_1d(np.asarray(flops, float))
        if places.ndim != 1 or not len(places) or not (np.isfinite(places) & (places > 0)).all():
            raise DataError(f"flops is a number or a list of numbers above 0, such as 1e21; got {flops!r}.")
        estimate, drawn = self.best(places)
        shares = [0.5 - self.level / 2, 0.5 + self.level / 2]
        table: dict[str, Any] = {"flops": places}
        for name in ("params", "tokens"):
            low, high = np.nanquantile(getattr(drawn, name), shares, axis=0)
            table |= {name: getattr(estimate, name)[0], f"{name}_low": low, f"{name}_high": high}
        low_seen, high_seen = self.seen
        return pd.DataFrame(table).assign(beyond=np.maximum(1.0, np.maximum(places / high_seen, low_seen / places)))

    @cached_property
    def band(self) -> pd.DataFrame:
        """From the least compute to ten times the most."""
        return self.predict(np.geomspace(self.seen[0], self.seen[1] * BEYOND, 40))

    @cached_property
    def _slopes(self) -> dict[str, PowerEstimate]:
        ends = np.array(self.seen)
        estimate, drawn = self.best(ends)
        shares = [0.5 - self.level / 2, 0.5 + self.level / 2]
        width = float(np.log(ends[1] / ends[0]))
        out = {}
        for name in ("params", "tokens"):
            here, draws = (np.log(getattr(one, name)) @ np.array([-1.0, 1.0]) for one in (estimate, drawn))
            low, high = np.nanquantile(draws, shares) / width
            out[name] = PowerEstimate(float(here[0] / width), float(low), float(high), self.level)
        return out

    @property
    def exponent(self) -> PowerEstimate:
        """The power of compute with which the best number of parameters grows over ``seen``."""
        return self._slopes["params"]

    @property
    def tokens_exponent(self) -> PowerEstimate:
        """The same of tokens."""
        return self._slopes["tokens"]
