"""How far isoFLOP vertices lie from the true optimum by their method alone: on losses of a law, without noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.frontier import value_of
from scalefit.decisions.isoflop.analysis import refusal
from scalefit.decisions.isoflop.budgets import Budget
from scalefit.decisions.isoflop.law_path import LawPath
from scalefit.decisions.isoflop.record import IsoFlop


def bias_of(isoflops: Mapping[str, IsoFlop], path: LawPath) -> pd.DataFrame:
    """Vertices of a law's own losses on the very same runs, as factors of the law's optimum.

    Returns
    -------
    DataFrame
        One row a budget: ``flops, params`` (the law's optimum) and a column a method, 1 where it is right; NaN where
        the method finds no vertex there.
    """
    rows: dict[float, dict[str, Any]] = {}
    for method, told in isoflops.items():
        for one in told.budgets:
            row = rows.setdefault(one.flops, {"flops": one.flops, "spent": one.spent})
            if "params" not in row:
                row["params"] = float(path.best(np.array([one.spent]))[0].params[0, 0])
            reason, found = refusal(told.method, _exact(one, path), told.target)
            row[method] = np.nan if reason else float(np.exp(found.place[0])) / row["params"]
    frame = pd.DataFrame(list(rows.values())).sort_values("flops", ignore_index=True)
    return frame[["flops", "spent", "params", *isoflops]]


def slopes_of_bias(bias: pd.DataFrame, isoflops: Mapping[str, IsoFlop]) -> dict[str, float]:
    """What the bias of the vertices adds to the exponent of each method; NaN below three vertices."""
    out: dict[str, float] = {}
    for method, told in isoflops.items():
        if bias.empty:
            continue
        both = bias[bias[method].notna() & bias.flops.isin(told.frame.flops)]
        enough = len(both) >= 3
        out[method] = float(np.polyfit(np.log(both.spent), np.log(both[method]), 1)[0]) if enough else np.nan
    return out


def _exact(one: Budget, path: LawPath) -> Budget:
    """The same runs with the losses of the law."""
    fit = path.fit
    params = one.rows["x"].to_numpy(float)
    tokens = one.rows["tokens"].to_numpy(float)
    tokens = np.where(np.isnan(tokens), one.log_tokens(params), tokens)
    loss = value_of(fit.law, fit.theta, {"params": np.exp(params), "tokens": np.exp(tokens)})[0]
    rows = one.rows.assign(loss=loss)
    return Budget(
        one.flops, one.spent, one.x, rows.groupby("x", sort=True)["loss"].mean().to_numpy(float), one.counts, rows
    )
