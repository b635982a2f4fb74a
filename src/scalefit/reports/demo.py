"""The demonstration: the bundled runs fitted, checked on their largest runs, and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from scalefit import datasets
from scalefit.decisions.backtest import Backtest, backtest
from scalefit.estimation import fit
from scalefit.reports.digits import between, number, plus_minus
from scalefit.reports.numbers import columns_text
from scalefit.result import Fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAW = "chinchilla"
LEVEL = 0.9
DRAWS = 1000
#: The share of the runs, by compute, from which the others are predicted.
CUT = 0.8
#: How many of the runs held back are shown for each family.
SHOWN = 3


@dataclass(frozen=True)
class Demo:
    """What the demonstration found.

    Parameters
    ----------
    runs : DataFrame
        The last row of each run.
    fits, backtests : mapping of family to Fit and to Backtest
    """

    runs: pd.DataFrame
    fits: Mapping[str, Fit]
    backtests: Mapping[str, Backtest]


def run_demo(*, seed: int = 0) -> Demo:
    """Fit each family of microlm, and predict its largest runs from the others.

    Parameters
    ----------
    seed : int
        Of the bootstraps.
    """
    runs = datasets.load("microlm").groupby("run").last()
    families = {str(family): group for family, group in runs.groupby("family")}
    return Demo(
        runs=runs,
        fits={name: fit(group, LAW).bootstrap(DRAWS, rng=seed) for name, group in families.items()},
        backtests={
            name: backtest(group, LAW, along="flops", cuts=[CUT], level=LEVEL, rng=seed)
            for name, group in families.items()
        },
    )


def describe_demo(demo: Demo) -> str:
    """The fits with their intervals, then what was predicted of the largest runs beside what was seen."""
    law = next(iter(demo.fits.values())).law
    parts = [
        f"microlm: {len(demo.runs)} real runs that come with scalefit, byte-level language models of Python source,\n"
        f"{_range(demo.runs, 'params')} parameters, {_range(demo.runs, 'tokens')} tokens\n",
        f"{law.output} = {law.formula()}, {LEVEL * 100:g} % intervals from {DRAWS} bootstrap draws",
        columns_text(_fit_rows(demo.fits)),
        "  (too narrow by an unknown amount: runs of one size share a trunk and a seed, see the data card)\n",
        f"Largest runs predicted from the {CUT * 100:g} % with the least compute (interval for one new run)",
        columns_text(_judged_rows(demo)),
        *(_held(name, test) for name, test in demo.backtests.items()),
    ]
    return "\n".join(parts)


def draw_demo(demo: Demo) -> Figure:
    """The fits side by side."""
    from scalefit.plots.panels import plot_fits

    return plot_fits(demo.fits, level=LEVEL)


def _range(runs: pd.DataFrame, column: str) -> str:
    return f"{number(runs[column].min(), digits=2)} to {number(runs[column].max(), digits=2)}"


def _fit_rows(fits: Mapping[str, Fit]) -> list[list[str]]:
    """One column a family, one row a parameter, the verdict first."""
    rows = [["", *fits], ["runs", *(str(fit.n_rows) for fit in fits.values())]]
    rows.append(["verdict", *(fit.verdict for fit in fits.values())])
    summaries = [fit.summary(LEVEL) for fit in fits.values()]
    cells = [_estimates(summary) for summary in summaries]
    return rows + [list(row) for row in zip(map(str, summaries[0].index), *cells, strict=True)]


def _estimates(summary: pd.DataFrame) -> list[str]:
    """Each parameter with its interval, in as many digits as its standard error bears."""
    cells = []
    for row in summary.to_dict("records"):
        estimate, _, error = plus_minus(row["estimate"], row["se"]).partition(" ± ")
        if "e" in error:  # (8.80 ± 0.12)e13
            estimate = number(row["estimate"], digits=3)
        cells.append(f"{estimate} ({between(row['low'], row['high'], row['se'])})")
    return cells


def _judged_rows(demo: Demo) -> list[list[str]]:
    rows = [["family", "parameters", "tokens", "beyond", "predicted", "seen", ""]]
    for family, test in demo.backtests.items():
        for told in test.frame.sort_values("factor", kind="stable").tail(SHOWN).to_dict("records"):
            run = demo.runs.loc[told["row"]]
            inside = told["low"] <= told["observed"] <= told["high"]
            rows.append([
                family,
                number(run["params"], digits=3),
                number(run["tokens"], digits=3),
                f"{told['factor']:.1f}x",
                f"{told['estimate']:.3f} ({told['low']:.3f} to {told['high']:.3f})",
                f"{told['observed']:.3f}",
                "inside" if inside else "OUTSIDE",
            ])  # fmt: skip
    return rows


def _held(family: str, test: Backtest) -> str:
    frame = test.frame
    held = int(((frame.low <= frame.observed) & (frame.observed <= frame.high)).sum())
    error = float(((frame.estimate - frame.observed) / frame.observed).abs().mean())
    return f"  {family}: {held} of {len(frame)} inside their {LEVEL * 100:g} % interval, mean error {error:.1%}"
