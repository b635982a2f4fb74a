"""Loss over model size and data."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np

from scalefit.definition import define_law
from scalefit.law import Array, Inputs, Published
from scalefit.parameter import exponent, floor, scale


def _power_term(scale_: Array, power: Array, log_x: Array, J: Array) -> Array:
    """The term ``scale * x**-power``; its derivatives by both go into J (B, 2, n)."""
    np.exp(-power * log_x, out=J[:, 0])
    term = scale_ * J[:, 0]
    np.multiply(term, -log_x, out=J[:, 1])
    return term


def _chinchilla_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    E, A, alpha, B, beta = (theta[:, j, None] for j in range(5))
    log_N, log_D = np.log(inputs[0]), np.log(inputs[1])
    J = np.empty((len(theta), 5, len(log_N)))
    J[:, 0] = 1.0
    value = E + _power_term(A, alpha, log_N, J[:, 1:3])
    value += _power_term(B, beta, log_D, J[:, 3:5])
    return value, J


@define_law(
    inputs=("params", "tokens"),
    params=(floor("E"), scale("A"), exponent("alpha"), scale("B"), exponent("beta")),
    linear=("E", "A", "B"),
    source="Hoffmann et al. 2022, arXiv:2203.15556, eq. 2 and 10; Besiroglu et al. 2024, arXiv:2404.10102",
    verified="paper",
    published={
        "hoffmann2022": Published(
            {
                "E": exp(0.5267228),
                "A": exp(6.0073404),
                "alpha": 0.33917084,
                "B": exp(6.0179186),
                "beta": 0.2849083,
            },
            "Approach 3, unrounded constants of the paper's source",
        ),
        "hoffmann2022_rounded": Published({"E": 1.69, "A": 406.4, "alpha": 0.34, "B": 410.7, "beta": 0.28}, "eq. 10"),
        "besiroglu2024": Published(
            {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658},
            "abstract",
            {"E": 0.02566, "A": 124.52, "alpha": 0.01540, "B": 1293.28, "beta": 0.02060},
        ),
        "muennighoff2023": Published(
            {"E": 1.8691, "A": 520.8, "alpha": 0.3526596, "B": 1487.6, "beta": 0.3526596},
            "base law on C4, alpha = beta",
        ),
    },
    traps="Runs on one ray of tokens per parameter cannot separate the two terms: vary D/N by 1.5 decades or more.",
    by_hand=_chinchilla_by_hand,
)
def chinchilla(N: Any, D: Any, E: Any, A: Any, alpha: Any, B: Any, beta: Any) -> Any:
    r"""Loss of N parameters trained on D tokens: :math:`L = E + A\,N^{-\alpha} + B\,D^{-\beta}`."""
    return E + A / N**alpha + B / D**beta


def _chinchilla_gamma_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    E, A, alpha, B, beta, gamma = (theta[:, j, None] for j in range(6))
    log_N, log_D = np.log(inputs[0]), np.log(inputs[1])
    J = np.empty((len(theta), 6, len(log_N)))
    inner = _power_term(A, alpha, log_N, J[:, 1:3])
    inner = inner + _power_term(B, beta, log_D, J[:, 3:5])
    with np.errstate(divide="ignore", invalid="ignore"):
        log_inner = np.log(inner)
        outer = np.exp(gamma * log_inner)
        J[:, 1:5] *= (gamma * outer / inner)[:, None]
        np.multiply(outer, log_inner, out=J[:, 5])
    J[:, 0] = 1.0
    return E + outer, J


@define_law(
    inputs=("params", "tokens"),
    params=(
        floor("E"),
        scale("A", of="params**-alpha"),
        exponent("alpha"),
        scale("B", of="tokens**-beta"),
        exponent("beta"),
        exponent("gamma", low=0.15, high=1.5),
    ),
    linear=("E",),
    source="Busbridge et al. 2025, arXiv:2502.08606, eq. 1",
    verified="paper",
    published={
        "busbridge2025": Published(
            {"E": 1.220, "A": 3355.0, "alpha": 0.408, "B": 18186.0, "beta": 0.431, "gamma": 0.452},
            "Table 6, supervised, non-embedding parameters, C4",
        )
    },
    traps="gamma trades off with alpha and beta: over-trained and under-trained runs are both needed.",
    by_hand=_chinchilla_gamma_by_hand,
)
def chinchilla_gamma(N: Any, D: Any, E: Any, A: Any, alpha: Any, B: Any, beta: Any, gamma: Any) -> Any:
    r"""Chinchilla with an outer exponent: :math:`L = E + (A\,N^{-\alpha} + B\,D^{-\beta})^\gamma`."""
    return E + (A / N**alpha + B / D**beta) ** gamma
