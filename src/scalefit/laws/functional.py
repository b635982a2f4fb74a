"""The functional scaling law: what is still to be learned, and noise of the learning rate that is being forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalefit.definition import define_law
from scalefit.law import Array, Derive, Inputs
from scalefit.laws.histories import read_groups
from scalefit.parameter import Param, exponent, floor, scale
from scalefit.schedules import forward_area
from scalefit.schedules.memory import remembered_steps


def remembered_noise(rates: Array, steps: NDArray[np.intp], *, width: float) -> Mapping[str, Array]:
    """Forward area S1 at some steps, and the squares of the rates before them, with the area since."""
    noise = remembered_steps(rates, rates**2, steps, width=width, by_rate=False)
    return {"S1": forward_area(rates)[steps], "noise": noise}


def noise_left(noise: Array, beta: Any, k: Any) -> Any:
    r"""Noise not forgotten yet, for (B, 1) of each: :math:`\sum_z \eta_z^2\,(1 + k\,(t - t_z))^{-(2 - 1/\beta)}`."""
    seen = read_groups(noise)
    beta, k = np.broadcast_arrays(*(np.reshape(one, (-1, 1)) for one in (beta, k)))
    out = np.empty((len(k), len(noise)), np.result_type(beta, k, noise))
    for part in seen.blocks(len(k)):
        out[part] = seen.sums(seen.weight * np.exp((1 / beta[part] - 2) * np.log1p(k[part] * seen.area)))
    return out


def _curve_by_hand(theta: Array, S1: Array, noise: Array) -> Array:
    """Slopes (B, 6, n) of the law by b, s, c, beta, k and, first, L0, for theta (B, 6) in that order."""
    _, b, s, c, beta, k = (theta[:, j, None] for j in range(6))
    grown = 1 + k * S1
    learned = np.exp(-s * np.log(grown))
    J = np.empty((len(theta), 6, len(S1)))
    J[:, 0], J[:, 1], J[:, 2] = 1.0, learned, -b * learned * np.log(grown)
    J[:, 5] = -b * s * learned * S1 / grown
    seen = read_groups(noise)
    for part in seen.blocks(len(theta)):
        inner = 1 + k[part] * seen.area
        bent = np.log(inner)
        power = 1 / beta[part] - 2
        left = seen.weight * np.exp(power * bent)
        J[part, 3] = seen.sums(left)
        J[part, 4] = -c[part] / beta[part] ** 2 * seen.sums(left * bent)
        J[part, 5] += c[part] * power * seen.sums(left * seen.area / inner)
    return J


def _fsl_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    J = _curve_by_hand(theta, *inputs)
    return theta[:, 0, None] + theta[:, 1, None] * J[:, 1] + theta[:, 3, None] * J[:, 3], J


def _fsl_n_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    M, batch, S1, noise = inputs
    L0, a, p, b, c = (theta[:, j, None] for j in (0, 1, 2, 3, 5))
    J = np.empty((len(theta), 8, len(S1)))
    J[:, [0, 3, 4, 5, 6, 7]] = _curve_by_hand(theta[:, [0, 3, 4, 5, 6, 7]], S1, noise / batch_of(noise, batch))
    J[:, 1] = np.exp(-p * np.log(M))
    J[:, 2] = -a * J[:, 1] * np.log(M)
    return L0 + a * J[:, 1] + b * J[:, 3] + c * J[:, 5], J


def batch_of(noise: Array, batch: Array) -> Array:
    """What a history (n, 3 K) is divided by: weights by the batch of the row, rates and areas by one."""
    out = np.ones_like(noise)
    out[:, ::3] = batch[:, None]
    return out


_SHAPE = (
    scale("b"),
    exponent("s"),
    scale("c"),
    Param("beta", lower=1.0, low=1.05, high=4.0),
    scale("k", of="S1", low=1.0, high=1e4),
)
_SOURCE = "Li et al. 2025, arXiv:2509.19189, eq. 2 and 9, with a free size of each term and of the time"


@define_law(
    inputs=("S1", "noise"),
    params=(floor("L0"), *_SHAPE),
    linear=("L0", "b", "c"),
    source=_SOURCE,
    verified="ours",
    traps="c, beta and k need runs whose rate changes, best one that stays long at a low rate after a drop. One model, "
    "one batch size.",
    by_hand=_fsl_by_hand,
    derive=Derive(("S1", "noise"), remembered_noise, {"width": 0.1}, ("c", "beta")),
)
def fsl(S1: Any, noise: Any, L0: Any, b: Any, s: Any, c: Any, beta: Any, k: Any) -> Any:
    r"""Loss at a step: :math:`L = L_0 + b\,(1 + k\,t)^{-s} + c\sum_z \eta_z^2\,(1 + k\,(t - t_z))^{-(2 - 1/\beta)}`.

    :math:`t=\sum_{i}\eta_i` is the area under the rate up to the step, :math:`t - t_z` that from step z on. The second
    term is what is still to be learned, the third the noise that each step has brought in and later ones forget: the
    paper has it for a linear model whose spectrum falls with the power beta > 1. It gives shapes, not sizes: those of
    the terms and k, the intrinsic time in a unit of area, are free here. Steps far back are taken in groups, whose
    ``width`` is a setting: 0.1 gives the third term to about 1e-3 of it.
    """
    return L0 + b / (1 + k * S1) ** s + c * noise_left(noise, beta, k)


@define_law(
    inputs=("params", "batch_tokens", "S1", "noise"),
    params=(floor("L0"), scale("a"), exponent("p"), *_SHAPE),
    linear=("L0", "a", "b", "c"),
    source=_SOURCE,
    verified="ours",
    traps="a and p take three sizes or more, and c two batch sizes where it shall tell them apart. c, beta and k need "
    "runs whose rate changes. A batch that grows during a run is not in the law.",
    by_hand=_fsl_n_by_hand,
    derive=Derive(("S1", "noise"), remembered_noise, {"width": 0.1}, ("c", "beta")),
)
def fsl_n(
    M: Any, B: Any, S1: Any, noise: Any, L0: Any, a: Any, p: Any, b: Any, s: Any, c: Any, beta: Any, k: Any
) -> Any:
    r"""Loss of M parameters at a step of B tokens, with the terms of ``fsl``.

    .. math:: L = L_0 + a\,M^{-p} + b\,(1 + k\,t)^{-s} + \frac{c}{B}\sum_z \eta_z^2\,(1 + k\,(t - t_z))^{-(2 - 1/\beta)}
    """
    return L0 + a / M**p + b / (1 + k * S1) ** s + c / B * noise_left(noise, beta, k)
