"""A fit beside its data: curve, band, the edge of what was fitted, dashed beyond it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from scalefit.errors import FitError, not_one_of
from scalefit.plots.axes import (
    GREY,
    Look,
    evenly,
    free_looks,
    is_compute,
    label_of_column,
    looks,
    paper,
    short_number,
    spread_picks,
    take_axes,
)
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import draw_band, draw_curve, draw_edges
from scalefit.plots.stacks import panels_below
from scalefit.plots.ticks import plain_ticks
from scalefit.runs.flops import count_flops

if TYPE_CHECKING:
    from scalefit.result import Fit

#: Heights of the panels of residuals and rates under training curves.
BELOW = 0.5
#: What residuals are, by the scale of the objective.
RESIDUALS = {"log": "ln (fitted / seen)", "logit": "logit fitted \N{MINUS SIGN} logit seen"}


def plot_fit(fit: Fit, *, along: str | None = None, level: float = 0.9, ax: Axes | None = None) -> Axes:
    """Draw data, fitted curve and band, with a line where the data end; the curve is dashed beyond it.

    A law of one input gives one curve. A law of more gives up to six, at values of another input that were fitted.
    A law of training curves is drawn run by run over the steps that were seen, with residuals and rates under it.

    Parameters
    ----------
    fit : Fit
    along : an input of the law, or ``"flops"`` for a law of params and tokens (at the median tokens per parameter).
        None: the only input, ``tokens`` where it is an input, else the second; ``step`` for training curves.
    level : float in (0, 1), of the band of the law's mean.
    ax : matplotlib Axes
        None takes the current ones if they are empty, else those of a new figure. What stands on axes that are given
        stays: a second fit is drawn over the first in colours that are free.

    Returns
    -------
    Axes
        For training curves, that of the losses; ``ax.child_axes`` are those of residuals and rates.

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
    if is_of_curves(fit):
        if along not in (None, "step"):
            raise FitError(f"along: {fit.law.name} follows from schedules and is drawn along 'step'; got {along!r}.")
        return _draw_runs(fit, take_axes(ax))
    along = along or _usual_input(fit)
    others = [name for name in fit.law.inputs if name != along]
    compute = along == "flops" and along not in fit.law.inputs and set(others) == {"params", "tokens"}
    if along not in fit.law.inputs and not compute:
        raise FitError(not_one_of("along", along, fit.law.inputs))
    column = fit.columns.get(along, along)
    x, y = label_of_column(column), label_of_column(seen_column(fit))
    ax = take_axes(ax)
    logs = bool((fit.data[along] > 0).all()) if along in fit.data else True
    ax.set(xscale="log" if logs else "linear", yscale="log" if fit.problem.objective.on == "log" else "linear")
    ax.set(xlabel=x, ylabel=y)
    draw_edges(ax, [float(fit.curve(along, beyond=1.0, points=2)[along].iloc[-1])], "edge of the fitted range")
    title, together = None, list[tuple[Artist, ...]]()
    if compute:
        _draw_along_flops(fit, level, ax)
    elif not others:
        look = free_looks(ax, 1)[0]
        _draw_data(ax, fit.data[along], fit.data[seen_column(fit)], look, "runs")
        _draw_curve(ax, fit, along, {}, level, look, fit.law.name)
    else:
        title = label_of_column(fit.columns.get(others[0], others[0]))
        together = _draw_family(fit, along, others[0], level, ax)
    plain_ticks(ax.yaxis)
    plain_ticks(ax.xaxis, compute=is_compute(column))
    small_legend(ax, title, together=together)
    fit_labels(ax)
    return ax


def is_of_curves(fit: Fit) -> bool:
    """Whether the law is one of training curves, and the data hold steps."""
    return fit.law.derive is not None and "step" in fit.data


def seen_column(fit: Fit) -> str:
    """The column of what was seen."""
    return fit.columns.get(fit.target, fit.target)


def residual_label(fit: Fit) -> str:
    """What a residual is, with its unit."""
    on = fit.problem.objective.on
    return RESIDUALS.get(on, f"fitted \N{MINUS SIGN} seen: {label_of_column(seen_column(fit))}")


def run_names(rows: pd.DataFrame) -> pd.Series[str]:
    """The name of the run of each row; one for all where there is no such column."""
    return rows["run"].astype(str) if "run" in rows else pd.Series("run", index=rows.index)


