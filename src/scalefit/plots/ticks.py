"""Numbers on axes: round ones where powers of ten would be too few, and none that run into each other."""

from __future__ import annotations

import re
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullFormatter, NullLocator

from scalefit.plots.axes import power_number, short_number

#: A log axis that spans no more has 1, 2, 5, 10, … written out, if they are not too small.
FEW, SMALLEST = 150.0, 1e-4
#: Up to here a number is written out.
LONGEST = 1e4
#: Height of a line of numbers and width of a digit, as shares of the size of the letters.
TALL, WIDE = 1.1, 0.62
#: Powers of ten on one axis at most.
MOST = 9
_SIGNS = re.compile(r"\\mathdefault|[${}^]")


def _letters(written: str) -> int:
    """How many letters of the usual size a number is wide: a power of ten has its exponent in smaller ones."""
    return len(_SIGNS.sub("", written))


class Apart(Locator):
    """The places of another locator, without those whose numbers would run into the one before, at any size.

    Parameters
    ----------
    of : the other locator.
    """

    def __init__(self, of: Locator) -> None:
        self.of = of

    def set_axis(self, axis: Any) -> None:
        """Know the axis, as the other locator does."""
        super().set_axis(axis)
        self.of.set_axis(axis)

    def __call__(self) -> list[float]:
        """The places that are kept, of those in view."""
        axis: Any = self.axis
        low, high = sorted(axis.get_view_interval())
        places = [float(place) for place in self.of() if low <= place <= high]
        tall, letter = axis.axis_name == "y", axis.get_major_ticks(1)[0].label1.get_fontsize()
        letter *= axis.axes.figure.dpi / 72
        kept, end = list[float](), float("-inf")
        for place in places:
            pixel = float(axis.axes.transData.transform((place, place))[1 if tall else 0])
            half = letter * (TALL if tall else WIDE * (_letters(axis.get_major_formatter()(place)) + 1)) / 2
            if pixel - half >= end:
                kept.append(place)
                end = pixel + half
        return kept

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """All places of the other locator."""
        return self.of.tick_values(vmin, vmax)


def plain_ticks(axis: Axis, *, compute: bool = False) -> None:
    """Round numbers on a log axis of few decades, which powers of ten would leave bare; no labels of minor ticks.

    Parameters
    ----------
    axis : matplotlib Axis, with its final limits.
    compute : whether large numbers are written as powers of ten, as FLOP are, and not with M or B.
    """
    if axis.get_scale() != "log":
        return
    low, high = axis.get_view_interval()
    axis.set_minor_formatter(NullFormatter())
    if low < SMALLEST or high > FEW * low:
        if isinstance(axis, XAxis):
            # A number that follows the width of the axes would leave no layout at rest.
            axis.set_major_locator(Apart(LogLocator(numticks=MOST)))
        return
    few = high < 10 * low
    round_ones = MaxNLocator(nbins=6, steps=[1, 2, 5, 10]) if few else LogLocator(subs=(1.0, 2.0, 5.0))
    axis.set_major_locator(Apart(round_ones))
    axis.set_minor_locator(NullLocator())

    def written(value: float, _: object = None) -> str:
        if value < LONGEST:
            return f"{value:.6g}"
        return power_number(value) if compute else short_number(value)

    axis.set_major_formatter(FuncFormatter(written))


def tidy_ticks(ax: Axes, *, compute: bool = False) -> None:
    """Both axes; ``compute`` is of the horizontal one."""
    plain_ticks(ax.xaxis, compute=compute)
    plain_ticks(ax.yaxis)
