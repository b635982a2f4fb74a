"""The four curves M1-M4 of Alabdulmohsin, Neyshabur and Zhai, from a bare power law to one with a random start."""

from __future__ import annotations

from typing import Any

import numpy as np

from scalefit.definition import define_law
from scalefit.derived import define_derived
from scalefit.law import Array, Inputs
from scalefit.law_math import Values, sigmoid
from scalefit.objectives import Square
from scalefit.parameter import Param, exponent, floor, scale

SOURCE = "Alabdulmohsin et al. 2022, arXiv:2209.06640, section 3"
#: Newton's method on a curve between two straight lines: five to eight steps do.
MOST_STEPS = 60


def _falling(name: str) -> Param:
    """An exponent as the paper writes it: zero or below."""
    return Param(name, upper=0.0, low=-1.2, high=-0.05)


@define_law(
    inputs=("x",),
    params=(scale("beta"), _falling("c")),
    objective=Square(),
    source=SOURCE,
    verified="paper",
    traps="Where the data bend, c drifts towards zero as their range grows.",
)
def m1(x: Any, beta: Any, c: Any) -> Any:
    r"""M1, a power law: :math:`\epsilon = \beta x^c`. The curve of power, with c = -alpha."""
    return beta * x**c


@define_law(
    inputs=("x",),
    params=(floor("eps_inf"), scale("beta"), _falling("c")),
    objective=Square(),
    source=SOURCE,
    verified="paper",
    traps="The limit is seen only where the curve bends in log-log: x over a factor of 30 or more.",
)
def m2(x: Any, eps_inf: Any, beta: Any, c: Any) -> Any:
    r"""M2, a power law above a limit: :math:`\epsilon = \epsilon_\infty + \beta x^c`. The curve of power_offset."""
    return eps_inf + beta * x**c


@define_derived(unit="nats/token")
def limit(beta: Any, gamma: Any, c: Any) -> Any:
    """The loss that the curve approaches as x grows."""
    return beta * gamma**c


@define_law(
    inputs=("x",),
    params=(scale("beta"), scale("gamma", of="x", low=1e-3, high=30.0), exponent("c")),
    objective=Square(),
    source=f"{SOURCE}, and its code (the paper prints the exponent as -c with c < 0)",
    verified="paper",
    traps="gamma and c are told apart by the bend towards the limit alone.",
    derived=(limit,),
)
def m3(x: Any, beta: Any, gamma: Any, c: Any) -> Any:
    r"""M3, a power law that levels off: :math:`\epsilon = \beta\,(1/x + \gamma)^c`, with c not negative."""
    return beta * (1 / x + gamma) ** c


def log_odds(g: Values, alpha: Values) -> Values:
    r"""The t that solves :math:`t + (\alpha-1)\log(1+e^t) = g`, elementwise.

    With s = sigmoid(t) this is :math:`\log s - \alpha\log(1-s) = g`. The left side rises with a slope between 1 and
    alpha, and bends one way only: Newton's method needs no bracket. Real roots first, then one step with the imaginary
    parts that g and alpha may carry, which is the implicit function theorem.
    """
    real_g, real_alpha = np.broadcast_arrays(np.real(g), np.real(alpha))
    t = np.where(real_g < 0, real_g, real_g / np.maximum(real_alpha, 1e-9))
    for _ in range(MOST_STEPS):
        bend, share = _softplus(t)
        step = (t + (real_alpha - 1) * bend - real_g) / _slope(share, real_alpha)
        t = t - step
        # Steps shrink by squares, and one more follows.
        if not np.any(np.abs(step) > 1e-8 * (1 + np.abs(t))):
            break
    bend, share = _softplus(t)
    return np.asarray(t - (t + (alpha - 1) * bend - g) / _slope(share, real_alpha))


def _softplus(t: Values) -> tuple[Values, Values]:
    """``log(1 + exp(t))`` of real values, and its slope."""
    e = np.exp(-np.abs(t))
    return np.maximum(t, 0) + np.log1p(e), np.where(t > 0, 1, e) / (1 + e)


def _slope(share: Values, alpha: Values) -> Values:
    """Of the left side; with alpha = 0 it vanishes where M2 lies above the start, and the root runs off."""
    return np.asarray(np.maximum(1 + (alpha - 1) * share, 1e-9))


@define_derived(unit="")
def beta(eps_inf: Any, eps_0: Any, x_0: Any, c: Any, alpha: Any) -> Any:
    """The paper's coefficient, of x**c in the unit of the loss to the power 1 - alpha."""
    return (eps_0 - eps_inf) ** (1 - alpha) / x_0**c


def _m4_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    eps_inf, eps_0, x_0, c, alpha = (theta[:, j, None] for j in range(5))
    log_x = np.log(inputs[0] / x_0)
    t = log_odds(c * log_x, alpha)
    bend, share = _softplus(t)
    s = sigmoid(t)
    # By the implicit function theorem dt/dg is one over the slope of the left side, and dt/dalpha takes log(1 + e^t).
    slope = (eps_0 - eps_inf) * s * (1 - s) / _slope(share, alpha)
    J = np.empty((len(theta), 5, len(inputs[0])))
    J[:, 0], J[:, 1] = 1 - s, s
    J[:, 2], J[:, 3], J[:, 4] = -slope * c / x_0, slope * log_x, -slope * bend
    return eps_inf + (eps_0 - eps_inf) * s, J


@define_law(
    inputs=("x",),
    params=(
        floor("eps_inf"),
        floor("eps_0"),
        scale("x_0", of="1/x", low=1e-3, high=100.0),
        _falling("c"),
        exponent("alpha", low=0.1, high=2.0),
    ),
    linear=("eps_inf", "eps_0"),
    objective=Square(),
    source=f"{SOURCE}, and its code",
    verified="paper",
    traps="alpha and eps_0 are told apart by the start of the curve alone. The paper fixes eps_0 at the loss of a "
    "guess: fixed={'eps_0': 1.0} for a loss scaled to it.",
    by_hand=_m4_by_hand,
    derived=(beta,),
)
def m4(x: Any, eps_inf: Any, eps_0: Any, x_0: Any, c: Any, alpha: Any) -> Any:
    r"""M4, from a random start to a limit: :math:`(\epsilon-\epsilon_\infty)/(\epsilon_0-\epsilon)^\alpha = \beta x^c`.

    Solved for the loss, which lies between the limit and the start. alpha = 0 is M2 below eps_0, alpha = 1 a logistic
    curve in the logarithm of x. With s the share of the way from the limit to the start, the equation is
    :math:`s/(1-s)^\alpha = (x/x_0)^c`: start and limit enter linearly then, and x_0 has the unit of x. The paper's
    beta follows from them.
    """
    s = sigmoid(log_odds(c * np.log(x / x_0), alpha))
    return eps_inf + (eps_0 - eps_inf) * s
