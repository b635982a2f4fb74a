"""A forecast in words: whether to trust it first, then the numbers, then where they come from."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from scalefit.decisions.forecast_result import Forecast

#: Points shown; the frame holds them all.
SHOWN = 12


def describe(told: Forecast) -> str:
    """Plain text."""
    lines = [headline(told), *(f"  - {doubt}" for doubt in told.doubts), ""]
    lines += [points(told).to_string(index=False), *_more(told), "", laws(told).to_string(), ""]
    return "\n".join([*lines, *footnotes(told)])


def describe_html(told: Forecast) -> str:
    """For a notebook."""
    doubts = "".join(f"<li>{html.escape(doubt)}</li>" for doubt in told.doubts)
    foot = "".join(f"<p>{html.escape(note)}</p>" for note in [*_more(told), *footnotes(told)])
    return (
        f"<p><b>{html.escape(headline(told))}</b></p>{f'<ul>{doubts}</ul>' if doubts else ''}"
        f"{points(told).to_html(index=False, escape=True)}{laws(told).to_html(escape=True)}{foot}"
    )


def headline(told: Forecast) -> str:
    """Whether to trust it, and what it is."""
    count, n = len(told.doubts), len(told.frame)
    reasons = f"{count} reason{'s' if count != 1 else ''} not to trust it"
    status = f"DO NOT RELY ON IT, {reasons}:" if count else "nothing speaks against it"
    number = f"{len(told.laws)} law{'s' if len(told.laws) != 1 else ''}"
    what = f"{told.target} of {n} run{'s' if n != 1 else ''}"
    return f"Forecast of {what}, {100 * told.level:g} % intervals from {number}: {status}"


def points(told: Forecast) -> pd.DataFrame:
    """The points, digits as many as the intervals deserve."""
    frame = told.frame.head(SHOWN)
    width = (frame.high - frame.low).to_numpy(float)
    inputs = [name for name in frame.columns if name in told.inputs]
    shown = {name: [_plain(value) for value in frame[name]] for name in inputs}
    for name in ("estimate", "low", "high"):
        shown[name] = [_digits(value, one) for value, one in zip(frame[name], width, strict=True)]
    shown["beyond"] = [f"{factor:.3g}x" for factor in frame.beyond]
    shown["laws apart"] = [f"{100 * share:.1f} %" for share in frame.spread]
    return pd.DataFrame(shown)


def laws(told: Forecast) -> pd.DataFrame:
    """Weights and what each law showed."""
    table = told.laws.sort_values("weight", ascending=False, kind="stable")
    return pd.DataFrame(
        {
            "weight": [f"{100 * weight:.0f} %" for weight in table.weight],
            "back-test error": [_percent(error) for error in table.error],
            "scatter": [_percent(scatter) for scatter in table.scatter],
            "verdict": [verdict.split(":")[0].split(";")[0] for verdict in table.verdict],
        },
        index=table.index,
    )


def footnotes(told: Forecast) -> list[str]:
    """How wide and why, and what took no part."""
    cuts = told.test.cut.nunique()
    out = []
    if cuts:
        seen = f"held {100 * told.held:.0f} % of the time over {cuts} cut{'s' if cuts != 1 else ''} along {told.along}"
        out.append(f"On these runs such intervals {seen}; these span {told.deviations:.2g} deviations on either side.")
    out += [f"{name} took no part: {reason}" for name, reason in told.left_out.items()]
    out += [f"cut {name} skipped: {reason}" for name, reason in told.skipped.items()]
    return [*out, *told.notes]


def _more(told: Forecast) -> list[str]:
    more = len(told.frame) - SHOWN
    return [f"and {more} more: see .frame"] if more > 0 else []


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float, np.number)) else str(value)


def _digits(value: float, width: float) -> str:
    """To a twentieth of the interval."""
    if not (np.isfinite(value) and np.isfinite(width) and width > 0):
        return f"{value:.4g}"
    places = int(np.clip(np.ceil(-np.log10(width / 20)), 0, 12))
    return f"{value:.{places}f}"


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.2g} %" if share < 1 else "over 100 %"
