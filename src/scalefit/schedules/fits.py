"""Decays fitted to logged rates: where a curve of a known form starts and ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from scalefit.schedules.decays import DecayShape

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A decay of a known form, or its beginning.

    Attributes
    ----------
    shape : str
        ``"linear"``, ``"cosine"``, ``"exp"``, ``"1-sqrt"`` or ``"inverse_sqrt"``.
    start : float
        The step at which it leaves the peak; for forms without a phase of their own where ``peak`` says.
    peak : float
        The rate at ``start``.
    slope : float
        Linear: the fall a step; exp: of the logarithm a step; 1-sqrt: a square root of a step; inverse_sqrt: the
        offset of the step. Without meaning for the cosine.
    length, end : float
        Of the cosine only: steps until its end, and the rate there.
    free : int
        How many numbers were fitted.
    """

    shape: DecayShape | Literal["inverse_sqrt"]
    start: float
    peak: float
    slope: float = 0.0
    length: float = np.nan
    end: float = np.nan
    free: int = 2

    def at(self, steps: npt.ArrayLike) -> Floats:
        """The rate at some steps from the start of the decay on, without regard to its end."""
        after = np.asarray(steps, dtype=np.float64) - self.start
        if self.shape == "linear":
            return self.peak - self.slope * after
        if self.shape == "exp":
            return np.asarray(self.peak * np.exp(-self.slope * after))
        if self.shape == "1-sqrt":
            return np.asarray(self.peak - self.slope * np.sqrt(np.maximum(after, 0)))
        if self.shape == "inverse_sqrt":
            began = self.start + self.slope
            return np.asarray(self.peak * np.sqrt(began / np.maximum(after + began, 1e-300)))
        done = np.clip(after / self.length, 0, 1)
        return np.asarray(self.end + (self.peak - self.end) * (1 + np.cos(np.pi * done)) / 2)

    def where(self, rate: float) -> float:
        """The step at which the curve falls to a rate; infinity if it never does."""
        if self.shape == "linear":
            return self.start + (self.peak - rate) / self.slope
        if self.shape == "exp":
            return self.start + float(np.log(self.peak / rate)) / self.slope if rate > 0 else np.inf
        if self.shape == "1-sqrt":
            return self.start + ((self.peak - rate) / self.slope) ** 2
        return np.inf


def fit_linear(steps: Floats, rates: Floats, *, level: float | None) -> Curve | None:
    """A straight line; with a level before it, from where the two meet."""
    slope, first = _line(steps, rates)
    if slope >= 0:
        return None
    start = float(steps[0]) if level is None else float(steps[0] + (level - first) / slope)
    return Curve("linear", start, first if level is None else level, -slope)


def fit_exp(steps: Floats, rates: Floats, *, level: float | None) -> Curve | None:
    """An exponential; with a level before it, from where the two meet. Rates of 0 do not lie on one."""
    if (rates <= 0).any():
        return None
    slope, first = _line(steps, np.log(rates), weights=rates)
    if slope >= 0:
        return None
    if level is None:
        return Curve("exp", float(steps[0]), float(np.exp(first)), -slope)
    return Curve("exp", float(steps[0] + (np.log(level) - first) / slope), level, -slope)


def fit_inverse_sqrt(steps: Floats, rates: Floats, *, level: float | None) -> Curve | None:
    """One over the square root of the step plus an offset; with a level before it, from where the two meet."""
    if (rates <= 0).any():
        return None
    slope, first = _line(steps, (rates[0] / rates) ** 2, weights=(rates / rates[0]) ** 3)
    offset = first / slope - float(steps[0]) if slope > 1e-300 else -np.inf
    if offset + steps[0] <= 0:
        return None
    scale = float(rates[0]) / np.sqrt(slope)  # the rate is scale / sqrt(step + offset)
    if level is None:
        return Curve("inverse_sqrt", float(steps[0]), scale / np.sqrt(float(steps[0]) + offset), offset)
    return Curve("inverse_sqrt", (scale / level) ** 2 - offset, level, offset)


def fit_root(steps: Floats, rates: Floats, *, level: float | None, earliest: float) -> Curve | None:
    """The peak less a multiple of the square root of the steps since the start."""

    def fitted(start: float) -> tuple[float, float, Floats]:
        root = np.sqrt(np.maximum(steps - start, 0))
        if level is not None:
            slope = float(root @ (level - rates)) / max(float(root @ root), 1e-300)
            return level, slope, level - slope * root - rates
        minus_slope, first = _line(root, rates)
        peak = first - minus_slope * float(root[0])
        return peak, -minus_slope, peak + minus_slope * root - rates

    if level is not None and len(steps) > 1:  # (level - rate)**2 is a line that is zero at the start
        slope, first = _line(steps, (level - rates) ** 2)
        guess = float(steps[0]) - first / slope if slope > 0 else earliest
        grid = np.clip(guess + np.array([-0.5, 0.0, 0.5]), earliest, steps[0] - 1e-9)
    else:
        grid = np.linspace(earliest, float(steps[0]), 40)
    start = _least(lambda at: float(np.sum(fitted(at)[2] ** 2)), grid)
    peak, slope, _ = fitted(start)
    return Curve("1-sqrt", start, peak, slope, free=2 + (level is None)) if slope > 0 else None


