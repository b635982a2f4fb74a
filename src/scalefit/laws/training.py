"""Loss along a training run under its learning-rate schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalefit.definition import define_law
from scalefit.errors import DataError, LawError, not_one_of
from scalefit.law import Array, Derive
from scalefit.objectives import Huber
from scalefit.parameter import exponent, floor, real, scale
from scalefit.schedules import annealing_area, forward_area
from scalefit.schedules.areas import faded_sums

#: Steps at a rate of zero that may end a decay, as a share of those in which the annealing momentum fades.
LONGEST_REST = 0.01


def learning_rate_areas(rates: Array, steps: NDArray[np.intp], *, decay: float, warmup: str) -> Mapping[str, Array]:
    """Forward area S1 and annealing area S2 of a schedule at some of its steps.

    ``warmup`` is ``"ramp"`` (the rates as they were) or ``"peak"`` (the authors' convention: steps before the first
    peak count at the peak rate).
    """
    if warmup not in ("ramp", "peak"):
        raise LawError(not_one_of("warmup", warmup, ("ramp", "peak")))
    _refuse_rest(rates[: int(np.max(steps, initial=0)) + 1], decay)
    if warmup == "peak":
        rates = np.where(np.arange(len(rates)) < int(np.argmax(rates)), np.max(rates), rates)
    return {"S1": forward_area(rates)[steps], "S2": annealing_area(rates, decay=decay)[steps]}


def _refuse_rest(rates: Array, decay: float) -> None:
    """Refuse steps at a rate of zero that would go on lowering the loss: S2 grows on where training has stopped."""
    begun = np.flatnonzero(rates)
    still = np.flatnonzero(rates[begun[0] :] == 0) + begun[0] if len(begun) else np.zeros(0, np.intp)
    longest = max(1.0, LONGEST_REST / (1 - decay)) if decay < 1 else 1.0
    if len(still) > longest:
        raise DataError(
            f"the learning rate is zero in {len(still):,} steps from step {still[0]:,} on. There training has stopped, "
            "and laws with S2 would still lower the loss: leave later rows out, end the schedule where the rate "
            "reaches zero, or use the law mpl."
        )


@define_law(
    inputs=("S1", "S2"),
    params=(floor("L0"), scale("A"), exponent("alpha"), scale("C")),
    linear=("L0", "A", "C"),
    source="Tissue, Wang & Wang 2024, arXiv:2408.11029",
    verified="paper",
    traps="C is seen only where the rate decays; one peak rate and one batch size per fit.",
    derive=Derive(("S1", "S2"), learning_rate_areas, {"decay": 0.999, "warmup": "ramp"}, ("C",)),
)
def lr_annealing(S1: Any, S2: Any, L0: Any, A: Any, alpha: Any, C: Any) -> Any:
    r"""Loss at a step: :math:`L = L_0 + A\,S_1^{-\alpha} - C\,S_2`.

    :math:`S_1=\sum_{i\le s}\eta_i` is the area under the rate, :math:`S_2=\sum_{i\le s} m_i` that of the annealing
    momentum :math:`m_i=\lambda m_{i-1}+\eta_{i-1}-\eta_i`, with :math:`\lambda` the setting ``decay``.

    A drop of the rate acts for about 1 / (1 - decay) steps: 1,000 by default, as its authors take for runs of some
    10,000 steps. Profile it (:func:`scalefit.profile_setting`) where runs are much shorter or longer and more than one
    of them decays; :func:`scalefit.forecast_curves` always does, under a wide prior of a fortieth of the longest run.
    """
    return L0 + A / S1**alpha - C * S2


@define_law(
    inputs=("params", "S1", "S2"),
    params=(
        floor("L0"),
        scale("A"),
        exponent("alpha"),
        scale("B"),
        exponent("beta"),
        scale("C"),
        real("gamma", low=-0.2, high=0.4),
    ),
    linear=("L0", "A", "B", "C"),
    source="Tissue, Wang & Wang 2024, arXiv:2408.11029; a public code that fits this form",
    verified="second source",
    traps="gamma takes three sizes or more, each with rows before and after its rate has decayed. One peak rate and "
    "one batch size per fit.",
    derive=Derive(("S1", "S2"), learning_rate_areas, {"decay": 0.999, "warmup": "ramp"}, ("C", "gamma")),
)
def lr_annealing_n(N: Any, S1: Any, S2: Any, L0: Any, A: Any, alpha: Any, B: Any, beta: Any, C: Any, gamma: Any) -> Any:
    r"""Loss of N parameters at a step: :math:`L = L_0 + A\,S_1^{-\alpha} + B\,N^{-\beta} - C\,S_2\,N^{\gamma}`.

    The areas are those of ``lr_annealing``; what a decay of the rate saves may depend on the size of the model.
    """
    return L0 + A / S1**alpha + B / N**beta - C * S2 * N**gamma


def momentum_of_drops(rates: Array, steps: NDArray[np.intp], *, every: int) -> Mapping[str, Array]:
    """Forward area S1 at some steps, and M: drops of the rate added up as Adam adds up gradients.

    M is updated at every so many steps (``every``), as its authors do at each step that they logged.
    """
    if int(every) != every or every < 1:
        raise LawError(f"every must be a whole number of steps, 1 or more; got {every!r}.")
    seen = rates[:: int(every)]
    drops = -np.diff(seen, prepend=seen[:1]) * every
    updates = np.arange(len(seen))
    first = 0.1 * faded_sums(drops, 0.9) / np.maximum(-np.expm1(updates * np.log(0.9)), 0.1)
    second = 0.001 * faded_sums(drops**2, 0.999) / np.maximum(-np.expm1(updates * np.log(0.999)), 0.001)
    moved = np.cumsum(first / (np.sqrt(1e5 * second + 1e-8) + 1e-8))
    return {"S1": forward_area(rates)[steps], "M": moved[steps // int(every)]}


@define_law(
    inputs=("params", "S1", "M"),
    params=(floor("L0"), scale("A"), exponent("a_S"), scale("B"), exponent("a_N"), scale("C")),
    linear=("L0", "A", "B", "C"),
    objective=Huber(1e-3, on="raw"),
    source="Wang et al. 2025, arXiv:2512.13705, and its published code",
    verified="paper",
    traps="M depends on how often it is updated: fit and predict with the same setting ``every``. C is seen only where "
    "the rate decays, a_N takes three sizes or more.",
    derive=Derive(("S1", "M"), momentum_of_drops, {"every": 1}, ("C",)),
)
def forward_momentum(N: Any, S1: Any, M: Any, L0: Any, A: Any, a_S: Any, B: Any, a_N: Any, C: Any) -> Any:
    r"""Loss of N parameters at a step: :math:`L = L_0 + A\,S_1^{-a_S} + B\,N^{-a_N} - C\,M`.

    :math:`S_1` is the area under the rate. M sums :math:`\hat m_i / (\sqrt{10^5\,\hat v_i + 10^{-8}} + 10^{-8})` over
    updates, with :math:`m_i = 0.9\,m_{i-1} + 0.1\,g_i` and :math:`v_i = 0.999\,v_{i-1} + 0.001\,g_i^2` corrected for
    their start as in Adam, and :math:`g_i` the drop of the rate since the last update times the steps between.
    """
    return L0 + A / S1**a_S + B / N**a_N - C * M
