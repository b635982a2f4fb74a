"""The lowest point of the loss over the size, for many draws of the losses at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ints = NDArray[np.intp]
Method = Literal["akima", "parabola"]

#: Fewest sizes of a budget.
LEAST_SIZES: dict[Method, int] = {"akima": 4, "parabola": 3}


@dataclass(frozen=True, eq=False)
class Vertices:
    """Lowest points of B curves over one set of sizes.

    Attributes
    ----------
    place : (B,) the log of the best size; where the curve is lowest at its edge, that edge.
    height : (B,) the loss there.
    edge : (B,) whether the curve is lowest at its edge.
    """

    place: Floats
    height: Floats
    edge: Mask


def find_vertices(method: Method, x: Floats, losses: Floats, counts: Floats) -> Vertices:
    """The lowest point of each column of losses.

    Parameters
    ----------
    method : ``"akima"`` of the log of the loss, or ``"parabola"`` of the loss through all rows.
    x : (n,) logs of the sizes, rising.
    losses : (n, B) mean loss of each size.
    counts : (n,) rows behind each mean: a parabola through the means, so weighted, is the one through all rows.
    """
    if method == "akima":
        return _akima(x, losses)
    return _parabola(x, losses, counts)


def curve_of(method: Method, x: Floats, losses: Floats, counts: Floats, at: Floats) -> Floats:
    """The curve of one column of losses (n,) at some logs of sizes (m,)."""
    if method == "akima":
        from scipy.interpolate import Akima1DInterpolator

        return np.asarray(np.exp(Akima1DInterpolator(x, np.log(losses))(at)), float)
    z, middle, half = _scaled(x)
    a, b, c = _coefficients(z, losses[:, None], counts)[:, 0]
    t = (at - middle) / half
    curve: Floats = a + b * t + c * t**2
    return curve


def _akima(x: Floats, losses: Floats) -> Vertices:
    """Exact minima of the cubic pieces, of which the knots are candidates too."""
    from scipy.interpolate import Akima1DInterpolator

    # A draw of the noise may bring a loss near zero: its log is then low, and not an error.
    logs = np.log(np.maximum(losses, np.finfo(float).tiny))
    c3, c2, c1, c0 = Akima1DInterpolator(x, logs, axis=0).c  # (n - 1, B) each
    width = np.diff(x)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(c2**2 - 3 * c3 * c1)
        # The root with rising slope is the minimum; this form of it does not cancel where the cubic term vanishes.
        t = np.where(c2 >= 0, -c1 / (c2 + root), (root - c2) / (3 * c3))
        inside = (t > 0) & (t < width)
        value = np.where(inside, c0 + t * (c1 + t * (c2 + t * c3)), np.inf)
    place = np.concatenate([np.broadcast_to(x[:, None], logs.shape), x[:-1, None] + np.where(inside, t, 0.0)])
    value = np.concatenate([logs, value])
    best = np.argmin(value, axis=0)
    columns = np.arange(logs.shape[1])
    edge = (best == 0) | (best == len(x) - 1)
    return Vertices(place[best, columns], np.exp(value[best, columns]), edge)


def _parabola(x: Floats, losses: Floats, counts: Floats) -> Vertices:
    z, middle, half = _scaled(x)
    a, b, c = _coefficients(z, losses, counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        vertex = -b / (2 * c)
    edge = ~((c > 0) & (np.abs(vertex) <= 1))
    lower = np.where(b <= 0, 1.0, -1.0)  # a parabola is lower at the edge to which it slopes
    t = np.where(edge, lower, vertex)
    return Vertices(middle + half * t, a + b * t + c * t**2, edge)


def _scaled(x: Floats) -> tuple[Floats, float, float]:
    """The sizes between -1 and 1, with the middle and half the width that were taken out."""
    middle, half = float(x[0] + x[-1]) / 2, float(x[-1] - x[0]) / 2
    return (x - middle) / half, middle, half


def _coefficients(z: Floats, losses: Floats, counts: Floats) -> Floats:
    """Of the least-squares parabolas, constant first: (3, B)."""
    root = np.sqrt(counts)[:, None]
    found, *_ = np.linalg.lstsq(np.vander(z, 3, increasing=True) * root, losses * root, rcond=None)
    return np.asarray(found, float)
