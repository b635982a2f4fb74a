"""Loss where data are repeated: what another pass over the same tokens is worth."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from typing import Any

import numpy as np

from scalefit.definition import define_law
from scalefit.derived import define_derived
from scalefit.errors import LawError
from scalefit.law import Array, Inputs, Law, Published
from scalefit.law_math import maximum, minimum, positive_part
from scalefit.objectives import Square
from scalefit.parameter import Param, exponent, floor, scale

#: Beyond this ln(N / U_N) a model is so much too large that e^(-R_N / R_N*) is zero in any case.
LARGEST_EXCESS = 300.0
#: A worth that does not decay: the fit then ends on this bound instead of running away.
NEVER = 1e12
#: Past this pass the utility of repeated samples is held: it has halved many times by then.
LAST_PASS = 512


def _saturating(repeats: Any, R_star: Any) -> Any:
    """What repeats are worth in fresh passes: near their number while few, R_star in the end."""
    return -R_star * np.expm1(-repeats / R_star)


def _constrained_loss(
    N: Any, D: Any, U: Any, E: Any, A: Any, alpha: Any, B: Any, beta: Any, R_D_star: Any, R_N_star: Any
) -> Any:
    U, R_D = np.minimum(U, D), np.maximum(D / U, 1) - 1
    effective_D = U * (1 + _saturating(R_D, R_D_star))
    # At U_N both terms gain alike: alpha A / U_N^alpha = beta B / U^beta. So A / U_N^alpha is had without U_N, which
    # leaves the range of floats at small exponents.
    at_N, at_optimum = A / N**alpha, beta / alpha * B / U**beta
    log_ratio = positive_part(np.log(at_optimum / at_N)) / alpha
    R_N = np.expm1(minimum(log_ratio, LARGEST_EXCESS))
    size = maximum(at_N, at_optimum) / (1 + _saturating(R_N, R_N_star)) ** alpha
    return E + size + B / effective_D**beta


@define_derived(unit="")
def value_of_repetition(R_D_star: Any, *, repetition: Any) -> Any:
    """What the r-th repetition of the data is worth, one being fresh data; repetition 0 is the first pass."""
    return np.exp(-repetition / R_D_star)


@define_derived(unit="epochs")
def repetition_half_life(R_D_star: Any) -> Any:
    """How many repetitions it takes until one more pass is worth half of fresh data."""
    return R_D_star * np.log(2)


@define_derived(unit="tokens")
def effective_tokens(R_D_star: Any, *, tokens: Any, unique_tokens: Any) -> Any:
    """How many fresh tokens the tokens seen are worth."""
    R_D = np.maximum(tokens / unique_tokens, 1) - 1
    return np.minimum(unique_tokens, tokens) * (1 + _saturating(R_D, R_D_star))


@define_derived(unit="tokens")
def most_effective_tokens(R_D_star: Any, *, unique_tokens: Any) -> Any:
    """How many fresh tokens the unique tokens are worth at most, however often they are repeated."""
    return unique_tokens * (1 + R_D_star)


@define_derived(unit="parameters")
def params_for_unique_tokens(A: Any, alpha: Any, B: Any, beta: Any, *, unique_tokens: Any) -> Any:
    """The largest model whose parameters count in full: compute-optimal for one pass over the unique tokens."""
    return (alpha * A / (beta * B) * unique_tokens**beta) ** (1 / alpha)


@define_derived(unit="parameters")
def optimal_params(
    A: Any, alpha: Any, B: Any, beta: Any, R_D_star: Any, R_N_star: Any, *, flops: Any, unique_tokens: Any
) -> Any:
    """The number of parameters with the lowest loss for a compute of 6 N D, the data repeated as often as needed."""

    def loss(log_N: Any) -> Any:
        D = flops / 6 / np.exp(log_N)
        return _constrained_loss(np.exp(log_N), D, unique_tokens, 0.0, A, alpha, B, beta, R_D_star, R_N_star)

    # One to 6e11 tokens per parameter; golden sections, so that arrays of draws are searched at once.
    start = np.asarray(0.5 * np.log(flops / 6))
    low, high, section = start - 13.6, start + 13.6, (np.sqrt(5) - 1) / 2
    for _ in range(90):
        a, b = high - section * (high - low), low + section * (high - low)
        keep_low = loss(a) < loss(b)
        low, high = np.where(keep_low, low, a), np.where(keep_low, b, high)
    return np.exp(0.5 * (low + high))


def _saturation(repeats: Array, R_star: Array) -> tuple[Array, Array, Array]:
    """One and the worth of repeats; its slopes by the repeats and by R_star."""
    share = repeats / R_star
    left = np.exp(-share)
    return 1 - R_star * np.expm1(-share), left, -np.expm1(-share) - share * left


def _data_constrained_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    E, A, alpha, B, beta, R_D_star, R_N_star = (theta[:, j, None] for j in range(7))
    N, D, U = inputs
    log_N, log_U = np.log(N), np.log(np.minimum(U, D))
    J = np.empty((len(theta), 7, len(N)))
    J[:, 0] = 1.0
    worth, _, by_R_D = _saturation(np.maximum(D / np.minimum(U, D), 1) - 1, R_D_star)
    log_D = log_U + np.log(worth)
    J[:, 3] = np.exp(-beta * log_D)
    tokens = B * J[:, 3]
    J[:, 4], J[:, 5] = -tokens * log_D, -tokens * beta / worth * by_R_D
    log_at_N, log_at_optimum = np.log(A) - alpha * log_N, np.log(beta / alpha * B) - beta * log_U
    large = log_at_optimum > log_at_N
    log_ratio = np.where(large, log_at_optimum - log_at_N, 0.0) / alpha
    excess = np.exp(np.minimum(log_ratio, LARGEST_EXCESS))
    worth, left, by_R_N = _saturation(excess - 1, R_N_star)
    size = np.exp(np.maximum(log_at_N, log_at_optimum)) / worth**alpha
    # What a change of ln(N / U_N) takes from the logarithm of the term; alpha stands in the ratio's denominator too.
    excess_felt = np.where(large & (log_ratio < LARGEST_EXCESS), left * excess / worth, 0.0)
    at_U, at_N = np.where(large, 1 - excess_felt, 0.0), np.where(large, excess_felt, 1.0)
    J[:, 1] = size * at_N / A
    J[:, 2] = size * (excess_felt * log_ratio - at_U / alpha - at_N * log_N - np.log(worth))
    J[:, 3] += size * at_U / B
    J[:, 4] += size * at_U * (1 / beta - log_U)
    J[:, 6] = -size * alpha / worth * by_R_N
    return E + size + tokens, J


@define_law(
    inputs=("params", "tokens", "unique_tokens"),
    params=(
        floor("E"),
        scale("A", of="params**-alpha", low=0.1, high=3.0),
        exponent("alpha", low=0.2, high=0.5),
        scale("B", of="tokens**-beta", low=0.1, high=3.0),
        exponent("beta", low=0.2, high=0.5),
        Param("R_D_star", 0.0, NEVER, low=3.0, high=50.0, unit="epochs", coordinate="log"),
        Param("R_N_star", 0.0, NEVER, low=1.0, high=30.0, coordinate="log"),
    ),
    linear=("E",),
    source="Muennighoff et al. 2023, arXiv:2305.16264, eq. 5-7, and the authors' code",
    verified="paper",
    published={
        "muennighoff2023": Published(
            {
                "E": exp(0.6254804),
                "A": exp(6.255414),
                "alpha": 0.3526596,
                "B": exp(7.3049974),
                "beta": 0.3526596,
                "R_D_star": 15.387756,
                "R_N_star": 5.309743,
            },
            "C4, unrounded constants of the authors' code; alpha = beta",
        )
    },
    traps="R_D_star needs runs of many passes, R_N_star models larger than is optimal for their unique tokens, and the "
    "other five single-pass runs off one ray of tokens per parameter. The loss of this law never rises with more "
    "passes: leave out runs that over-fit.",
    by_hand=_data_constrained_by_hand,
    derived=(
        value_of_repetition,
        repetition_half_life,
        effective_tokens,
        most_effective_tokens,
        params_for_unique_tokens,
        optimal_params,
    ),
)
def data_constrained(
    N: Any, D: Any, U: Any, E: Any, A: Any, alpha: Any, B: Any, beta: Any, R_D_star: Any, R_N_star: Any
) -> Any:
    r"""Loss of N parameters on D tokens of which U are distinct: :math:`L = E + A\,N'^{-\alpha} + B\,D'^{-\beta}`.

    .. math::
        D' = U\bigl(1 + R_D^*(1 - e^{-R_D/R_D^*})\bigr),\quad R_D = D/U - 1

        N' = U_N\bigl(1 + R_N^*(1 - e^{-R_N/R_N^*})\bigr),\quad R_N = \max(N/U_N - 1,\ 0)

        U_N = \min\bigl(N,\ G\,(G U)^{\beta/\alpha}\bigr),\quad
        G = \Bigl(\frac{\alpha A}{\beta B}\Bigr)^{1/(\alpha+\beta)}

    Repeated tokens, and parameters beyond what the unique tokens can fill, lose their worth exponentially. With U = D
    (or more) no token is repeated, but a model larger than the optimal :math:`U_N` still counts for less: the law is
    then not quite Chinchilla's.

    G follows from the coefficients, so that one call fits all seven. The authors fit in two stages, and G then stays
    as the first left it: fit ``chinchilla`` to single-pass runs, then this law with those five in ``fixed``::

        first = sf.fit(single_pass, "chinchilla", tie={"beta": "alpha"})
        second = sf.fit(repeated, "data_constrained", fixed=first.estimates)

    An estimate of :math:`R_D^*` or :math:`R_N^*` at its bound of 1e12 says that no decay is seen.
    """
    return _constrained_loss(N, D, U, E, A, alpha, B, beta, R_D_star, R_N_star)


def _log_samples_per_pass(n: Any, size: Any) -> Any:
    """What each pass adds to ln n: (passes, rows), the first row ln of the samples seen in the first pass."""
    passes = n / size
    count = int(min(max(np.ceil(np.max(passes)), 1), LAST_PASS))
    j = np.arange(1, count)[:, None]
    end = np.where(j == LAST_PASS - 1, np.inf, j + 1.0)
    later = np.log(np.maximum(np.minimum(passes, end), j) / j)
    return np.concatenate([np.log(np.minimum(n, size))[None], later])


def _log_error_left(n: Any, size: Any, shares: Sequence[Any], b: Sequence[Any], tau: Sequence[Any]) -> Any:
    """The logarithm of ``(y - d) / a``: each pass counts at the utility that is left in it."""
    added = _log_samples_per_pass(np.atleast_1d(n), np.atleast_1d(size))
    j = np.arange(len(added))[:, None]
    utility = 0.0
    for h, b_i, tau_i in zip(shares, b, tau, strict=True):
        half_lives = j * h / np.asarray(tau_i)[..., None]
        utility = utility + h * np.asarray(b_i)[..., None] * np.exp(-log(2) * half_lives)
    return np.sum(utility * added, axis=-2)


@define_derived(unit="")
def utility_at_pass(b: Any, tau: Any, *, epochs: Any) -> Any:
    """The exponent at which the error falls after so many full passes; b at none."""
    return b * np.exp2(-epochs / tau)


@define_law(
    inputs=("samples", "unique_samples"),
    output="error",
    params=(
        scale("a"),
        Param("b", upper=0.0, low=-0.5, high=-0.005),
        scale("tau", low=1.0, high=10.0, unit="epochs"),
        floor("d", unit=""),
    ),
    linear=("a", "d"),
    objective=Square(on="raw"),
    source="Goyal et al. 2024, arXiv:2404.07177, eq. 2 and 3",
    verified="paper",
    traps="tau needs three passes or more. One pool alone fixes a, b and d only weakly: fit several pools with "
    "make_data_filtering_pools, which shares a and d. The authors' code divides n by 1e5 and raises a to the power b "
    "too: their a is not this one.",
    derived=(utility_at_pass,),
)
def data_filtering(n: Any, size: Any, a: Any, b: Any, tau: Any, d: Any) -> Any:
    r"""Error after n samples drawn in k passes over one pool: :math:`y = a\,n_1^{b_0}\prod_j(n_{j+1}/n_j)^{b_j} + d`.

    :math:`n_j` are the samples seen after j passes (the last may be partial) and :math:`b_j = b\,2^{-j/\tau}` with
    b < 0: the utility of the pool halves every :math:`\tau` passes. ``unique_samples`` is the size of the pool. The
    error's floor d is added once, after the product. Past 512 passes the utility is held.
    """
    return a * np.exp(_log_error_left(n, size, (1.0,), (b,), (tau,))) + d


def make_data_filtering_pools(pools: int) -> Law:
    r"""The law of ``data_filtering`` for runs on mixtures of several pools of equal size.

    .. math::
        b_{\mathrm{eff}}(j) = \frac1p\sum_i b_i\,2^{-j/(p\,\tau_i)}

    in place of :math:`b_j`, the sum over the p pools that a run mixes uniformly: a sample of a mixture comes back p
    times less often, so its utility lasts p times longer (the theorem of Goyal et al. 2024, eq. 4).

    Parameters
    ----------
    pools : int, >= 1
        How many pools there are in all. A run may use any of them: ``share_1``, ``share_2``, … are 1/p for the p pools
        that it uses and 0 for the others, and ``unique_samples`` is the size of their union. Unequal shares are
        accepted and weigh each pool's utility, which goes beyond the theorem.

    Returns
    -------
    Law
        With parameters ``a``, ``d`` (of all pools) and ``b_i``, ``tau_i`` of each.

    Examples
    --------
    >>> law = make_data_filtering_pools(2)
    >>> law.inputs
    ('samples', 'unique_samples', 'share_1', 'share_2')
    >>> law.param_names
    ('a', 'd', 'b_1', 'b_2', 'tau_1', 'tau_2')
    """
    if pools < 1:
        raise LawError(f"make_data_filtering_pools needs 1 pool or more; got {pools!r}.")
    names = [str(i + 1) for i in range(pools)]

    def equation(n: Any, size: Any, *values: Any) -> Any:
        shares, (a, d), rest = values[:pools], values[pools : pools + 2], values[pools + 2 :]
        return a * np.exp(_log_error_left(n, size, shares, rest[:pools], rest[pools:])) + d

    equation.__name__ = "data_filtering_pools" if pools == 3 else f"data_filtering_pools_{pools}"
    law = Law(
        name=equation.__name__,
        function=equation,
        inputs=("samples", "unique_samples", *(f"share_{name}" for name in names)),
        output="error",
        params=(
            scale("a"),
            floor("d", unit=""),
            *(Param(f"b_{name}", upper=0.0, low=-0.5, high=-0.005) for name in names),
            *(scale(f"tau_{name}", low=1.0, high=10.0, unit="epochs") for name in names),
        ),
        linear=("a", "d"),
        objective=Square(on="raw"),
        source="Goyal et al. 2024, arXiv:2404.07177, eq. 3 and 4",
        verified="paper",
        traps="Each pool is needed on its own and in mixtures, and for three passes or more.",
        domain={f"share_{name}": (0.0, 1.0) for name in names},
    )
    object.__setattr__(law, "__doc__", make_data_filtering_pools.__doc__)
    return law


#: Three pools and their mixtures.
data_filtering_pools = make_data_filtering_pools(3)
