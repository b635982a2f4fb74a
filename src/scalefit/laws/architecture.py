"""Loss over the parts of an architecture and over where a model comes from: a teacher, a smaller model."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np

from scalefit.definition import define_law
from scalefit.derived import define_derived
from scalefit.law import Array, Inputs, Published
from scalefit.law_math import solve_root
from scalefit.objectives import Huber
from scalefit.parameter import Param, exponent, floor, real, scale


@define_derived(unit="")
def best_encoder_share(p_e: Any, p_d: Any) -> Any:
    """Share of the parameters that the encoder should have, whatever their number."""
    return p_e / (p_e + p_d)


@define_derived(unit="nats/token")
def loss_at_best_split(alpha: Any, p_e: Any, p_d: Any, L_inf: Any, *, params: Any) -> Any:
    """Loss when encoder and decoder share this many parameters in the best way."""
    share = p_e / (p_e + p_d)
    return alpha * (share * params) ** -p_e * ((1 - share) * params) ** -p_d + L_inf


@define_derived(unit="")
def split_penalty(p_e: Any, p_d: Any, *, encoder_share: Any) -> Any:
    """Factor on the loss above the floor for another share of the encoder than the best."""
    best = p_e / (p_e + p_d)
    return (best / encoder_share) ** p_e * ((1 - best) / (1 - encoder_share)) ** p_d


@define_law(
    inputs=("params_encoder", "params_decoder"),
    params=(scale("alpha"), exponent("p_e"), exponent("p_d"), floor("L_inf")),
    linear=("alpha", "L_inf"),
    source="Ghorbani et al. 2021, arXiv:2109.07740",
    verified="memory",
    traps="Encoder and decoder must vary apart: runs off the symmetric diagonal. The paper divides each size by that "
    "of a baseline model; here the sizes are raw, so alpha absorbs both normalisers.",
    derived=(best_encoder_share, loss_at_best_split, split_penalty),
)
def nmt_bivariate(N_e: Any, N_d: Any, alpha: Any, p_e: Any, p_d: Any, L_inf: Any) -> Any:
    r"""Loss of an encoder and a decoder: :math:`L = \alpha\,N_e^{-p_e} N_d^{-p_d} + L_\infty`."""
    return alpha / N_e**p_e / N_d**p_d + L_inf


@define_derived(unit="")
def size_multiplier(k: Any, *, streams: Any) -> Any:
    """How many times larger a model of one stream is that reaches the same loss."""
    return 1 + k * np.log(streams)


@define_law(
    inputs=("params", "streams"),
    params=(
        floor("E"),
        scale("A", of="1/params", low=1e-5, high=10.0, unit="parameters"),
        exponent("alpha"),
        exponent("k", low=0.05, high=1.5),
    ),
    domain={"streams": (1.0, np.inf)},
    source="Chen et al. 2025, arXiv:2505.10475, and its fitting script",
    verified="paper",
    traps="k and alpha part only with 3 numbers of streams or more, each at several sizes. All models see the same "
    "number of tokens: the law has no data axis.",
    derived=(size_multiplier,),
)
def parscale(N: Any, P: Any, E: Any, A: Any, alpha: Any, k: Any) -> Any:
    r"""Loss of N parameters run as P parallel streams: :math:`L = E + \left[A / (N (k \ln P + 1))\right]^\alpha`.

    N counts parameters outside the embeddings, with the few that streams add.
    """
    return E + (A / (N * (k * np.log(P) + 1))) ** alpha


@define_derived(unit="parameters")
def optimal_params_vocabulary(
    A_2: Any, alpha_2: Any, B: Any, beta: Any, *, params_non_vocabulary: Any, flops: Any
) -> Any:
    """Embedding parameters of least loss for 6 (N_nv + N_v) D = flops, the rest of the model given."""

    def surplus(log_v: Any) -> Any:
        # Tokens lost to a larger embedding against what it gains, as a difference of logs.
        whole = params_non_vocabulary + np.exp(log_v)
        lost = np.log(beta * B) + beta * np.log(6 / flops) + (beta - 1) * np.log(whole)
        return lost - np.log(alpha_2 * A_2) + (alpha_2 + 1) * log_v

    middle = np.log(params_non_vocabulary) - 3
    return np.exp(solve_root(surplus, middle, middle - 100, middle + 100))


@define_law(
    inputs=("params_non_vocabulary", "params_vocabulary", "tokens"),
    output="loss_unigram_normalized",
    params=(
        floor("E"),
        scale("A_1"),
        exponent("alpha_1"),
        scale("A_2"),
        exponent("alpha_2"),
        scale("B"),
        exponent("beta"),
    ),
    objective=Huber(on="raw"),
    source="Tao et al. 2024, arXiv:2407.13623, and its fitting script",
    verified="paper",
    published={
        "tao2024": Published(
            {
                "E": 5.5327846803337435,
                "A_1": 1.8313851559554126 * 1e6**0.44660634152009615,
                "alpha_1": 0.44660634152009615,
                "A_2": 0.19584238398665638 * 1e6**0.6707374679896795,
                "alpha_2": 0.6707374679896795,
                "B": 2.1241123120064955 * 1e9**0.44660634152009615,
                "beta": 0.44660634152009615,
            },
            "fitting script, alpha_1 = beta; there parameters are in 1e6 and tokens in 1e9, here they are counts",
        )
    },
    traps="Several vocabularies at each size and number of tokens. Tie beta to alpha_1 as the paper does. More "
    "vocabulary makes fewer tokens of the same text: count the tokens of each run with its own tokenizer.",
    derived=(optimal_params_vocabulary,),
)
def vocab(
    N_nv: Any, N_v: Any, D: Any,
    E: Any, A_1: Any, alpha_1: Any, A_2: Any, alpha_2: Any, B: Any, beta: Any,
) -> Any:  # fmt: skip
    r"""Loss over the size of the vocabulary, less the loss of a unigram model of the same tokens (so it is negative).

    .. math:: L_u = -E + A_1 N_{nv}^{-\alpha_1} + A_2 N_v^{-\alpha_2} + B\,D^{-\beta}

    N_v are the parameters of the embedding (vocabulary times width), N_nv all others, D tokens. Subtracting the unigram
    loss makes vocabularies comparable.
    """
    return -E + A_1 / N_nv**alpha_1 + A_2 / N_v**alpha_2 + B / D**beta


@define_derived(unit="nats/token")
def capacity_gap_loss(d_1: Any, *, loss_supervised: Any) -> Any:
    """Loss of the teacher about which the student's bends: a far better teacher no longer helps this student."""
    return d_1 * loss_supervised


