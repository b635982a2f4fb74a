"""The page of the study of forecasts of curves, from what is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

#: Means over the six evaluation curves that a default should reach, and what the published constants give.
MARKS = {"r2": "R²", "mae": "MAE", "rmse": "RMSE", "prede": "PredE", "worste": "WorstE"}
ASKED = {"r2": "≥ .9984", "mae": "≤ .0039", "rmse": "≤ .0053", "prede": "≤ .00128", "worste": "≤ .0054"}
#: Standard deviation of final losses between seeds of transformers of microlm, as a share of the loss: ladder, by size.
SEEDS = {"w24": 0.0116, "w48": 0.0050}

HEAD = """# How well other schedules are forecast, and how often the intervals hold

Written by `python docs/studies/curves.py --report`; every judged curve stands in `curves.csv`. `sf.forecast_curves`
with its defaults, the schedules as published, rows before the first fitted step left out of the scores.

The two laws, the prior and the equal weights come from prototypes on the three fitted 100M curves. The weights in the
widths are those of highest likelihood for the final losses of microlm, whose coverage below is therefore that of the
curves they were found on, and of simulated curves of other seeds than those below. The other 100M curves had no part in
either, but they were not unseen: three versions of the rule for the widths were tried, four forms of the last, and
their coverage was looked at each time. The first held all of 48 simulated curves; the second, with twice the noise in
the rows, 98 %; then truths of `fsl` were added, and the weights of the third found on these and on microlm.
"""


def write_report(stored: pd.DataFrame, path: Path) -> None:
    """Write the tables."""
    parts = [HEAD, *_evaluation(stored), *_triples(stored), *_microlm(stored), *_simulation(stored), *_coverage(stored)]
    path.write_text("\n".join(parts), encoding="utf-8")


def _table(frame: pd.DataFrame) -> str:
    """A Markdown table of text cells."""
    rows = [[str(name) for name in frame.columns], ["---"] * len(frame.columns), *frame.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows) + "\n"


def _evaluation(stored: pd.DataFrame) -> list[str]:
    ours = stored[stored.part == "evaluation"].set_index("run")
    theirs = stored[stored.part == "published"].set_index("run").loc[ours.index]
    if not len(ours):
        return []
    mean = pd.DataFrame(
        {
            "mean over six curves": list(MARKS.values()),
            "forecast": [f"{ours[name].mean():.5f}" for name in MARKS],
            "asked": list(ASKED.values()),
            "published constants": [f"{theirs[name].mean():.5f}" for name in MARKS],
        }
    )
    each = pd.DataFrame(
        {
            "curve": ours.index,
            "RMSE": [f"{value:.4f}" for value in ours.rmse],
            "published RMSE": [f"{value:.4f}" for value in theirs.rmse],
            "final error": _percents(ours.error),
            "90 % half-width": _percents(ours.half_width),
            "held": ["yes" if held else "no" for held in ours.held],
        }
    )
    return ["## Three 100M curves, six judged\n", _table(mean), _table(each)]


def _triples(stored: pd.DataFrame) -> list[str]:
    rows = stored[stored.part == "triples"]
    if not len(rows):
        return []
    theirs = stored[stored.part == "published"].set_index("run").rmse
    means = rows.assign(published=rows.run.map(theirs)).groupby("case")
    means = means[["rmse", "rmse_mpl", "rmse_lr_annealing", "published"]].mean()
    names = {"rmse": "forecast", "rmse_mpl": "mpl with the prior", "rmse_lr_annealing": "lr_annealing, decay profiled"}
    table = pd.DataFrame(
        [
            {
                "RMSE on the six others": label,
                "median": f"{means[name].median():.4f}",
                "90th percentile": f"{means[name].quantile(0.9):.4f}",
                "below the published constants": f"{100 * (means[name] < means.published).mean():.0f} %",
            }
            for name, label in {**names, "published": "published constants"}.items()
        ]
    )
    return [
        f"## Every three of the seven shorter 100M curves: {len(means)} fits\n",
        _table(table),
        "Asked: below the published constants in 85 %, median at most .0046. The published constants were fitted to "
        "three of the curves that they are judged on here.\n",
    ]


def _microlm(stored: pd.DataFrame) -> list[str]:
    rows = stored[stored.part == "microlm"]
    if not len(rows):
        return []
    rows = rows.assign(width=rows.case.str[:3], pair=rows.case.str[4:])
    shown = rows[rows.pair == "constant+cosine"]
    table = pd.DataFrame(
        {
            "size": shown.width,
            "schedule": shown.run,
            "final error": _percents(shown.error),
            "90 % half-width": _percents(shown.half_width),
            "held": ["yes" if held else "no" for held in shown.held],
            "seeds scatter by": [f"{100 * SEEDS[width]:.1f} %" for width in shown.width],
        }
    )
    return [
        "## microlm: fitted on constant and cosine\n",
        _table(table),
        "The scatter between seeds is that of final losses of transformers of about this size in the ladder.\n",
    ]


def _simulation(stored: pd.DataFrame) -> list[str]:
    rows = stored[stored.part == "simulation"]
    if not len(rows):
        return []
    rows = rows.assign(law=rows.case.str.split().str[0])
    table = pd.DataFrame(
        [
            {
                "truth": law,
                "schedule": run,
                "curves": len(part),
                "held": f"{100 * part.held.mean():.0f} %",
                "error (sd)": f"{100 * part.error.std():.2f} %",
                "90 % half-width": f"{100 * part.half_width.median():.2f} %",
            }
            for (law, run), part in rows.groupby(["law", "run"])
        ]
    )
    return [
        "## Simulated curves\n",
        "Constant, cosine and two-stage curves of one of three laws, of which fsl is none of the forecast's, with "
        "parameters near those of the 100M curves, rows that err together and runs that scatter by 0.2 %; three other "
        "schedules judged.\n",
        _table(table),
    ]


def _coverage(stored: pd.DataFrame) -> list[str]:
    names = {
        "evaluation": "100M, six evaluation curves",
        "triples": "100M, every three of seven",
        "microlm": "microlm, every two of seven schedules",
        "simulation": "simulation",
    }
    table = []
    for part, label in names.items():
        rows = stored[stored.part == part]
        if len(rows):
            table.append(_row(label, rows))
    real = stored[stored.part.isin(["triples", "microlm"])]
    if len(real):
        table.append(_row("100M and microlm together", real))
    return [
        "## How often nominal 90 % intervals held\n",
        "The last row of each judged curve, counted per curve; errors of one fit share their sign, so the number of "
        "fits says how much a share is worth.\n",
        _table(pd.DataFrame(table)),
    ]


def _row(label: str, rows: pd.DataFrame) -> dict[str, str]:
    by_case = rows.groupby("case").held.mean()
    return {
        "set": label,
        "fits": str(rows.case.nunique()),
        "curves": str(len(rows)),
        "final loss held": f"{100 * rows.held.mean():.0f} %",
        "standard error": f"{100 * by_case.std() / np.sqrt(len(by_case)):.0f} %" if len(by_case) > 1 else "",
        "rows held": f"{100 * rows.rows_held.mean():.0f} %",
        "median half-width": f"{100 * rows.half_width.median():.2f} %",
        "seconds a forecast": f"{rows.groupby('case').seconds.first().median():.1f}",
    }


def _percents(values: pd.Series) -> list[str]:
    return [f"{100 * value:.2f} %" for value in values]
