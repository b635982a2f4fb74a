"""The demonstration: the small bundled runs fitted, the large ones predicted, and both drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit import datasets
from scalefit.estimation import fit
from scalefit.result import Fit
from scalefit.wording.digits import number, plus_minus
from scalefit.wording.tables import columns_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAW = "chinchilla"
LEVEL = 0.9
DRAWS = 1000
#: How many of the runs held back are shown for each family.
SHOWN = 2


@dataclass(frozen=True)
class Demo:
    """What the demonstration found.

    Parameters
    ----------
    runs : DataFrame
        The last row of each run.
    fits : mapping of family to Fit
        To the runs of all but the largest sizes.
    predictions : mapping of family to DataFrame
        The runs of the largest sizes, with what was predicted of each.
    """

    runs: pd.DataFrame
    fits: Mapping[str, Fit]
    predictions: Mapping[str, pd.DataFrame]


def run_demo(*, seed: int = 0) -> Demo:
    """Fit each family of microlm below its largest sizes, and predict those.

    Parameters
    ----------
    seed : int
        Of the bootstraps.
    """
    runs = datasets.load("microlm").groupby("run").last()
    fitted, targets = runs[~runs["held_back"]], runs[runs["held_back"]]
    fits = {str(family): fit(group, LAW).bootstrap(DRAWS, rng=seed) for family, group in fitted.groupby("family")}
    return Demo(
        runs=runs,
        fits=fits,
        predictions={
            name: told.predict(targets[targets["family"] == name], level=LEVEL, interval="run")
            for name, told in fits.items()
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
        "The two largest sizes of each family, predicted from the smaller ones: all that were missed, and the last two",
        columns_text(_judged_rows(demo)),
        *(_held(name, told) for name, told in demo.predictions.items()),
        "  beyond: times past the largest size fitted. Seeds scatter by 0.2 to 1.2 %, so a law that misses by more is",
        "  wrong in its form: before you believe it further out, see sf.backtest(runs, law).",
    ]
    return "\n".join(parts)


def draw_demo(demo: Demo) -> Figure:
    """The fits side by side, with the runs that they had not seen."""
    from scalefit.plots.panels import plot_fits

    return plot_fits(demo.fits, level=LEVEL, targets=demo.predictions)


def _range(runs: pd.DataFrame, column: str) -> str:
    return f"{number(runs[column].min(), digits=2)} to {number(runs[column].max(), digits=2)}"


def _fit_rows(fits: Mapping[str, Fit]) -> list[list[str]]:
    """One column a family, one row a parameter, the verdict first."""
    rows = [["", *fits], ["runs", *(str(fit.n_rows) for fit in fits.values())]]
    rows.append(["verdict", *(fit.verdict for fit in fits.values())])
    rows.append(["misses its runs by", *(f"{fit.rms:.1%} (rms)" for fit in fits.values())])
    summaries = [fit.summary(LEVEL) for fit in fits.values()]
    cells = [_estimates(summary) for summary in summaries]
    return rows + [list(row) for row in zip(map(str, summaries[0].index), *cells, strict=True)]


def _estimates(summary: pd.DataFrame) -> list[str]:
    """Each parameter in as many digits as its standard error bears, with the ends of its interval."""
    cells = []
    for row in summary.to_dict("records"):
        estimate, _, error = plus_minus(row["estimate"], row["se"]).partition(" ± ")
        if "e" in error:  # (8.80 ± 0.12)e13
            estimate = number(row["estimate"], digits=3)
        cells.append(f"{estimate} ({number(row['low'], digits=3)} to {number(row['high'], digits=3)})")
    return cells


def _judged_rows(demo: Demo) -> list[list[str]]:
    """The targets with the most compute, and every one that was missed."""
    rows = [["family", "parameters", "tokens", "beyond", "predicted", "seen", ""]]
    for family, told in demo.predictions.items():
        ordered = told.sort_values("flops", kind="stable")
        missed = (ordered["loss"] < ordered["low"]) | (ordered["loss"] > ordered["high"])
        shown = missed | (np.arange(len(ordered)) >= len(ordered) - SHOWN)
        for run, outside in zip(ordered[shown].to_dict("records"), missed[shown], strict=True):
            rows.append([
                family,
                number(run["params"], digits=3),
                number(run["tokens"], digits=3),
                f"{run['beyond']:.1f}x",
                f"{run['estimate']:.3f} ({run['low']:.3f} to {run['high']:.3f})",
                f"{run['loss']:.3f}",
                "OUTSIDE" if outside else "inside",
            ])  # fmt: skip
    return rows


def _held(family: str, told: pd.DataFrame) -> str:
    held = int(((told.low <= told.loss) & (told.loss <= told.high)).sum())
    error = float(((told.estimate - told.loss) / told.loss).abs().mean())
    return f"  {family}: {held} of {len(told)} inside their {LEVEL * 100:g} % interval, mean error {error:.1%}"
