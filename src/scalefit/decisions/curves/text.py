"""A forecast of curves in words: whether to trust it first, then the final losses, then where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.wording.said import Said, State

if TYPE_CHECKING:
    from scalefit.decisions.curves.record import CurveForecast

#: Runs shown; the frames hold them all.
SHOWN = 12


def said_of(told: CurveForecast) -> Said:
    """The forecast in words."""
    state: State = "bad" if told.doubts else "good"
    parts: tuple[pd.DataFrame | str, ...] = (finals(told), *_more(told), laws(told))
    return Said(state, headline(told), told.doubts, parts, tuple(footnotes(told)))


def headline(told: CurveForecast) -> str:
    """Whether to trust it, and what it is."""
    count, runs = len(told.doubts), len(told.final)
    status = "nothing speaks against it"
    if count:
        status = f"DO NOT RELY ON IT, {count} reason{'s' if count > 1 else ''} not to trust it:"
    if told.delay is None:
        status = f"ANNEALING NOT IDENTIFIED by curves that hold their rate; {status}"
    number = f"{len(told.fits)} law{'s' if len(told.fits) > 1 else ''}"
    what = f"{told.target} along {runs} run{'s' if runs > 1 else ''} from {len(told.dependence)}"
    return f"Forecast of {what}, {100 * told.level:g} % intervals from {number}: {status}"


def finals(told: CurveForecast) -> pd.DataFrame:
    """The last row of each run, digits as many as the intervals deserve."""
    frame = told.final.head(SHOWN)
    width = (frame.high - frame.low).to_numpy(float)
    shown: dict[str, list[str]] = {"run": [str(run) for run in frame.index]}
    shown["step"] = [f"{step:,}" for step in frame.step]
    for name in ("estimate", "low", "high"):
        shown[name] = [_digits(value, one) for value, one in zip(frame[name], width, strict=True)]
    return pd.DataFrame(shown)


def laws(told: CurveForecast) -> pd.DataFrame:
    """Weights and what each law showed."""
    table = told.laws
    return pd.DataFrame(
        {
            "weight": [f"{100 * weight:.0f} %" for weight in table.weight],
            "off the curves by": [f"{100 * rms:.2g} %" for rms in table.rms],
            "verdict": [verdict.split(":")[0].split(";")[0] for verdict in table.verdict],
        },
        index=table.index,
    )


def footnotes(told: CurveForecast) -> list[str]:
    """Where the widths come from, how the rows hang together, and what was left out."""
    table, parts = told.dependence, told.deviations
    rows, effective = int(table.rows.sum()), float(table.effective.sum())
    out = [
        f"{rows} rows count as {effective:.0f} independent ones (neighbours correlate by {table.lag1.mean():.2f}); "
        f"a single row scatters by {100 * parts.rows:.2g} %."
    ]
    if told.delay is not None:
        out.append(
            f"A drop of the rate acts for about {told.delay.best:,.0f} steps (decay {told.delay.decay:.5g}; "
            f"{told.delay.low:,.0f} to {told.delay.high:,.0f} steps within one deviation)."
        )
    source = f"from {told.repeats} repeated" if told.repeats else "taken as on small models: no schedule was run twice"
    out.append(f"Scatter between runs {100 * parts.runs:.2g} %, {source}.")
    if len(table) < 6:
        out.append("Fewer than six curves: blocks along them are resampled, not curves.")
    return [*out, *told.notes]


def _more(told: CurveForecast) -> list[str]:
    more = len(told.final) - SHOWN
    return [f"and {more} more: see .final"] if more > 0 else []


def _digits(value: float, width: float) -> str:
    """To a twentieth of the interval."""
    if not (np.isfinite(value) and np.isfinite(width) and width > 0):
        return f"{value:.4g}"
    places = int(np.clip(np.ceil(-np.log10(width / 20)), 0, 12))
    return f"{value:.{places}f}"
