"""Where the starts of a fit ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from scalefit.errors import FitError
from scalefit.plots.axes import COLOURS, MARKERS, note, paper, soft_ink, take_axes
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend

if TYPE_CHECKING:
    from scalefit.result import Fit

X, Y = "start, the best first", "objective above the best (share of it)"


def plot_starts(fit: Fit, *, ax: Axes | None = None) -> Axes:
    """Draw how far above the best objective each start ended: starts that agree are full and stand at the bottom.

    Where few agree, the best minimum may have been found by luck: give more starts. Other levels are other minima.

    Parameters
    ----------
    fit : Fit
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes

    Raises
    ------
    FitError
        If the fit was loaded from a file that does not hold where its starts ended.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> plot_starts(sf.fit(runs[runs.family == "lstm"], "chinchilla")).get_xlabel()
    'start, the best first'
    """
    from scalefit.decisions.start_ends import AGREED, start_ends

    told = start_ends(fit)
    if not len(told):
        raise FitError("This fit does not hold where its starts ended: fit the runs again with sf.fit.")
    ax = take_axes(ax)
    ax.set_yscale("symlog", linthresh=AGREED)
    found = told[np.isfinite(told.above)]
    agree, others = found[found.agrees], found[~found.agrees]
    ax.plot(agree["rank"], agree.above, MARKERS[0], color=COLOURS[0], ms=5, label=f"{len(agree)} agree")
    if len(others):
        ax.plot(others["rank"], others.above, MARKERS[1], mfc=paper(ax), mec=COLOURS[1], mew=1.2, ms=5,
                label=f"{len(others)} ended higher")  # fmt: skip
    lost = told[~np.isfinite(told.above)]
    if len(lost):
        ax.plot([], [], "x", color=COLOURS[1], label=f"{len(lost)} found nothing")
    ax.axhline(AGREED, ls=":", lw=1.2, color=soft_ink(ax), label="agreement")
    ax.set(xlabel=X, ylabel=Y, ylim=(-0.3 * AGREED, max(found.above.max() * 3, 10 * AGREED)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    note(ax, f"{fit.judgement.agreeing} of {fit.judgement.starts} starts agree")
    small_legend(ax)
    fit_labels(ax)
    return ax
