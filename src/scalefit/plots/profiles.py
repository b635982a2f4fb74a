"""How the fit worsens as one quantity is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from scalefit.errors import FitError, not_one_of
from scalefit.plots.axes import COLOURS, EDGE, axes_or_current, small_legend

if TYPE_CHECKING:
    from scalefit.decisions.profiles import Profile


def plot_profile(profile: Profile, of: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the statistic along one quantity; its interval is where the curve lies below the threshold.

    Parameters
    ----------
    profile : Profile
    of : one of its quantities; None takes the first.
    ax : matplotlib Axes; None takes the current ones.

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
    ax = axes_or_current(ax)
    known = list(profile.intervals.index)
    of = known[0] if of is None else of
    if of not in known:
        raise FitError(not_one_of("of", of, known))
    rows = profile.frame[profile.frame["quantity"] == of]
    ax.plot(rows["value"], rows["statistic"], "o-", ms=3, lw=1.2, color=COLOURS[0], label="profile")
    ax.axhline(profile.threshold, ls="--", lw=1, color=EDGE, label=f"threshold of {100 * profile.level:g} %")
    ax.axvline(profile.intervals["estimate"].to_dict()[of], ls=":", lw=1.2, color=EDGE, label="estimate")
    low, high = (profile.intervals[end].to_dict()[of] for end in ("low", "high"))
    ends = (
        rows["value"].min() if not np.isfinite(low) else low,
        rows["value"].max() if not np.isfinite(high) else high,
    )
    ax.axvspan(*ends, color=COLOURS[0], alpha=0.1, lw=0, label="inside")
    ax.set(xlabel=of, ylabel="statistic (F above the line)", yscale="linear", ylim=(0, None))
    small_legend(ax)
    return ax