def _usual_input(fit: Fit) -> str:
    inputs = fit.law.inputs
    return "tokens" if "tokens" in inputs else inputs[min(1, len(inputs) - 1)]


def _draw_family(fit: Fit, along: str, other: str, level: float, ax: Axes) -> list[tuple[Artist, ...]]:
    """One curve per picked value of another input; runs at values that were not picked stay in the background."""
    written = fit.data[other].map(short_number)
    picks = spread_picks(fit.data[other])
    rest = fit.data[~written.isin(list(picks))]
    if len(rest):
        ax.plot(rest[along], rest[seen_column(fit)], ".", ms=3, color=GREY, alpha=0.6, label="other runs", zorder=1)
    together: list[tuple[Artist, ...]] = []
    for (text, value), look in zip(picks.items(), free_looks(ax, len(picks)), strict=True):
        own = fit.data[written == text]
        line = _draw_curve(ax, fit, along, {other: value}, level, look, text)
        together.append((line, _draw_data(ax, own[along], own[seen_column(fit)], look, "_nolegend_")))
    return together


def _draw_along_flops(fit: Fit, level: float, ax: Axes) -> None:
    flops = count_flops(params=fit.data["params"], tokens=fit.data["tokens"])
    ax.plot(flops, fit.data[seen_column(fit)], ".", ms=4, color=GREY, label="runs, at any ratio", zorder=1)
    name = f"{fit.law.name} at the median tokens per parameter"
    _draw_curve(ax, fit, "flops", {}, level, free_looks(ax, 1)[0], name)


def _draw_data(ax: Axes, x: pd.Series[float], y: pd.Series[float], look: Look, label: str) -> Line2D:
    """The points; rims in the colour of the background keep those apart that overlap."""
    return ax.plot(x, y, look.marker, ms=5.5, color=look.colour, mec=paper(ax), mew=0.5, label=label, zorder=3)[0]


def _draw_curve(
    ax: Axes, fit: Fit, along: str, at: Mapping[str, float], level: float, look: Look, label: str
) -> Line2D:
    """Solid over the fitted range, dashed from its end on; both parts come from the fit. Returns the solid line."""
    inside = fit.curve(along, at=at, level=level, beyond=1.0)
    far = fit.curve(along, at=at, level=level)
    edge = inside.tail(1)
    outside = pd.concat([edge, far[far[along] > edge[along].iloc[0]]])
    for part in (inside, outside):
        draw_band(ax, part[along], part["low"], part["high"], look.colour)
    ax.plot(outside[along], outside["estimate"], "--", color=look.colour, lw=1.5, label="_nolegend_", zorder=2)
    return ax.plot(inside[along], inside["estimate"], "-", color=look.colour, lw=1.5, label=label, zorder=2)[0]


def _draw_runs(fit: Fit, ax: Axes) -> Axes:
    """Seen and fitted values of each run, residuals and rates; at most six runs, so that they can be told apart."""
    rows = fit.residuals
    names = run_names(rows)
    runs = sorted(set(names))
    shown = evenly(runs)
    ax.set(yscale="log" if fit.problem.objective.on == "log" else "linear", ylabel=label_of_column(seen_column(fit)))
    ax.set_xlabel(label_of_column("step"))
    rates = ["lr"] if "lr" in rows else []
    residuals, *under = panels_below(ax, [BELOW] * (1 + len(rates)))
    residuals.axhline(0, lw=0.8, color=GREY, zorder=0)
    residuals.set_ylabel(residual_label(fit), fontsize="small")
    for run, look in zip(shown, looks(len(shown)), strict=True):
        own = rows[(names == run).to_numpy()].sort_values("step")
        seen, colour = own[seen_column(fit)], look.colour
        ax.plot(own["step"], seen, look.marker, ms=3, mfc="none", mec=colour, mew=0.6, alpha=0.5, zorder=1)
        draw_curve(ax, own["step"], own["fitted"], look, label=run)
        draw_curve(residuals, own["step"], own["residual"], look, lw=1, noisy=True)
        for panel in under:
            draw_curve(panel, own["step"], own["lr"], look, lw=1.2)
            panel.set_ylabel(label_of_column("lr"), fontsize="small")
    bottom = [residuals, *under][-1]
    bottom.set_xlabel(label_of_column("step"))
    ax.xaxis.label.set_visible(False)
    plain_ticks(ax.yaxis)
    small_legend(ax, f"{len(shown)} of {len(runs)} runs: marks seen, lines fitted")
    fit_labels(ax)
    return ax
