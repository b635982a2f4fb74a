"""The Multi-Power Law: each drop of the learning rate saves its own share of loss, growing with the area since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalefit.definition import define_law
from scalefit.law import Array, Derive, Inputs, Published
from scalefit.laws.histories import read_groups
from scalefit.parameter import exponent, floor, scale
from scalefit.schedules import forward_area
from scalefit.schedules.memory import remembered_steps

#: Changes of the rate below this share of the largest are rounding of a log.
ROUNDING = 1e-12


def remembered_drops(rates: Array, steps: NDArray[np.intp], *, width: float) -> Mapping[str, Array]:
    """Forward area S1 at some steps, and the drops of the rate before them: rises count as negative drops."""
    drops = -np.diff(rates, prepend=rates[:1])
    drops[np.abs(drops) < ROUNDING * np.max(rates)] = 0.0
    return {"S1": forward_area(rates)[steps], "drops": remembered_steps(rates, drops, steps, width=width)}


def saved_by_drops(drops: Array, C: Any, beta: Any, gamma: Any) -> Any:
    r"""What drops have saved, over B: :math:`\sum_k \Delta_k\,(1 - (1 + C\,\eta_k^{-\gamma} S_k)^{-\beta})`.

    One row for each of several C, beta and gamma, (B, 1) each.
    """
    seen = read_groups(drops)
    log_rate, log_area = np.log(seen.rate), np.log(seen.area)
    C, beta, gamma = np.broadcast_arrays(*(np.reshape(one, (-1, 1)) for one in (C, beta, gamma)))
    out = np.empty((len(C), len(drops)), np.result_type(C, beta, gamma, drops))
    for part in seen.blocks(len(C)):
        grown = np.log1p(C[part] * np.exp(log_area - gamma[part] * log_rate))
        out[part] = seen.sums(-seen.weight * np.expm1(-beta[part] * grown))
    return out


def _mpl_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    L0, A, alpha, B, C, beta, gamma = (theta[:, j, None] for j in range(7))
    log_S1, seen = np.log(inputs[0]), read_groups(inputs[1])
    log_rate, log_area = np.log(seen.rate), np.log(seen.area)
    J = np.empty((len(theta), 7, len(log_S1)))
    J[:, 0], J[:, 1] = 1.0, np.exp(-alpha * log_S1)
    J[:, 2] = -A * J[:, 1] * log_S1
    for part in seen.blocks(len(theta)):
        grown = log_area - gamma[part] * log_rate
        np.exp(grown, out=grown)
        inner = C[part] * grown
        steep = grown / (1 + inner)
        bent = np.log1p(inner, out=inner)
        left = -beta[part] * bent
        J[part, 3] = seen.sums(-seen.weight * np.expm1(left))
        np.exp(left, out=left)
        left *= seen.weight
        J[part, 5] = B[part] * seen.sums(left * bent)
        steep *= left
        steep *= B[part] * beta[part]
        J[part, 4] = seen.sums(steep)
        steep *= log_rate
        J[part, 6] = -C[part] * seen.sums(steep)
    np.negative(J[:, 3:], out=J[:, 3:])
    return L0 + A * J[:, 1] + B * J[:, 3], J


@define_law(
    inputs=("S1", "drops"),
    params=(
        floor("L0"),
        scale("A"),
        exponent("alpha"),
        scale("B"),
        scale("C", low=0.05, high=50.0),
        exponent("beta", low=0.1, high=2.0),
        exponent("gamma", low=0.1, high=1.5),
    ),
    linear=("L0", "A", "B"),
    source="Luo et al. 2025, arXiv:2503.12811, and its published code",
    verified="paper",
    published={
        "luo2025_100M": Published(
            {
                "L0": 2.6514477,
                "A": 0.60115152,
                "alpha": 0.45295811,
                "B": 437.9464276,
                "C": 2.13245612,
                "beta": 0.59785199,
                "gamma": 0.65523644,
            },
            "configuration of the published code, 100M parameters; peak rate 3e-4, warm-up of 2160 steps",
        )
    },
    traps="C, beta and gamma need a run that stays long at a low rate after a drop; from one cosine they trade off. B "
    "and C do too where the areas after drops stay small. The warm-up counts, as drops below zero.",
    by_hand=_mpl_by_hand,
    derive=Derive(("S1", "drops"), remembered_drops, {"width": 0.2}, ("B", "C", "beta", "gamma")),
)
def mpl(S1: Any, drops: Any, L0: Any, A: Any, alpha: Any, B: Any, C: Any, beta: Any, gamma: Any) -> Any:
    r"""Loss at a step: a power of the area under the rate, less what each drop of the rate has saved since.

    .. math::

        L = L_0 + A\,S_1^{-\alpha} - B\sum_k \Delta_k\,(1 - (1 + C\,\eta_k^{-\gamma} S_k)^{-\beta})

    :math:`S_1=\sum_{i\le t}\eta_i` is the area under the rate, :math:`\Delta_k=\eta_{k-1}-\eta_k` the drop of the
    rate at step k, and :math:`S_k=\sum_{i=k}^{t}\eta_i` the area since. The sum runs over all steps from the first,
    those of the warm-up too. Steps far back are taken in groups, whose ``width`` is a setting: 0.2 is exact to a few
    1e-5 nats. A drop to a rate of zero saves nothing until the rate is above zero again.
    """
    return L0 + A / S1**alpha - B * saved_by_drops(drops, C, beta, gamma)
