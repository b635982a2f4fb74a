"""Numbers on axes: round ones where powers of ten would be too few, and none that run into each other."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from scalefit.plots.axes import power_number, short_number

#: A log axis that spans no more has 1, 2, 5, 10, … written out, if they are not too small.
FEW, SMALLEST = 150.0, 1e-4
#: Up to here a number is written out.
LONGEST = 1e4


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
        return
    few = high < 10 * low
    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]) if few else LogLocator(subs=(1.0, 2.0, 5.0)))
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
