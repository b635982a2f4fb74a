"""Several fits side by side."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from scalefit.errors import FitError
from scalefit.plots.fits import plot_fit
from scalefit.plots.targets import plot_targets
from scalefit.plots.ticks import plain_ticks
from scalefit.result import Fit

PANEL = (5.2, 4.4)  # inches


def plot_fits(
    fits: Mapping[str, Fit],
    *,
    along: str | None = None,
    level: float = 0.9,
    targets: Mapping[str, pd.DataFrame] | None = None,
) -> Figure:
    """One panel a fit, with a shared axis of the loss.

    Parameters
    ----------
    fits : mapping of title to Fit
    along : str, optional
        As for :func:`scalefit.plot_fit`.
    level : float in (0, 1)
        Of the band.
    targets : mapping of title to DataFrame, optional
        What ``fit.predict`` returned for runs that were not fitted, with the loss that was seen, drawn over the fit;
        runs of a law of params and tokens.

    Returns
    -------
    Figure
        Not registered with pyplot: show or save it.

    Raises
    ------
    FitError
        If there are no fits.
    """
    if not fits:
        raise FitError("plot_fits needs at least one fit: plot_fits({'transformer': fit}).")
    figure = Figure(figsize=(PANEL[0] * len(fits), PANEL[1]), layout="constrained")
    panels = figure.subplots(1, len(fits), sharey=True, squeeze=False)[0]
    for ax, (title, fit) in zip(panels, fits.items(), strict=True):
        if targets and title in targets:  # before the fit, whose legend then names them
            plot_targets(targets[title], along=along or "tokens", by="params", seen=fit.target, ax=ax)
        plot_fit(fit, along=along, level=level, ax=ax)
        ax.set_title(title)
    for ax in panels:  # at the end, because a shared axis takes its ticks from the panel drawn last
        plain_ticks(ax.yaxis)
    return figure
