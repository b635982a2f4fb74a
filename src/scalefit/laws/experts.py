"""Loss of mixtures of experts: how many experts, how many parameters at work, how finely they are cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from scalefit.definition import define_law
from scalefit.derived import define_derived
from scalefit.law import Published
from scalefit.objectives import Huber, Square
from scalefit.parameter import Param, exponent, floor, real, scale


def saturated_experts(E: Any, E_start: Any, E_max: Any) -> Any:
    r"""The number of experts as the loss feels it: :math:`1/\hat E = 1/(E - 1 + (1/E_s - 1/E_m)^{-1}) + 1/E_m`.

    One expert (a dense model) counts as E_start, and no number of them as more than E_max (Clark et al. 2022).

    Examples
    --------
    >>> float(saturated_experts(1.0, 2.0, 400.0))
    2.0
    """
    return 1 / (1 / (E - 1 + 1 / (1 / E_start - 1 / E_max)) + 1 / E_max)


#: From one expert on; a dense model is one expert.
EXPERTS = {"experts": (1.0, np.inf)}
#: A share of what is inactive; all of it leaves no model.
SPARSITY = {"sparsity": (0.0, 0.999)}


def _experts_between() -> tuple[Param, Param]:
    """Where the number of experts starts and ends to matter."""
    return (
        Param("E_start", lower=1.0, low=1.2, high=5.0, unit="experts", coordinate="log"),
        Param("E_max", lower=1.0, low=80.0, high=1500.0, unit="experts", coordinate="log"),
    )


@define_derived(unit="parameters")
def dense_equivalent_params(a: Any, b: Any, c: Any, E_start: Any, E_max: Any, *, params: Any, experts: Any) -> Any:
    """Size of the dense model with the same loss."""
    effective = saturated_experts(experts, E_start, E_max)
    dense_slope, slope = a + c * np.log10(E_start), a + c * np.log10(effective)
    return params ** (slope / dense_slope) * (effective / E_start) ** (b / dense_slope)


@define_derived(unit="parameters")
def largest_routed_params(b: Any, c: Any) -> Any:
    """Size from which on more experts no longer lower the loss."""
    return np.where(c > 0, 10 ** (-b / c), np.nan)


def _clark(a: float, b: float, c: float, d: float, E_start: float, E_max: float) -> Published:
    values = {"a": a, "b": b, "c": c, "d": d, "E_start": E_start, "E_max": E_max}
    return Published(values, "Table 3, rounded; read in a second text")


@define_law(
    inputs=("params", "experts"),
    params=(
        real("a", low=-0.2, high=0.0),
        real("b", low=-0.3, high=0.0),
        real("c", low=0.0, high=0.03),
        real("d", low=0.0, high=3.0),
        *_experts_between(),
    ),
    objective=Square(),
    domain=EXPERTS,
    source="Clark et al. 2022, arXiv:2202.01169 and its notebook",
    verified="paper",
    published={
        "clark2022_s_base": _clark(-0.082, -0.108, 0.009, 1.104, 1.847, 314.478),
        "clark2022_rl_r": _clark(-0.083, -0.126, 0.012, 1.111, 1.880, 469.982),
        "clark2022_hash": _clark(-0.087, -0.136, 0.012, 1.157, 4.175, 477.741),
    },
    traps="E_start and E_max need one expert (dense), a few and hundreds. All models see the same number of tokens: "
    "the law has no data axis. N_cut is a ratio of small numbers, so rounded coefficients give another one.",
    derived=(dense_equivalent_params, largest_routed_params),
)
def moe_clark(N: Any, E: Any, a: Any, b: Any, c: Any, d: Any, E_start: Any, E_max: Any) -> Any:
    r"""Loss of N parameters per token, routed among E experts, N and the experts bilinear in their logs.

    .. math:: \log_{10} L = a \log_{10} N + b \log_{10} \hat E + c \log_{10} N \log_{10} \hat E + d

    with :math:`\hat E` the number of experts as :func:`saturated_experts` bends it. N counts the parameters that one
    token meets; a dense model has E = 1. Logs are to base 10, as in the paper's notebook, so that its constants hold.
    """
    experts = np.log(saturated_experts(E, E_start, E_max)) / np.log(10)
    size = np.log10(N)
    return np.exp(np.log(10) * (a * size + b * experts + c * size * experts + d))


@define_derived(unit="parameters")
def _dense_equivalent_unsaturated(a: Any, b: Any, c: Any, *, params: Any, experts: Any) -> Any:
    """Size of the dense model with the same loss."""
    return params ** (1 + c * np.log10(experts) / a) * experts ** (b / a)


@define_law(
    inputs=("params", "experts"),
    params=(
        floor("L_inf"),
        scale("A"),
        real("a", low=-0.5, high=-0.03),
        real("b", low=-0.3, high=0.0),
        real("c", low=-0.01, high=0.03),
    ),
    domain=EXPERTS,
    source="ours: Clark et al. 2022, arXiv:2202.01169, with a floor in place of the saturation",
    verified="ours",
    traps="The floor needs sizes over a factor of 30 or more. Without saturation, hundreds of experts look too good: "
    "fit experts over the range that is asked for.",
    derived=(replace(_dense_equivalent_unsaturated, name="dense_equivalent_params"), largest_routed_params),
)
def moe_clark_floor(N: Any, E: Any, L_inf: Any, A: Any, a: Any, b: Any, c: Any) -> Any:
    r"""The bilinear law of experts above a floor: :math:`L = L_\infty + A\,N^{a + c \log_{10} E}\,E^{b}`.

    The letters are those of ``moe_clark`` with :math:`A = 10^d`. A law in log L alone bends too little: on the released
    runs it under-predicts the largest models by a few percent.
    """
    return L_inf + A * N ** (a + c * np.log(E) / np.log(10)) * E**b


@define_law(
    inputs=("params", "experts"),
    params=(
        floor("L_inf"),
        scale("A"),
        real("a", low=-0.5, high=-0.03),
        real("b", low=-0.3, high=0.0),
        real("c", low=-0.01, high=0.03),
        *_experts_between(),
    ),
    domain=EXPERTS,
    source="ours: Clark et al. 2022, arXiv:2202.01169, with a floor besides the saturation",
    verified="ours",
    traps="Seven parameters: it needs dense models, a few and hundreds of experts, at four sizes or more.",
)
def moe_clark_saturated_floor(
    N: Any, E: Any, L_inf: Any, A: Any, a: Any, b: Any, c: Any, E_start: Any, E_max: Any
) -> Any:
    r"""Saturating experts above a floor: :math:`L = L_\infty + A\,N^{a + c \log_{10} \hat E}\,\hat E^{b}`.

    The letters are those of ``moe_clark``, :math:`A = 10^d`, and :math:`\hat E` is the number of experts as
    :func:`saturated_experts` bends it. It holds ``moe_clark`` (no floor) and ``moe_clark_floor`` (no saturation).
    """
    experts = saturated_experts(E, E_start, E_max)
    return L_inf + A * N ** (a + c * np.log(experts) / np.log(10)) * experts**b


@define_derived(unit="")
def granularity_multiplier(g: Any, gamma: Any, a: Any, alpha: Any, *, granularity: Any) -> Any:
    """How many times larger a model with whole experts must be for the same loss."""
    return ((g + a) / (g / granularity**gamma + a)) ** (1 / alpha)


@define_law(
    inputs=("params_active", "tokens", "granularity"),
    params=(
        floor("c"),
        scale("g"),
        exponent("gamma", high=1.5),
        scale("a"),
        exponent("alpha", high=0.6),
        scale("b"),
        exponent("beta", high=0.6),
    ),
    objective=Huber(0.1),
    source="Krajewski et al. 2024, arXiv:2402.07871, eq. 9",
    verified="paper",
    published={
        "krajewski2024": Published(
            {"c": 0.47, "g": 2.1, "gamma": 0.58, "a": 18.1, "alpha": 0.115, "b": 30.8, "beta": 0.147},
            "Table 1, mixture of experts, expansion 64",
        )
    },
    traps="g and a part only with 3 granularities or more. The expansion (all experts over one layer) is fixed. Larger "
    "granularity always helps here: the cost of routing is not in the law.",
    derived=(granularity_multiplier,),
)
def moe_finegrained(N: Any, D: Any, G: Any, c: Any, g: Any, gamma: Any, a: Any, alpha: Any, b: Any, beta: Any) -> Any:
    r"""Loss of experts cut G times finer than a layer: :math:`L = c + (g/G^\gamma + a)/N^\alpha + b/D^\beta`.

    N are active parameters outside the embeddings, D tokens, G the width of a dense layer over that of an expert.
    """
    return c + (g / G**gamma + a) / N**alpha + b / D**beta


@define_derived(unit="nats/token")
def size_coefficient(a: Any, delta: Any, E_start: Any, E_max: Any, *, experts: Any) -> Any:
    """The coefficient m of N^mu at this number of experts."""
    return a * saturated_experts(experts, E_start, E_max) ** delta


@define_derived(unit="")
def size_exponent(alpha: Any, gamma: Any, E_start: Any, E_max: Any, *, experts: Any) -> Any:
    """The exponent mu of N^mu at this number of experts."""
    return alpha + gamma * np.log(saturated_experts(experts, E_start, E_max))


@define_derived(unit="nats/token")
def data_coefficient(b: Any, omega: Any, E_start: Any, E_max: Any, *, experts: Any) -> Any:
    """The coefficient n of D^nu at this number of experts."""
    return b * saturated_experts(experts, E_start, E_max) ** omega


@define_derived(unit="")
def data_exponent(beta: Any, zeta: Any, E_start: Any, E_max: Any, *, experts: Any) -> Any:
    """The exponent nu of D^nu at this number of experts."""
    return beta + zeta * np.log(saturated_experts(experts, E_start, E_max))


@define_derived(unit="parameters")
def optimal_params_active(
    a: Any, alpha: Any, delta: Any, gamma: Any, b: Any, beta: Any, omega: Any, zeta: Any, E_start: Any, E_max: Any,
    *, flops: Any, experts: Any,
) -> Any:  # fmt: skip
    """Active parameters of least loss for 6 N D = flops, at this number of experts."""
    log_E = np.log(saturated_experts(experts, E_start, E_max))
    mu, nu = -(alpha + gamma * log_E), -(beta + zeta * log_E)
    m, n = a * np.exp(delta * log_E), b * np.exp(omega * log_E)
    return (mu * m / (nu * n)) ** (1 / (mu + nu)) * (flops / 6) ** (nu / (mu + nu))


@define_law(
    inputs=("params_active", "tokens", "experts"),
    params=(
        scale("a"),
        real("alpha", low=-0.6, high=-0.05),
        real("delta", low=-0.6, high=0.3),
        real("gamma", low=-0.03, high=0.03),
        scale("b"),
        real("beta", low=-0.6, high=-0.05),
        real("omega", low=-0.3, high=0.9),
        real("zeta", low=-0.04, high=0.04),
        floor("c"),
        *_experts_between(),
    ),
    linear=("a", "b", "c"),
    objective=Huber(0.01),
    domain=EXPERTS,
    source="Ludziejewski et al. 2025, arXiv:2502.05172, eq. 6",
    verified="paper",
    published={
        "ludziejewski2025": Published(
            {
                "a": 35.91,
                "alpha": -0.1889,
                "delta": -0.2285,
                "gamma": 0.0098,
                "b": 35.98,
                "beta": -0.1775,
                "omega": 0.5529,
                "zeta": -0.0259,
                "c": 1.3637,
                "E_start": 2.0732,
                "E_max": 290.4521,
            },
            "Table 3, parameters with embeddings",
        )
    },
    traps="delta, omega, E_start and E_max need 4 numbers of experts or more, each at several N and D. Runs with fewer "
    "tokens than parameters do not follow it.",
    derived=(size_coefficient, size_exponent, data_coefficient, data_exponent, optimal_params_active),
)
def moe_joint(
    N: Any, D: Any, E: Any,
    a: Any, alpha: Any, delta: Any, gamma: Any, b: Any, beta: Any, omega: Any, zeta: Any,
    c: Any, E_start: Any, E_max: Any,
) -> Any:  # fmt: skip
    r"""Loss over active parameters, tokens and experts; at a fixed number of experts it is ``chinchilla``.

    .. math:: L = a \hat E^{\delta} N^{\alpha + \gamma \ln \hat E} + b \hat E^{\omega} D^{\beta + \zeta \ln \hat E} + c

    with :math:`\hat E` as in :func:`saturated_experts`. N counts the parameters that one token meets, embeddings
    included. The exponents alpha and beta carry their minus, as the paper prints them.
    """
    log_E = np.log(saturated_experts(E, E_start, E_max))
    of_size = np.exp(delta * log_E + (alpha + gamma * log_E) * np.log(N))
    of_data = np.exp(omega * log_E + (beta + zeta * log_E) * np.log(D))
    return a * of_size + b * of_data + c


@define_law(
    inputs=("params_total", "tokens", "sparsity"),
    params=(
        scale("a"),
        exponent("alpha"),
        scale("b"),
        exponent("beta"),
        scale("c"),
        real("lambda_", low=-0.5, high=-0.05),
        scale("d"),
        exponent("delta", low=0.05, high=0.6),
        exponent("gamma", low=0.05, high=0.6),
        floor("e"),
    ),
    domain=SPARSITY,
    source="Abnar et al. 2025, arXiv:2501.12370, eq. 6",
    verified="second source",
    published={
        "abnar2025": Published(
            {
                "a": 16612.50,
                "alpha": 0.5962,
                "b": 5455.67,
                "beta": 0.3954,
                "c": 0.4598,
                "lambda_": -0.1666,
                "d": 17.26,
                "delta": 0.1603,
                "gamma": 0.1595,
                "e": 0.94,
            },
            "Table 3; read in second texts",
        )
    },
    traps="Ten parameters, and with lambda near 0 the term of c is a second floor: sparsity must reach 0.9 or more at "
    "several sizes. Extrapolation to a larger sparsity is weak (R2 0.68 in the paper).",
)
def moe_sparsity_abnar(
    N: Any, D: Any, S: Any,
    a: Any, alpha: Any, b: Any, beta: Any, c: Any, lambda_: Any, d: Any, delta: Any, gamma: Any, e: Any,
) -> Any:  # fmt: skip
    r"""Loss over all parameters N, tokens D and the share S of experts that a token does not meet.

    .. math:: L = a N^{-\alpha} + b D^{-\beta} + c\,(1-S)^{-\lambda} + d\,(1-S)^{-\delta} N^{-\gamma} + e

    S is (E − K)/E for K of E experts at work; 0 is dense. The fitted lambda is negative.
    """
    return a / N**alpha + b / D**beta + c / (1 - S) ** lambda_ + d / ((1 - S) ** delta * N**gamma) + e