def fit_cosine(
    steps: Floats,
    rates: Floats,
    *,
    level: float | None,
    start: float | None = None,
    ratio: float | None = None,
    near: float | None = None,
) -> Curve | None:
    """Half a cosine wave, of which any part may be seen.

    Parameters
    ----------
    steps, rates : array (n,)
        Falling rates.
    level : float or None
        The peak, if a stable phase shows it.
    start : float or None
        Where the wave begins, if that is known; else its phase says.
    ratio : float or None
        The end as a share of the peak, if that is known.
    near : float or None
        A length to look around; None looks at all.

    Returns
    -------
    Curve or None
        None if no wave falls through the rates.
    """
    span = float(steps[-1] - (steps[0] if start is None else start))
    if span <= 0:
        return None

    def fitted(log_length: float) -> tuple[Curve, float]:
        length = float(np.exp(log_length))
        if start is None:
            found = _free_wave(steps, rates, length)
        else:
            found = fit_wave(steps, rates, length=length, start=start, level=level, ratio=ratio)
        return found, float(np.sum((found.at(steps) - rates) ** 2))

    lengths = np.log(span) + np.linspace(-0.01, 5.0, 40) if near is None else np.log(near) + np.linspace(-0.2, 0.2, 5)
    best = fitted(_least(lambda at: fitted(at)[1], lengths))[0]
    return best if best.peak > best.end else None


def _free_wave(steps: Floats, rates: Floats, length: float) -> Curve:
    """The best wave of a length, with any phase and any two ends."""
    middle = (steps[0] + steps[-1]) / 2
    angle = np.pi / length * (steps - middle)
    # 1, sin x and 2 (1 - cos x) become 1, x and x² where little of the wave is seen, so that they stay apart.
    columns = np.column_stack([np.ones_like(angle), np.sin(angle), 2 * (1 - np.cos(angle))])
    base, sine, cosine = np.linalg.lstsq(columns, rates, rcond=None)[0]
    centre, half = base + 2 * cosine, float(np.hypot(sine, 2 * cosine))
    phase = float(np.arctan2(sine, -2 * cosine))
    start = float(middle + phase * length / np.pi)
    return Curve("cosine", start, float(centre + half), length=length, end=float(centre - half), free=4)


def fit_wave(
    steps: Floats, rates: Floats, *, length: float, start: float, level: float | None, ratio: float | None = None
) -> Curve:
    """The best wave of a length and a start; ``level`` and ``ratio`` as for :func:`fit_cosine`."""
    wave = (1 + np.cos(np.pi * np.clip((steps - start) / length, 0, 1))) / 2
    if ratio is not None:
        form = ratio + (1 - ratio) * wave
        peak = level if level is not None else float(form @ rates / (form @ form))
        return Curve("cosine", start, peak, length=length, end=ratio * peak, free=1 + (level is None))
    fall = 1 - wave
    if level is not None:
        size = float(fall @ (level - rates) / max(float(fall @ fall), 1e-300))
        return Curve("cosine", start, level, length=length, end=level - size, free=2)
    size, peak = _line(fall, rates)
    peak -= size * float(fall[0])
    return Curve("cosine", start, peak, length=length, end=peak + size, free=3)


def _line(x: Floats, y: Floats, weights: Floats | None = None) -> tuple[float, float]:
    """Slope of the best line, and its value at the first x."""
    if len(x) < 2 or x[0] == x[-1]:
        return 0.0, float(y[0])
    w = np.full(len(y), 1 / len(y)) if weights is None else weights**2 / np.sum(weights**2)
    centre, height = float(w @ x), float(w @ y)
    away = w * (x - centre)
    slope = float(away @ (y - height)) / max(float(away @ (x - centre)), 1e-300)
    return slope, height + slope * (float(x[0]) - centre)


def _least(height: Callable[[float], float], grid: Floats) -> float:
    """Where a function of one number is least, near the best point of a grid."""
    from scipy.optimize import minimize_scalar  # here: `import scalefit` must not load scipy

    grid = np.unique(grid)
    best = int(np.argmin([height(float(at)) for at in grid]))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])
    if low == high:
        return low
    found = minimize_scalar(height, bounds=(low, high), method="bounded", options={"xatol": 1e-12, "maxiter": 200})
    return float(found.x) if found.fun <= height(float(grid[best])) else float(grid[best])
