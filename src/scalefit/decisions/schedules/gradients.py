"""The final loss of a schedule by sums over every step, and its exact derivative by every rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from scalefit.errors import LawError, listing
from scalefit.fitting.problem import Array
from scalefit.law import Law
from scalefit.laws import get_law

#: Rates (T + 1,) of each step, all above zero -> the loss at the last one and its derivative by each rate.
FinalLoss = Callable[[Array], tuple[float, Array]]


def final_loss(law: Law, values: Mapping[str, float], at: Mapping[str, float]) -> FinalLoss:
    """The final loss as a function of all rates, for the laws whose derivative is known here.

    Raises
    ------
    LawError
        If it is not known.
    """
    if law.name not in _KNOWN or law.function is not get_law(law.name).function:
        raise LawError(
            f"optimize_schedule knows the derivative by the rates of {listing(_KNOWN, last='and')}; not of {law.name}. "
            f"For any law of training curves, compare_schedules and best_decay choose among schedules that you name."
        )
    assert law.derive is not None
    loud = _KNOWN[law.name]({**values, **at}, dict(law.derive.settings))

    def loss(rates: Array) -> tuple[float, Array]:
        with np.errstate(all="ignore"):
            return loud(rates)

    return loss


def _forward(rates: Array, values: Mapping[str, float]) -> tuple[float, float]:
    """The power of the area under the rate, and its derivative by any rate."""
    area = float(rates.sum())
    power = values["A"] * area ** -values["alpha"]
    return values["L0"] + power, -values["alpha"] * power / area


def _mpl(values: dict[str, float], settings: dict[str, object]) -> FinalLoss:
    """The Multi-Power Law in O(T): every drop counts the area from its step on, so derivatives are running sums."""
    B, C, beta, gamma = (values[name] for name in ("B", "C", "beta", "gamma"))

    def loss(rates: Array) -> tuple[float, Array]:
        level, slope = _forward(rates, values)
        drop, after = rates[:-1] - rates[1:], rates[1:]
        since = np.cumsum(rates[::-1])[::-1][1:]
        scaled = C * after**-gamma
        inner = scaled * since
        grown = np.log1p(inner)
        saved = -np.expm1(-beta * grown)
        steep = drop * beta * np.exp(-(beta + 1) * grown)
        by_rate = np.zeros(len(rates))
        by_rate[:-1] += saved
        by_rate[1:] += np.cumsum(steep * scaled) - saved - gamma * steep * inner / after
        # The first step's rate is in no area since a drop: those begin at the step of the drop.
        return level - B * float(drop @ saved), slope - B * by_rate

    return loss


def _lr_annealing(values: dict[str, float], settings: dict[str, object]) -> FinalLoss:
    """The law of annealing areas, which are linear in the rates."""
    decay, as_peak = float(settings["decay"]), settings["warmup"] == "peak"  # type: ignore[arg-type]

    def loss(rates: Array) -> tuple[float, Array]:
        top = int(np.argmax(rates)) if as_peak else 0
        read = np.where(np.arange(len(rates)) < top, rates[top], rates)
        level, slope = _forward(read, values)
        acted = (1 - decay ** np.arange(len(rates) - 1, 0, -1.0)) / (1 - decay)
        by_rate = np.zeros(len(rates))
        by_rate[:-1] += acted
        by_rate[1:] -= acted
        gradient = slope - values["C"] * by_rate
        gradient[top] += gradient[:top].sum()
        gradient[:top] = 0.0
        return level - values["C"] * float((read[:-1] - read[1:]) @ acted), gradient

    return loss


def _lr_annealing_n(values: dict[str, float], settings: dict[str, object]) -> FinalLoss:
    """The same for one size of model."""
    N = values["params"]
    level = values["L0"] + values["B"] * N ** -values["beta"]
    return _lr_annealing({**values, "L0": level, "C": values["C"] * N ** values["gamma"]}, settings)


def _fsl(values: dict[str, float], settings: dict[str, object]) -> FinalLoss:
    """The functional scaling law in O(T): every step counts the area from it on."""
    c, k, power = values["c"], values["k"], 1 / values["beta"] - 2

    def loss(rates: Array) -> tuple[float, Array]:
        grown = 1 + k * float(rates.sum())
        learned = values["b"] * grown ** -values["s"]
        inner = 1 + k * np.cumsum(rates[::-1])[::-1]
        left = np.exp(power * np.log(inner))
        by_rate = 2 * rates * left + np.cumsum(rates**2 * power * k * left / inner)
        slope = -values["s"] * k * learned / grown
        return values["L0"] + learned + c * float(rates**2 @ left), slope + c * by_rate

    return loss


def _fsl_n(values: dict[str, float], settings: dict[str, object]) -> FinalLoss:
    """The same for one size of model and of batch."""
    level = values["L0"] + values["a"] * values["params"] ** -values["p"]
    return _fsl({**values, "L0": level, "c": values["c"] / values["batch_tokens"]}, settings)


_KNOWN = {"mpl": _mpl, "lr_annealing": _lr_annealing, "lr_annealing_n": _lr_annealing_n, "fsl": _fsl, "fsl_n": _fsl_n}