def _distillation_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    A, alpha, B, beta, gamma, c_0, c_1, f_1, d_1 = (theta[:, j, None] for j in range(9))
    log_N, log_D, log_T, log_S = (np.log(x) for x in inputs)
    J = np.empty((len(theta), 9, len(log_N)))
    np.exp(-alpha * log_N, out=J[:, 0])
    np.exp(-beta * log_D, out=J[:, 2])
    of_size, of_data = A * J[:, 0], B * J[:, 2]
    inner = of_size + of_data
    z = (log_T - log_S - np.log(d_1)) / f_1
    bend, share = np.logaddexp(0.0, z), np.exp(-np.logaddexp(0.0, -z))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_inner = np.log(inner)
        term = np.exp(gamma * log_inner - c_0 * log_T - c_1 * f_1 * bend)
        J[:, 1], J[:, 3] = -log_N * of_size, -log_D * of_data
        J[:, :4] *= (gamma * term / inner)[:, None]
        J[:, 4] = log_inner * term
    J[:, 5] = -log_T * term
    J[:, 6] = -f_1 * bend * term
    J[:, 7] = c_1 * (z * share - bend) * term
    J[:, 8] = c_1 * share / d_1 * term
    return inputs[2] + term, J


@define_law(
    inputs=("params", "tokens", "loss_teacher", "loss_supervised"),
    params=(
        scale("A", of="params**-alpha"),
        exponent("alpha"),
        scale("B", of="tokens**-beta"),
        exponent("beta"),
        exponent("gamma", low=0.15, high=1.5),
        exponent("c_0", low=0.0, high=4.0),
        Param("c_1", lower=0.0, upper=1e4, low=0.5, high=50.0, coordinate="log"),
        scale("f_1", low=0.05, high=1.0),
        scale("d_1", low=0.5, high=2.0),
    ),
    objective=Huber(1e-4),
    source="Busbridge et al. 2025, arXiv:2502.08606, eq. 8",
    verified="paper",
    published={
        "busbridge2025": Published(
            {
                "A": 2243.0,
                "alpha": 0.321,
                "B": 24181.0,
                "beta": 0.637,
                "gamma": 0.764,
                "c_0": 2.549,
                "c_1": 522.6,
                "f_1": 0.090,
                "d_1": 1.315,
            },
            "Table 6, non-embedding parameters, C4",
        )
    },
    traps="c_1 and f_1 trade off: the data fix their product unless some teachers are worse than their students would "
    "be alone. Teachers over a range of losses with one student, and students over a range of sizes with one teacher.",
    by_hand=_distillation_by_hand,
    derived=(capacity_gap_loss,),
)
def distillation(
    N: Any, D: Any, L_T: Any, L_s: Any,
    A: Any, alpha: Any, B: Any, beta: Any, gamma: Any, c_0: Any, c_1: Any, f_1: Any, d_1: Any,
) -> Any:  # fmt: skip
    r"""Loss of a student of N parameters distilled on D tokens from a teacher of loss L_T.

    .. math::
        L_S = L_T + L_T^{-c_0} \left[1 + \left(\frac{L_T}{\tilde L_S d_1}\right)^{1/f_1}\right]^{-c_1 f_1}
        \left(A\,N^{-\alpha} + B\,D^{-\beta}\right)^{\gamma}

    The teacher enters by its loss alone. The column ``loss_supervised`` holds what the same student reaches on the
    same tokens without a teacher: measured, or predicted by ``chinchilla_gamma`` fitted to runs without teachers, as
    the paper does. A to gamma carry primes in the paper. As c_1 grows the bracket becomes an exponential and only
    :math:`c_1 f_1 d_1^{-1/f_1}` matters, so c_1 is bounded: at its bound the data hold no more than that.
    """
    return (
        L_T + L_T**-c_0 * (1 + (L_T / (L_s * d_1)) ** (1 / f_1)) ** (-c_1 * f_1) * (A / N**alpha + B / D**beta) ** gamma
    )


