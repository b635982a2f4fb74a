"""Loss along a training run under its learning-rate schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalefit.definition import define_law
from scalefit.errors import LawError, not_one_of
from scalefit.law import Array, Derive
from scalefit.parameter import exponent, floor, scale
from scalefit.schedules import annealing_area, forward_area


def learning_rate_areas(rates: Array, steps: NDArray[np.intp], *, decay: float, warmup: str) -> Mapping[str, Array]:
    """Forward area S1 and annealing area S2 of a schedule at some of its steps.

    ``warmup`` is ``"ramp"`` (the rates as they were) or ``"peak"`` (the authors' convention: steps before the first
    peak count at the peak rate).
    """
    if warmup not in ("ramp", "peak"):
        raise LawError(not_one_of("warmup", warmup, ("ramp", "peak")))
    if warmup == "peak":
        rates = np.where(np.arange(len(rates)) < int(np.argmax(rates)), np.max(rates), rates)
    return {"S1": forward_area(rates)[steps], "S2": annealing_area(rates, decay=decay)[steps]}


@define_law(
    inputs=("S1", "S2"),
    params=(floor("L0"), scale("A"), exponent("alpha"), scale("C")),
    linear=("L0", "A", "C"),
    source="Tissue, Wang & Wang 2024, arXiv:2408.11029",
    verified="paper",
    traps="C is seen only where the rate decays; one peak rate and one batch size per fit.",
    derive=Derive(("S1", "S2"), learning_rate_areas, {"decay": 0.999, "warmup": "ramp"}),
)
def lr_annealing(S1: Any, S2: Any, L0: Any, A: Any, alpha: Any, C: Any) -> Any:
    r"""Loss at a step: :math:`L = L_0 + A\,S_1^{-\alpha} - C\,S_2`.

    :math:`S_1=\sum_{i\le s}\eta_i` is the area under the rate, :math:`S_2=\sum_{i\le s} m_i` that of the annealing
    momentum :math:`m_i=\lambda m_{i-1}+\eta_{i-1}-\eta_i`, with :math:`\lambda` the setting ``decay``.
    """
    return L0 + A / S1**alpha - C * S2
