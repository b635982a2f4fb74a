"""Steps and the critical batch: how long a run must be, and how large its batch may be."""

from __future__ import annotations

from typing import Any

import numpy as np

from scalefit.definition import define_law
from scalefit.derived import define_derived
from scalefit.law import Array, Inputs, Published
from scalefit.law_math import log_add_exp, sigmoid, solve_root
from scalefit.objectives import Square
from scalefit.parameter import exponent, scale


@define_derived(unit="steps")
def steps_for_loss(N_c: Any, alpha_N: Any, S_c: Any, alpha_S: Any, *, loss: Any, params: Any) -> Any:
    """The fewest steps in which a model of this size reaches a loss; NaN where no number does."""
    return S_c / (loss - (N_c / params) ** alpha_N) ** (1 / alpha_S)


@define_law(
    inputs=("params", "steps_min"),
    params=(
        scale("N_c", of="1/params", low=1.0, high=1e10),
        exponent("alpha_N", low=0.03, high=0.4),
        scale("S_c", of="1/steps_min", low=1e-4, high=10.0),
        exponent("alpha_S", low=0.2, high=1.2),
    ),
    source="Kaplan et al. 2020, arXiv:2001.08361, eq. 1.6 and 5.6",
    verified="paper",
    published={
        "kaplan2020": Published(
            {"N_c": 6.5e13, "alpha_N": 0.077, "S_c": 2.1e3, "alpha_S": 0.76},
            "Table 3, non-embedding parameters",
        )
    },
    traps="steps_min are steps turned into those of a very large batch, S / (1 + B_crit(L) / B). Leave the warm-up "
    "out; the rate must be near its peak for most of the run.",
    derived=(steps_for_loss,),
)
def kaplan_ns(N: Any, S_min: Any, N_c: Any, alpha_N: Any, S_c: Any, alpha_S: Any) -> Any:
    r"""Loss of N parameters after so many steps: :math:`L = (N_c/N)^{\alpha_N} + (S_c/S_\mathrm{min})^{\alpha_S}`."""
    return (N_c / N) ** alpha_N + (S_c / S_min) ** alpha_S


@define_derived(unit="")
def steps_factor(B_star: Any, alpha_B: Any, *, loss: Any, batch_tokens: Any) -> Any:
    """How many times the fewest steps a run of this batch takes to a loss; 2 at the critical batch."""
    return 1 + B_star / loss ** (1 / alpha_B) / batch_tokens


@define_derived(unit="")
def tokens_factor(B_star: Any, alpha_B: Any, *, loss: Any, batch_tokens: Any) -> Any:
    """How many times the fewest tokens a run of this batch takes to a loss; 2 at the critical batch."""
    return 1 + batch_tokens * loss ** (1 / alpha_B) / B_star


@define_law(
    inputs=("loss",),
    output="critical_batch_tokens",
    params=(scale("B_star"), scale("alpha_B", low=0.05, high=1.0)),
    objective=Square(),
    source="Kaplan et al. 2020, arXiv:2001.08361, eq. 1.4 and 5.3",
    verified="paper",
    published={"kaplan2020": Published({"B_star": 2e8, "alpha_B": 0.21}, "eq. 5.3; a figure prints 2.1e8 L^-4.8")},
    traps="Each row takes runs of three batch sizes or more that reach the same loss.",
    derived=(steps_factor, tokens_factor),
)
def bcrit(L: Any, B_star: Any, alpha_B: Any) -> Any:
    r"""The batch at which steps and tokens are both twice their least: :math:`B_c = B_*\,L^{-1/\alpha_B}`."""
    return B_star / L ** (1 / alpha_B)