UPCYCLING = "Liew et al. 2025, arXiv:2502.03009, as listed by a benchmark on its runs"
UPCYCLING_TRAPS = (
    "All runs must share the tokens of the dense model and those after upcycling: the law has no data axis. Ratios of "
    "total to active parameters and active parameters must vary apart."
)
SIZES = ("params_total", "params_active")


@define_law(
    inputs=SIZES,
    params=(scale("A"), exponent("a", high=0.8), exponent("b", high=0.8), floor("E")),
    source=UPCYCLING,
    verified="second source",
    traps=UPCYCLING_TRAPS,
)
def upcycling_product(N_all: Any, N: Any, A: Any, a: Any, b: Any, E: Any) -> Any:
    r"""Loss of an upcycled mixture of experts as a product of powers: :math:`L = A\,P^{-a} N^{-b} + E`.

    P is all parameters over the active ones N. In the paper A and E are :math:`e^{d_1}` and :math:`e^{d_3}`.
    """
    return A / (N_all / N) ** a / N**b + E


@define_law(
    inputs=SIZES,
    params=(
        scale("A"),
        real("a", low=-1.0, high=2.0),
        exponent("b", high=0.8),
        real("c", low=-0.1, high=0.1),
        floor("E"),
    ),
    source=UPCYCLING,
    verified="second source",
    traps=UPCYCLING_TRAPS + " a and b change with the unit of parameters, for c mixes them.",
)
def upcycling_product_interaction(N_all: Any, N: Any, A: Any, a: Any, b: Any, c: Any, E: Any) -> Any:
    r"""Loss of an upcycled mixture of experts, with an interaction: :math:`L = A\,P^{-a} N^{-b} e^{c \ln P \ln N} + E`.

    P is all parameters over the active ones N. With c above 0 more experts help a larger model less.
    """
    return A * (N_all / N) ** (c * np.log(N) - a) / N**b + E


