"""The cells of the crossover study: pairs of families that cross inside the data, beyond them, or never."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

import scalefit as sf
from scalefit.decisions.frontier import best_split
from scalefit.decisions.spending import Cost

LAW = sf.get_law("chinchilla")
#: The first family: Besiroglu et al. 2024.
FIRST = {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658}
#: Forty runs of each family.
SIZES, RATIOS, SHAPE = (1e7, 1e9), (4.0, 100.0), (8, 5)
#: Where terms are held equal while exponents change, and the size along tokens.
SIZE, TOKENS = 1e8, 2e9

Along = Literal["flops", "tokens"]
Place = Literal["inside", "10x beyond", "never"]


def design() -> pd.DataFrame:
    """Sizes on ratios of tokens to parameters."""
    sizes, ratios = (np.geomspace(*ends, count) for ends, count in zip((SIZES, RATIOS), SHAPE, strict=True))
    params, ratio = (axis.ravel() for axis in np.meshgrid(sizes, ratios))
    return pd.DataFrame({"params": params, "tokens": params * ratio})


DESIGN = design()
ENDS: dict[Along, tuple[float, float]] = {
    "flops": (6 * SIZES[0] ** 2 * RATIOS[0], 6 * SIZES[1] ** 2 * RATIOS[1]),
    "tokens": (SIZES[0] * RATIOS[0], SIZES[1] * RATIOS[1]),
}


@dataclass(frozen=True)
class Cell:
    """Pairs of families with one truth.

    Attributes
    ----------
    shape : how the second family differs from the first, and by ``size`` how much.
    noise : the standard deviation of the log of the loss.
    """

    along: Along
    place: Place
    shape: str
    size: float
    noise: float

    @property
    def name(self) -> str:
        return f"{self.along}, {self.place}, {self.shape} {self.size:g}, noise {100 * self.noise:g} %"

    @property
    def crossing(self) -> float | None:
        """Where the two truly cross."""
        low, high = ENDS[self.along]
        return {"inside": float(np.sqrt(low * high)), "10x beyond": 10 * high, "never": None}[self.place]

    @cached_property
    def second(self) -> dict[str, float]:
        """The second family."""
        out = differing(self.shape, self.size)
        low = ENDS[self.along][0]
        wanted = low / 1e5 if self.shape == "diverging" else self.crossing
        return out if wanted is None else crossing_at(out, self.along, wanted)

    @property
    def gaps(self) -> tuple[float, float]:
        """How far the second lies above the first at the ends of the data, in percent."""
        ends = np.array(ENDS[self.along])
        a, b = (curve(values, self.along, ends) for values in (FIRST, self.second))
        return tuple(100 * (b / a - 1))

    @property
    def question(self) -> dict[str, object]:
        """What is asked."""
        return {"along": "flops"} if self.along == "flops" else {"along": "tokens", "at": {"params": SIZE}}


def differing(shape: str, size: float) -> dict[str, float]:
    """The first family with something changed."""
    out = dict(FIRST)
    if shape in ("steeper", "diverging"):
        out |= {"alpha": FIRST["alpha"] * (1 + size), "A": FIRST["A"] * SIZE ** (FIRST["alpha"] * size)}
    if shape in ("steeper", "diverging", "steeper in data"):
        out |= {"beta": FIRST["beta"] * (1 + size), "B": FIRST["B"] * TOKENS ** (FIRST["beta"] * size)}
    if shape == "lower floor":
        out["E"] -= size
    if shape == "higher floor":
        out["E"] += size
    if shape == "parallel":
        out |= {"A": FIRST["A"] * (1 + size), "B": FIRST["B"] * (1 + size)}
    return out


def curve(values: dict[str, float], along: Along, places: np.ndarray) -> np.ndarray:
    """A family along what is asked."""
    theta = np.array([[values[name] for name in LAW.param_names]])
    if along == "flops":
        return best_split(LAW, theta, places, cost=Cost.of(None), sizes=SIZES).loss[0]
    return LAW.value(theta, (np.full(len(places), SIZE), places))[0]


def crossing_at(values: dict[str, float], along: Along, wanted: float) -> dict[str, float]:
    """A family with its reducible loss scaled so that it crosses the first at a place."""
    place = np.array([wanted])
    aim = curve(FIRST, along, place)[0]
    low, high = -4.0, 4.0
    for _ in range(80):
        middle = (low + high) / 2
        tried = values | {name: values[name] * np.exp(middle) for name in ("A", "B")}
        low, high = (middle, high) if curve(tried, along, place)[0] < aim else (low, middle)
    return values | {name: values[name] * np.exp(low) for name in ("A", "B")}


CELLS = {
    cell.name: cell
    for cell in (
        Cell("flops", "inside", "steeper", 0.15, 0.01),
        Cell("flops", "inside", "steeper", 0.05, 0.005),
        Cell("flops", "inside", "lower floor", 0.15, 0.01),
        Cell("flops", "inside", "lower floor", 0.04, 0.005),
        Cell("tokens", "inside", "lower floor", 0.15, 0.01),
        Cell("tokens", "inside", "steeper in data", 0.15, 0.005),
        Cell("flops", "10x beyond", "steeper", 0.15, 0.005),
        Cell("flops", "10x beyond", "lower floor", 0.15, 0.01),
        Cell("flops", "10x beyond", "lower floor", 0.05, 0.005),
        Cell("tokens", "10x beyond", "lower floor", 0.15, 0.005),
        Cell("flops", "never", "same", 0.0, 0.01),
        Cell("flops", "never", "parallel", 0.01, 0.01),
        Cell("flops", "never", "parallel", 0.03, 0.005),
        Cell("flops", "never", "higher floor", 0.02, 0.005),
        Cell("flops", "never", "higher floor", 0.1, 0.01),
        Cell("flops", "never", "diverging", 0.1, 0.005),
        Cell("tokens", "never", "same", 0.0, 0.005),
        Cell("tokens", "never", "parallel", 0.03, 0.01),
        Cell("tokens", "never", "higher floor", 0.1, 0.005),
    )
}