def _su_terms(log_loss: Any, inputs: Inputs, params: Any) -> tuple[Any, Any, Any]:
    """The logs of the two terms of the right-hand side at a loss, and of the critical batch over the batch."""
    (N, S, batch), (N_c, alpha_N, S_c, alpha_S, B_star, alpha_B) = inputs, params
    critical = np.log(B_star) - np.log(batch) - log_loss / alpha_B
    size = alpha_N * (np.log(N_c) - np.log(N))
    return size, alpha_S * (np.log(S_c) - np.log(S) + log_add_exp(0, critical)), critical


def _su_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    """Slopes by the implicit function theorem: those of the right-hand side, over one less its slope by the loss."""
    params = tuple(theta[:, j, None] for j in range(6))
    N_c, alpha_N, S_c, alpha_S, B_star, alpha_B = params
    value = np.asarray(su_trajectory.function(*inputs, *params), float)
    log_loss = np.log(value)
    log_size, log_steps, critical = _su_terms(log_loss, inputs, params)
    size, steps, share = np.exp(log_size), np.exp(log_steps), sigmoid(critical)
    J = np.empty((len(theta), 6, value.shape[1]))
    J[:, 0], J[:, 2] = alpha_N * size / N_c, alpha_S * steps / S_c
    J[:, 1], J[:, 3] = size * log_size / alpha_N, steps * log_steps / alpha_S
    J[:, 4] = alpha_S * steps * share / B_star
    J[:, 5] = alpha_S * steps * share * log_loss / alpha_B**2
    J /= (1 + alpha_S * steps * share / (alpha_B * value))[:, None]
    return value, J


@define_law(
    inputs=("params", "step", "batch_tokens"),
    params=(
        scale("N_c", of="1/params", low=1.0, high=1e10),
        exponent("alpha_N", low=0.03, high=0.4),
        scale("S_c", of="1/step", low=1e-4, high=10.0),
        exponent("alpha_S", low=0.2, high=1.2),
        scale("B_star", of="1/batch_tokens", low=1.0, high=1e4),
        scale("alpha_B", low=0.1, high=0.6),
    ),
    source="Su, Tian, Shen & Cai 2024, arXiv:2403.06563: eq. 5.3 and 5.4 of Kaplan et al. 2020 put into their eq. 5.6",
    verified="second source",
    published={
        "su2024": Published(
            {"N_c": 1.5e14, "alpha_N": 0.076, "S_c": 2.6e3, "alpha_S": 0.67, "B_star": 1.7e8, "alpha_B": 0.205},
            "C4, context 1024; from memory of the paper: check them before you rely on them",
        )
    },
    traps="B_star and alpha_B take three batch sizes or more that pass the same losses, N_c and alpha_N three sizes. "
    "Leave the warm-up out; the rate must be near its peak for most of the run. Constants hold for one tokenizer and "
    "context length.",
    by_hand=_su_by_hand,
    domain={"step": (1.0, np.inf)},
)
def su_trajectory(
    N: Any, S: Any, B: Any, N_c: Any, alpha_N: Any, S_c: Any, alpha_S: Any, B_star: Any, alpha_B: Any
) -> Any:
    r"""Loss of N parameters after S steps of B tokens each, with the critical batch at that loss.

    The loss stands on both sides, once: the right-hand side falls while it rises, so that there is one root.

    .. math::

        L = (N_c/N)^{\alpha_N} + \left[\frac{S_c}{S}\left(1 + \frac{B_*}{B\,L^{1/\alpha_B}}\right)\right]^{\alpha_S}
    """
    inputs, params = (N, S, B), (N_c, alpha_N, S_c, alpha_S, B_star, alpha_B)

    def right(log_loss: Any, params: Any = params) -> Any:
        return log_add_exp(*_su_terms(log_loss, inputs, params)[:2])

    known = tuple(np.real(one) for one in params)
    low = _su_terms(0.0, inputs, known)[0]
    high = right(low, known)  # the right-hand side falls with the loss: at the lowest it lies above the root
    start = np.clip(right(high, known), low, high)
    return np.exp(solve_root(lambda log_loss: log_loss - right(log_loss), start, low - 1e-9, high + 1e-9))
