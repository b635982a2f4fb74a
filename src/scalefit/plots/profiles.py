"""How the fit worsens as one quantity is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from scalefit.errors import FitError, not_one_of
from scalefit.plots.axes import COLOURS, soft_ink, take_axes
from scalefit.plots.labels import fit_labels
from scalefit.plots.legends import small_legend
from scalefit.plots.lines import draw_edges

if TYPE_CHECKING:
    from scalefit.decisions.profiles import Profile

STATISTIC = "statistic (F above the line)"


def plot_profile(profile: Profile, of: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the statistic along one quantity; its interval is where the curve lies below the threshold.

    Parameters
    ----------
    profile : Profile
    of : one of its quantities; None takes the first.
    ax : matplotlib Axes; None takes the current ones if they are empty, else new ones.

    Returns
    -------
    Axes

    Raises
    ------
    FitError
        If ``of`` is not among the quantities that were profiled.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> fit = sf.fit(runs[runs.family == "lstm"], "chinchilla")
    >>> plot_profile(sf.profile(fit, "alpha")).get_xlabel()
    'alpha'
    """
    known = list(profile.intervals.index)
    of = known[0] if of is None else of
    if of not in known:
        raise FitError(not_one_of("of", of, known))
    ax = take_axes(ax)
    rows = profile.frame[profile.frame["quantity"] == of]
    ax.plot(rows["value"], rows["statistic"], "o-", ms=3, lw=1.2, color=COLOURS[0], label="profile")
    ax.axhline(
        profile.threshold, ls=(0, (1, 1)), lw=1, color=soft_ink(ax), label=f"threshold of {100 * profile.level:g} %"
    )
    draw_edges(ax, [profile.intervals["estimate"].to_dict()[of]], "estimate")
    low, high = (profile.intervals[end].to_dict()[of] for end in ("low", "high"))
    ends = (
        rows["value"].min() if not np.isfinite(low) else low,
        rows["value"].max() if not np.isfinite(high) else high,
    )
    ax.axvspan(*ends, color=COLOURS[0], alpha=0.1, lw=0, label="inside")
    ax.set(xlabel=of, ylabel=STATISTIC, yscale="linear", ylim=(0, None))
    small_legend(ax)
    fit_labels(ax)
    return ax