@define_law(
    inputs=SIZES,
    params=(scale("A"), exponent("a"), scale("B"), exponent("b", high=0.8), floor("E")),
    source=UPCYCLING,
    verified="second source",
    traps=UPCYCLING_TRAPS,
)
def upcycling_sum(N_all: Any, N: Any, A: Any, a: Any, B: Any, b: Any, E: Any) -> Any:
    r"""Loss of an upcycled mixture of experts as a sum of powers: :math:`L = A\,P^{-a} + B\,N^{-b} + E`.

    P is all parameters over the active ones N.
    """
    return A / (N_all / N) ** a + B / N**b + E


@define_law(
    inputs=SIZES,
    params=(
        scale("A"),
        exponent("a"),
        scale("B"),
        exponent("b", high=0.8),
        real("c", low=-0.1, high=0.1),
        floor("E"),
    ),
    source=UPCYCLING,
    verified="second source",
    traps=UPCYCLING_TRAPS + " Of six parameters two describe P: it needs 5 values or more over a decade.",
)
def upcycling_sum_interaction(N_all: Any, N: Any, A: Any, a: Any, B: Any, b: Any, c: Any, E: Any) -> Any:
    r"""Loss of an upcycled mixture of experts, a sum with an interaction.

    .. math:: L = A\,P^{-a} + B\,N^{-b} e^{c \ln P \ln N} + E

    P is all parameters over the active ones N.
    """
    return A / (N_all / N) ** a + B * (N_all / N) ** (c * np.log(N)) / N**b + E


@define_derived(unit="")
def irreducible_error(Z: Any, eta: Any, *, active_latents: Any) -> Any:
    """Error that is left with any number of latents."""
    return Z * active_latents**eta


def _sae_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    A, beta_k, beta_n, gamma, Z, eta = (theta[:, j, None] for j in range(6))
    log_n, log_k = np.log(inputs[0]), np.log(inputs[1])
    J = np.empty((len(theta), 6, len(log_n)))
    J[:, 0] = np.exp(beta_k * log_k + (beta_n + gamma * log_k) * log_n)
    J[:, 4] = np.exp(eta * log_k)
    latents, floor_ = A * J[:, 0], Z * J[:, 4]
    J[:, 1], J[:, 2], J[:, 3] = latents * log_k, latents * log_n, latents * (log_k * log_n)
    J[:, 5] = floor_ * log_k
    return latents + floor_, J


@define_law(
    inputs=("latents", "active_latents"),
    output="reconstruction_error",
    params=(
        scale("A"),
        real("beta_k", low=-1.0, high=1.0),
        real("beta_n", low=-1.0, high=0.3),
        real("gamma", low=-0.1, high=0.1),
        scale("Z"),
        real("eta", low=-1.0, high=0.2),
    ),
    source="Gao et al. 2024, arXiv:2406.04093, eq. 3",
    verified="second source",
    published={
        "gao2024": Published(
            {"A": exp(-0.50), "beta_k": 0.26, "beta_n": -0.017, "gamma": -0.042, "Z": exp(-1.32), "eta": -0.085},
            "eq. 3, alpha = ln A = -0.50 and zeta = ln Z = -1.32, GPT-4; read in a second text",
        )
    },
    traps="Latents over two decades or more at each number of active ones: the floor is seen only where curves bend.",
    by_hand=_sae_by_hand,
    derived=(irreducible_error,),
)
def sae(n: Any, k: Any, A: Any, beta_k: Any, beta_n: Any, gamma: Any, Z: Any, eta: Any) -> Any:
    r"""Reconstruction error of a sparse autoencoder of n latents, k of them active.

    .. math:: L = A\,k^{\beta_k} n^{\beta_n} e^{\gamma \ln k \ln n} + Z\,k^{\eta}

    The paper writes :math:`A = e^\alpha` and :math:`Z = e^\zeta`. Error is relative to the variance.
    """
    return A * k**beta_k * n ** (beta_n + gamma * np.log(k)) + Z * k**eta
