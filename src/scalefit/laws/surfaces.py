"""Loss over model size and data."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np

from scalefit.definition import define_law
from scalefit.derived import define_derived
from scalefit.law import Array, Inputs, Published
from scalefit.law_math import log_add_exp, maximum, minimum
from scalefit.laws import optimum
from scalefit.laws.optimum import OF_TWO_TERMS, called
from scalefit.objectives import Square
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
    derived=(
        *OF_TWO_TERMS,
        optimum.loss_optimal,
        optimum.flops_for_loss,
        optimum.tokens_for_loss,
        optimum.params_for_loss,
        optimum.params_local_exponent,
        optimum.tokens_local_exponent,
    ),
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
    derived=(
        *OF_TWO_TERMS,
        called("loss_optimal", optimum.loss_optimal_of_power),
        called("flops_for_loss", optimum.flops_for_loss_of_power),
        called("tokens_for_loss", optimum.tokens_for_loss_of_power),
    ),
)
def chinchilla_gamma(N: Any, D: Any, E: Any, A: Any, alpha: Any, B: Any, beta: Any, gamma: Any) -> Any:
    r"""Chinchilla with an outer exponent: :math:`L = E + (A\,N^{-\alpha} + B\,D^{-\beta})^\gamma`."""
    return E + (A / N**alpha + B / D**beta) ** gamma


def _gen_ces_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    E, A, alpha, B, beta, q = (theta[:, j, None] for j in range(6))
    log_N, log_D = np.log(inputs[0]), np.log(inputs[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        log_u, log_v = np.log(A) - alpha * log_N, np.log(B) - beta * log_D
        apart = np.abs(log_u - log_v) / q
        small = np.exp(-apart)
        rounding, least = np.log1p(small), small / (1 + small)
        outer = np.exp(np.maximum(log_u, log_v) + q * rounding)
        first = np.where(log_u > log_v, 1 - least, least) * outer
        J = np.empty((len(theta), 6, len(log_N)))
        J[:, 0] = 1.0
        J[:, 1], J[:, 2] = first / A, -first * log_N
        second = np.where(log_u > log_v, least, 1 - least) * outer
        J[:, 3], J[:, 4] = second / B, -second * log_D
        J[:, 5] = outer * (rounding + apart * least)
    return E + outer, J


@define_law(
    inputs=("params", "tokens"),
    params=(
        floor("E"),
        scale("A", of="params**-alpha"),
        exponent("alpha"),
        scale("B", of="tokens**-beta"),
        exponent("beta"),
        scale("q", low=0.08, high=1.5),
    ),
    linear=("E",),
    source="ours: chinchilla (q = 1), kaplan_nd (E = 0, q = beta) and a bottleneck (q towards 0) in one",
    verified="ours",
    published={
        "busbridge2025": Published(
            {
                "E": 1.220,
                "A": 3355.0**0.452,
                "alpha": 0.408 * 0.452,
                "B": 18186.0**0.452,
                "beta": 0.431 * 0.452,
                "q": 0.452,
            },
            "arXiv:2502.08606, Table 6, turned into these coordinates",
        ),
        "kaplan2020": Published(
            {"E": 0.0, "A": 6.4e13**0.076, "alpha": 0.076, "B": 1.8e13**0.103, "beta": 0.103, "q": 0.103},
            "arXiv:2001.08361, Table 2, turned into these coordinates",
        ),
    },
    traps="q is seen only in runs far from balance, with many tokens for their parameters and with few. The same "
    "family as chinchilla_gamma (q = gamma, alpha = its alpha times gamma): never count both.",
    by_hand=_gen_ces_by_hand,
    derived=(
        called("params_optimal", optimum.params_optimal_of_ces),
        called("tokens_optimal", optimum.tokens_optimal_of_ces),
        called("tokens_for_loss", optimum.tokens_for_loss_of_ces),
    ),
)
def gen_ces(N: Any, D: Any, E: Any, A: Any, alpha: Any, B: Any, beta: Any, q: Any) -> Any:
    r"""Two power terms that may hinder each other: :math:`E + ((A N^{-\alpha})^{1/q} + (B D^{-\beta})^{1/q})^q`.

    alpha and beta are the exponents of each term alone; q says how far the larger hides the smaller: not at all (1) or
    wholly (towards 0). Written as the larger term times what the smaller adds, for the inner powers are large.
    """
    return E + maximum(A / N**alpha, B / D**beta) * np.exp(
        q * log_add_exp(0, np.log(minimum(A / N**alpha, B / D**beta) / maximum(A / N**alpha, B / D**beta)) / q)
    )


@define_derived(unit="")
def overfitting(alpha_N: Any, alpha_D: Any, N_c: Any, D_c: Any, *, params: Any, tokens: Any) -> Any:
    """The share by which the loss exceeds that of unlimited data."""
    return (1 + (params / N_c) ** (alpha_N / alpha_D) * D_c / tokens) ** alpha_D - 1


@define_derived(unit="tokens")
def tokens_for_loss_of_kaplan(alpha_N: Any, alpha_D: Any, N_c: Any, D_c: Any, *, loss: Any, params: Any) -> Any:
    """The tokens with which a model of this size reaches a loss; NaN or below zero where no number does."""
    return D_c / (loss ** (1 / alpha_D) - (N_c / params) ** (alpha_N / alpha_D))


def _kaplan_nd_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    alpha_N, alpha_D, N_c, D_c = (theta[:, j, None] for j in range(4))
    by_size = np.log(N_c / inputs[0])
    of_size, of_data = alpha_N / alpha_D * by_size, np.log(D_c / inputs[1])
    apart = np.abs(of_size - of_data)
    small = np.exp(-apart)
    rounding, least = np.log1p(small), small / (1 + small)
    size_wins = of_size > of_data
    share, other = np.where(size_wins, 1 - least, least), np.where(size_wins, least, 1 - least)
    value = np.exp(alpha_D * (np.maximum(of_size, of_data) + rounding))
    J = np.empty((len(theta), 4, len(inputs[0])))
    J[:, 0] = value * share * by_size
    # The two nearly cancel where size wins by far: what is left is written out.
    J[:, 1] = value * (rounding + np.where(size_wins, of_size * least, of_data - least * of_size))
    J[:, 2] = value * share * alpha_N / N_c
    J[:, 3] = value * other * alpha_D / D_c
    return value, J


@define_law(
    inputs=("params", "tokens"),
    params=(
        exponent("alpha_N", low=0.03, high=0.4),
        exponent("alpha_D", low=0.03, high=0.4),
        scale("N_c", of="1/params", low=1.0, high=1e10),
        scale("D_c", of="1/tokens", low=1.0, high=1e10),
    ),
    source="Kaplan et al. 2020, arXiv:2001.08361, eq. 1.5",
    verified="paper",
    published={
        "kaplan2020": Published(
            {"alpha_N": 0.076, "alpha_D": 0.103, "N_c": 6.4e13, "D_c": 1.8e13},
            "Table 2, non-embedding parameters; the smallest data set was left out",
        )
    },
    traps="Parameters and tokens must vary apart. Nothing here is irreducible, so the exponents are slopes of the "
    "whole loss, and not those of chinchilla.",
    by_hand=_kaplan_nd_by_hand,
    derived=(overfitting, called("tokens_for_loss", tokens_for_loss_of_kaplan)),
)
def kaplan_nd(N: Any, D: Any, alpha_N: Any, alpha_D: Any, N_c: Any, D_c: Any) -> Any:
    r"""Loss of N parameters on D tokens: :math:`L = ((N_c/N)^{\alpha_N/\alpha_D} + D_c/D)^{\alpha_D}`.

    D counts the distinct tokens of runs that are stopped early. Written as the loss of unlimited data times what their
    lack adds, for the inner powers are large.
    """
    return (N_c / N) ** alpha_N * np.exp(
        alpha_D * log_add_exp(0, np.log(D_c / D) - alpha_N / alpha_D * np.log(N_c / N))
    )


@define_derived(unit="tokens/parameter")
def tokens_per_param_optimal(a: Any, b: Any, eta: Any) -> Any:
    """The best number of tokens per parameter, the same for every budget."""
    return (b / a) ** (1 / (2 * eta))


@define_derived(unit="")
def overtraining_cost(a: Any, b: Any, eta: Any, *, tokens_per_param: Any) -> Any:
    """How many times the least compute is spent for its loss at this many tokens per parameter."""
    M = tokens_per_param
    return ((a * M**eta + b / M**eta) / (2 * (a * b) ** 0.5)) ** (1 / eta)


@define_derived(unit="FLOP")
def flops_for_loss(E: Any, a: Any, b: Any, eta: Any, *, loss: Any, tokens_per_param: Any) -> Any:
    """The compute that reaches a loss at this many tokens per parameter."""
    M = tokens_per_param
    return ((a * M**eta + b / M**eta) / (loss - E)) ** (1 / eta)


@define_law(
    inputs=("flops", "tokens_per_param"),
    params=(floor("E"), scale("a"), scale("b"), exponent("eta", high=0.6)),
    objective=Square(on="raw"),
    source="Gadre et al. 2024, arXiv:2403.08540, and its code",
    verified="second source",
    traps="chinchilla with alpha = beta = 2 eta, so the best tokens per parameter are the same at every budget: test "
    "against free exponents. Runs at one number of tokens per parameter cannot tell a from b.",
    derived=(tokens_per_param_optimal, overtraining_cost, flops_for_loss),
)
def gadre_cm(C: Any, M: Any, E: Any, a: Any, b: Any, eta: Any) -> Any:
    r"""Loss at compute C = 6 N D and M = D/N tokens per parameter: :math:`E + (a M^\eta + b M^{-\eta})\,C^{-\eta}`."""
    return E + (a * M**eta + b / M**eta) / C**eta


@define_law(
    inputs=("tokens", "params"),
    output="error",
    params=(
        scale("e_0"),
        scale("a", of="tokens**-alpha", low=0.02, high=10.0),
        exponent("alpha"),
        scale("b", of="params**-beta", low=0.02, high=10.0),
        exponent("beta"),
        scale("c_inf", low=0.01, high=2.0),
    ),
    objective=Square(),
    source="Rosenfeld et al. 2020, arXiv:1909.12673, eq. 5 and 8, in real numbers",
    verified="second source",
    traps="e_0 is the error of a guess: known, so fix it, or show small models and small data. The paper's eta only "
    "sets the unit of the other sizes, for the law holds their ratios to it alone; here it is 1.",
)
def rosenfeld(n: Any, m: Any, e_0: Any, a: Any, alpha: Any, b: Any, beta: Any, c_inf: Any) -> Any:
    r"""Error on n samples with m parameters, no higher than that of a guess: :math:`e = e_0\,z/\sqrt{z^2 + 1}`.

    :math:`z = a n^{-\alpha} + b m^{-\beta} + c_\infty` is the error over that of a guess where it is small.
    """
    return e_0 / (1 + (a / n**alpha + b / m**beta + c_inf) ** -2) ** 0.5
