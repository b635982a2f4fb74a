"""Which picture of a fit says most: for its law, and for the runs that it was fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from matplotlib.axes import Axes

from scalefit.errors import FitError, not_one_of
from scalefit.plots.contours import plot_contours
from scalefit.plots.fits import is_of_curves, plot_fit
from scalefit.plots.starts import plot_starts

if TYPE_CHECKING:
    from scalefit.result import Fit

Kind = Literal["curves", "contours", "starts"]
#: Runs of one size that make a curve worth drawing.
FEWEST = 3


def plot_chosen(
    fit: Fit, *, kind: Kind | None = None, along: str | None = None, level: float = 0.9, ax: Axes | None = None
) -> Axes:
    """Draw a fit in the way that says most of its law and data: see :meth:`scalefit.Fit.plot`.

    Raises
    ------
    FitError
        If the kind is unknown, or does not go with ``along``.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.datasets.load("microlm").groupby("run").last()
    >>> plot_chosen(sf.fit(runs[runs.family == "lstm"], "chinchilla"), kind="contours").get_ylabel()
    'training tokens D'
    """
    if kind is not None and kind not in get_args(Kind):
        raise FitError(not_one_of("kind", kind, get_args(Kind)))
    chosen = usual_kind(fit) if kind is None and along is None else kind or "curves"
    if chosen == "curves":
        return plot_fit(fit, along=along, level=level, ax=ax)
    if along is not None:
        raise FitError(f"along goes with kind='curves'; got kind={chosen!r}.")
    return plot_contours(fit, ax=ax) if chosen == "contours" else plot_starts(fit, ax=ax)


def usual_kind(fit: Fit) -> Kind:
    """Contours for a law of size and tokens alone whose runs do not come in ladders of one size, else curves."""
    if is_of_curves(fit) or set(fit.law.inputs) != {"params", "tokens"}:
        return "curves"
    return "curves" if fit.data["params"].value_counts().median() >= FEWEST else "contours"
