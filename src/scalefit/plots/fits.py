"""A fit beside its data: curve, band, the edge of what was fitted, dashed beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from scalefit.errors import FitError, not_one_of
from scalefit.plots.axes import (
    COLOURS,
    EDGE,
    GREY,
    MARKERS,
    axes_or_current,
    evenly,
    label_of_column,
    plain_ticks,
    short_number,
    small_legend,
    spread_picks,
)
from scalefit.runs.flops import count_flops

if TYPE_CHECKING:
    from scalefit.result import Fit

#: Styles of the fitted lines of runs, so that a grey print can be read: the data lie under them.
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))


@dataclass(frozen=True)
class _Look:
    """How one curve and its data are drawn, and what the legend calls them."""

    colour: str
    marker: str
    label: str


def plot_fit(fit: Fit, *, along: str | None = None, level: float = 0.9, ax: Axes | None = None) -> Axes:
    """Draw data, fitted curve and band, with a line where the data end; the curve is dashed beyond it.

    A law of one input gives one curve. A law of more gives up to six, at values of another input that were fitted.
    A law of training curves is drawn run by run over the steps that were seen.

    Parameters
    ----------
    fit : Fit
    along : an input of the law, or ``"flops"`` for a law of params and tokens (at the median tokens per parameter).
        None: the only input, ``tokens`` where it is an input, else the second; ``step`` for training curves.
    level : float in (0, 1), of the band of the law's mean.
    ax : matplotlib Axes; None takes the current ones.

    Returns
    -------
    Axes

    Raises
    ------
    FitError
        If ``along`` is not an input of the law.

    Examples
    --------
    >>> import pandas as pd, scalefit as sf
    >>> runs = pd.DataFrame({"flops": [1e18, 1e19, 1e20, 1e21], "loss": [4.0, 3.3, 2.8, 2.45]})
    >>> sf.plot_fit(sf.fit(runs, "power_offset")).get_xlabel()
    'training compute C (FLOP)'
    """
    ax = axes_or_current(ax)
    if fit.law.derive is not None and "step" in fit.data:
        if along not in (None, "step"):
            raise FitError(f"along: {fit.law.name} follows from schedules and is drawn along 'step'; got {along!r}.")
        return _draw_runs(fit, ax)
    along = along or _usual_input(fit)
    others = [name for name in fit.law.inputs if name != along]
    if along == "flops" and along not in fit.law.inputs and set(others) == {"params", "tokens"}:
        _draw_along_flops(fit, level, ax)
    elif along not in fit.law.inputs:
        raise FitError(not_one_of("along", along, fit.law.inputs))
    elif not others:
        look = _Look(COLOURS[0], MARKERS[0], fit.law.name)
        _draw_data(ax, fit.data[along], fit.data[_seen(fit)], look, "runs")
        _draw_curve(ax, fit, along, {}, level, look)
        _draw_edge(ax, fit, along)
        small_legend(ax)
    else:
        _draw_family(fit, along, others[0], level, ax)
    _label(ax, fit, along, log=bool((fit.data[along] > 0).all()) if along in fit.data else True)
    return ax


def _usual_input(fit: Fit) -> str:
    inputs = fit.law.inputs
    return "tokens" if "tokens" in inputs else inputs[min(1, len(inputs) - 1)]


def _seen(fit: Fit) -> str:
    """The column of what was seen."""
    return fit.columns.get(fit.target, fit.target)


def _draw_family(fit: Fit, along: str, other: str, level: float, ax: Axes) -> None:
    """One curve per picked value of another input; runs at values that were not picked stay in the background."""
    written = fit.data[other].map(short_number)
    picks = spread_picks(fit.data[other])
    rest = fit.data[~written.isin(list(picks))]
    if len(rest):
        ax.plot(rest[along], rest[_seen(fit)], ".", ms=3, color=GREY, alpha=0.6, label="other runs", zorder=1)
    together: list[tuple[Artist, ...]] = []
    for (text, value), colour, marker in zip(picks.items(), COLOURS, MARKERS, strict=False):
        look = _Look(colour, marker, text)
        own = fit.data[written == text]
        points = _draw_data(ax, own[along], own[_seen(fit)], look, "_nolegend_")
        together.append((_draw_curve(ax, fit, along, {other: value}, level, look), points))
    _draw_edge(ax, fit, along)
    small_legend(ax, label_of_column(fit.columns.get(other, other)), together=together)


def _draw_along_flops(fit: Fit, level: float, ax: Axes) -> None:
    look = _Look(COLOURS[0], MARKERS[0], f"{fit.law.name} at the median tokens per parameter")
    flops = count_flops(params=fit.data["params"], tokens=fit.data["tokens"])
    ax.plot(flops, fit.data[_seen(fit)], ".", ms=4, color=GREY, label="runs, at any ratio", zorder=1)
    _draw_curve(ax, fit, "flops", {}, level, look)
    _draw_edge(ax, fit, "flops")
    small_legend(ax)


def _draw_data(ax: Axes, x: pd.Series[float], y: pd.Series[float], look: _Look, label: str) -> Line2D:
    """The points; white rims keep those apart that overlap."""
    return ax.plot(x, y, look.marker, ms=5.5, mfc=look.colour, mec="white", mew=0.5, label=label, zorder=3)[0]


def _draw_curve(ax: Axes, fit: Fit, along: str, at: dict[str, float], level: float, look: _Look) -> Line2D:
    """Solid over the fitted range, dashed from its end on; both parts come from the fit. Returns the solid line."""
    inside = fit.curve(along, at=at, level=level, beyond=1.0)
    far = fit.curve(along, at=at, level=level)
    edge = inside.tail(1)
    outside = pd.concat([edge, far[far[along] > edge[along].iloc[0]]])
    for part in (inside, outside):
        ax.fill_between(part[along], part["low"], part["high"], color=look.colour, alpha=0.18, lw=0, zorder=1)
    ax.plot(outside[along], outside["estimate"], "--", color=look.colour, lw=1.5, label="_nolegend_", zorder=2)
    return ax.plot(inside[along], inside["estimate"], "-", color=look.colour, lw=1.5, label=look.label, zorder=2)[0]


def _draw_edge(ax: Axes, fit: Fit, along: str) -> None:
    edge = fit.curve(along, beyond=1.0, points=2)[along].iloc[-1]
    ax.axvline(edge, ls=":", lw=1.2, color=EDGE, label="edge of the fitted range", zorder=1)


def _draw_runs(fit: Fit, ax: Axes) -> Axes:
    """Seen and fitted values of each run over its steps; at most six runs, so that they can be told apart."""
    rows = fit.residuals
    names = rows["run"].astype(str) if "run" in rows else pd.Series("run", index=rows.index)
    runs = sorted(set(names))
    shown = evenly(runs)
    for run, colour, marker, style in zip(shown, COLOURS, MARKERS, LINES, strict=False):
        own = rows[(names == run).to_numpy()].sort_values("step")
        ax.plot(own["step"], own[_seen(fit)], marker, ms=3, mfc="none", mec=colour, mew=0.6, alpha=0.5, zorder=1)
        ax.plot(own["step"], own["fitted"], ls=style, color=colour, lw=1.5, label=run, zorder=2)
    small_legend(ax, f"{len(shown)} of {len(runs)} runs: marks seen, lines fitted")
    _label(ax, fit, "step", log=False)
    return ax


def _label(ax: Axes, fit: Fit, along: str, *, log: bool) -> None:
    ax.set(
        xscale="log" if log else "linear",
        yscale="log" if fit.problem.objective.on == "log" else "linear",
        xlabel=label_of_column(fit.columns.get(along, along)),
        ylabel=label_of_column(_seen(fit)),
    )
    plain_ticks(ax.yaxis)
