"""The cells of the coverage study: designs, noises, truths and methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import scalefit as sf

TRUTH = {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658}
SIZES, RATIOS, RATIO = (1e7, 1e10), (2.0, 200.0), 20.0
#: Sizes and ratios of tokens to parameters in a design of so many runs.
GRIDS = {12: (4, 3), 40: (8, 5), 240: (20, 12)}
LARGEST = 6 * SIZES[1] ** 2 * RATIOS[1]
FACTORS = (10, 100, 1000)
#: The hidden term: this share of the reducible loss in the middle of the design, falling with this power of params.
#: Three decades of sizes make it 0.24 nats at the smallest, where a fit can hide it in A and alpha, at the price of E.
HIDDEN_SHARE, HIDDEN_POWER = 0.02, 0.8
#: Resamples of each law of a forecast; its cost is that of its back-test.
FORECAST_DRAWS = 100


def grid(n: int) -> pd.DataFrame:
    """``n`` runs: sizes on ratios of tokens to parameters, both spaced evenly on the log."""
    sizes, ratios = (np.geomspace(*ends, count) for ends, count in zip((SIZES, RATIOS), GRIDS[n], strict=True))
    params, ratio = (axis.ravel() for axis in np.meshgrid(sizes, ratios))
    return pd.DataFrame({"params": params, "tokens": params * ratio})


def checkpoints(n: int) -> pd.DataFrame:
    """The same runs, each seen at a quarter, a half and the whole of its tokens."""
    runs = grid(n)
    rows = [runs.assign(run=[f"run {k}" for k in range(n)], tokens=runs["tokens"] * part) for part in (0.25, 0.5, 1)]
    table = pd.concat(rows, ignore_index=True)
    return table.assign(step=np.repeat([1, 2, 4], n))


def points() -> pd.DataFrame:
    """Models of 20 tokens per parameter with 10, 100 and 1,000 times the compute of the largest run."""
    flops = LARGEST * np.array(FACTORS, float)
    params = np.sqrt(flops / (6 * RATIO))
    table = pd.DataFrame({"params": params, "tokens": RATIO * params}, index=[f"{factor}x" for factor in FACTORS])
    return table


NOISES: Mapping[str, sf.Noise] = {
    "gaussian": sf.Noise(0.01),
    "heavy": sf.Noise(0.01, degrees=3),
    "seeds": sf.Noise(0.003, shared=0.01),
    "uneven": sf.Noise(0.02, along="params", sd_end=0.005),
}
NOISE_WORDS = {
    "gaussian": "Gaussian, 1 %",
    "heavy": "heavy-tailed: Student's t of 3 degrees with a standard deviation of 1 %",
    "seeds": "seeds: 1 % shared by the three checkpoints of a run, 0.3 % besides",
    "uneven": "uneven: Gaussian, 2 % for the smallest models to 0.5 % for the largest",
}


@sf.define_derived(unit="parameters")
def params_optimal(A: Any, alpha: Any, B: Any, beta: Any, H: Any, eta: Any, *, flops: Any) -> Any:
    """The number of parameters that is best for a compute budget of 6 N D, by bisection."""
    flops = np.asarray(flops, float)
    low, high = np.zeros(flops.shape), np.log(flops / 6)
    for _ in range(100):
        n = (low + high) / 2
        N, D = np.exp(n), flops / 6 / np.exp(n)
        rising = beta * B / D**beta - alpha * A / N**alpha - eta * H / N**eta > 0
        low, high = np.where(rising, low, n), np.where(rising, n, high)
    return np.exp(low)


@sf.define_law(
    inputs=("params", "tokens"),
    params=(
        sf.floor("E"),
        sf.scale("A"),
        sf.exponent("alpha"),
        sf.scale("B"),
        sf.exponent("beta"),
        sf.scale("H"),
        sf.exponent("eta"),
    ),
    linear=("E", "A", "B", "H"),
    derived=(params_optimal,),
)
def hidden_term(N: Any, D: Any, E: Any, A: Any, alpha: Any, B: Any, beta: Any, H: Any, eta: Any) -> Any:
    """Chinchilla with a third power term."""
    return E + A / N**alpha + B / D**beta + H / N**eta


def hidden_truth() -> tuple[sf.Law, dict[str, float]]:
    """The law that is true where chinchilla is wrong, and its values."""
    middle = np.sqrt(SIZES[0] * SIZES[1])
    reducible = TRUTH["A"] / middle ** TRUTH["alpha"] + TRUTH["B"] / (RATIO * middle) ** TRUTH["beta"]
    return hidden_term, {**TRUTH, "H": HIDDEN_SHARE * reducible * middle**HIDDEN_POWER, "eta": HIDDEN_POWER}


def forecast(runs: pd.DataFrame, at: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The library's own forecast with its defaults, but for the number of draws."""
    return sf.forecast(runs, at, draws=FORECAST_DRAWS, rng=rng).frame


@dataclass(frozen=True)
class Cell:
    """One cell of the study.

    Parameters
    ----------
    right : whether the law that is fitted is the true one.
    noise : a key of ``NOISES``.
    n : runs.
    forecasts : whether :func:`scalefit.forecast` is judged too.
    alarms : whether warnings are counted, and intervals are those that cost nothing.
    """

    right: bool
    noise: str
    n: int
    forecasts: bool = False
    alarms: bool = False

    @property
    def name(self) -> str:
        """What the cell is called on the command line and in the store."""
        return f"{'right' if self.right else 'wrong'}-{self.noise}-{self.n}{self.suffix}"

    @property
    def suffix(self) -> str:
        """What tells cells of other methods apart."""
        return "-forecast" if self.forecasts else "-alarms" if self.alarms else ""

    def simulate(self, first: int, n_sims: int, draws: int) -> sf.Coverage:
        """Some of the simulations of the cell; the same for the same numbers."""
        return sf.coverage(
            "chinchilla",
            checkpoints(self.n) if self.noise == "seeds" else grid(self.n),
            NOISES[self.noise],
            truth=TRUTH if self.right else hidden_truth(),
            at=points(),
            derived={"params_optimal": {"flops": [LARGEST * FACTORS[0]]}},
            new_runs=not self.right,
            method=self.methods,
            forecast={"forecast": forecast} if self.forecasts else None,
            alarms=ALARMS if self.alarms else None,
            draws=draws,
            n_sims=n_sims,
            first=first,
            rng=20250,
        )

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods of one law: all where they are cheap."""
        if self.alarms:
            return ("covariance",)
        if self.forecasts:
            return ("bootstrap",)
        return ("bootstrap", "covariance", "bca") if self.right and self.n <= 40 else ("bootstrap", "covariance")


def lacks_fit(fit: sf.Fit) -> bool:
    """Whether the library warns that the law does not fit these runs."""
    return bool(sf.lack_of_fit(fit).warns)


#: Warnings whose rates are counted: false alarms where the law is right, hits where it is wrong.
ALARMS: Mapping[str, Callable[[sf.Fit], bool]] = {"lack of fit": lacks_fit}

RIGHT = [Cell(True, noise, n) for noise in NOISES for n in GRIDS]
WRONG = [Cell(False, "gaussian", n) for n in GRIDS]
FORECAST = [Cell(False, "gaussian", n, forecasts=True) for n in (40, 240)]
WARNED = [Cell(cell.right, cell.noise, cell.n, alarms=True) for cell in (*RIGHT, *WRONG)]
CELLS: Mapping[str, Cell] = {cell.name: cell for cell in (*RIGHT, *WRONG, *FORECAST, *WARNED)}
