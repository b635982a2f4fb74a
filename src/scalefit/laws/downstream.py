"""Scores on tasks: from pre-training data, from a loss, from size, from principal components of benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from scalefit.definition import define_law, formula_law
from scalefit.derived import define_derived
from scalefit.law import Array, Inputs, Law
from scalefit.law_math import log_add_exp, sigmoid
from scalefit.objectives import Huber, Square
from scalefit.parameter import Param, exponent, floor, real, scale

OLMO_LADDER = "Bhagia et al. 2024, arXiv:2412.04403"


@define_derived(unit="tokens")
def tokens_for_loss(E: Any, A: Any, alpha: Any, *, loss: Any) -> Any:
    """Pre-training tokens at which the downstream loss is reached."""
    return (A / (loss - E)) ** (1 / alpha)


@define_law(
    inputs=("tokens",),
    params=(floor("E"), scale("A"), exponent("alpha")),
    source="Isik et al. 2024, arXiv:2402.04177",
    verified="second source",
    traps="One size of fine-tuning set per fit. Fewer than 1.5 decades of pre-training tokens do not show the floor.",
    derived=(tokens_for_loss,),
)
def downstream_ce(D_p: Any, E: Any, A: Any, alpha: Any) -> Any:
    r"""Cross-entropy on a task after fine-tuning: :math:`L = E + A\,D_p^{-\alpha}`.

    ``tokens`` are those of pre-training. The loss may keep falling where the score of the same task gets worse.
    """
    return E + A / D_p**alpha


@define_derived(unit="tokens")
def tokens_for_score(A: Any, alpha: Any, beta: Any, *, score: Any) -> Any:
    """Pre-training tokens at which the score is reached."""
    return (np.exp(score ** (1 / beta)) / A) ** (1 / alpha)


def _bleu_log_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    A, alpha, beta = (theta[:, j, None] for j in range(3))
    log_D = np.log(inputs[0])
    with np.errstate(invalid="ignore", divide="ignore"):  # below one the logarithm has no power
        inner = np.log(A) + alpha * log_D
        value = inner**beta
        by_inner = beta * value / inner
        J = np.stack([by_inner / A, by_inner * log_D, value * np.log(inner)], axis=1)
    return value, J


@define_law(
    inputs=("tokens",),
    output="score",
    params=(
        scale("A", of="tokens**alpha", low=3.0, high=1e4),
        exponent("alpha", low=0.02, high=0.8),
        exponent("beta", low=0.3, high=6.0),
    ),
    source="Isik et al. 2024, arXiv:2402.04177",
    verified="second source",
    traps="Holds only where pre-training and task are aligned: with misaligned data the score may fall while the loss "
    "improves, so look for residuals of one sign at the large end. The form has no upper limit; the metric has one.",
    by_hand=_bleu_log_by_hand,
    derived=(tokens_for_score,),
)
def bleu_log(D_p: Any, A: Any, alpha: Any, beta: Any) -> Any:
    r"""Translation score (BLEU, COMET, ROUGE) after fine-tuning: :math:`f = (\ln(A\,D_p^{\alpha}))^{\beta}`.

    ``tokens`` are those of pre-training; the form means something only where :math:`A\,D_p^{\alpha} > 1`.
    """
    return (np.log(A) + alpha * np.log(D_p)) ** beta


@define_derived(unit="nats/token")
def loss_for_error(epsilon: Any, k: Any, gamma: Any, *, error: Any) -> Any:
    """The loss at which the mean error is reached."""
    return np.log(k / (epsilon - error)) / gamma


@define_law(
    inputs=("loss",),
    output="error",
    params=(floor("epsilon", unit=""), scale("k"), exponent("gamma", low=0.2, high=4.0)),
    objective=Square(on="raw"),
    source="Gadre et al. 2024, arXiv:2403.08540",
    verified="paper",
    traps="Average over tasks on which small models are above chance; models near chance say nothing about gamma.",
    derived=(loss_for_error,),
)
def err_exp(L: Any, epsilon: Any, k: Any, gamma: Any) -> Any:
    r"""Mean top-1 error of a loss: :math:`\mathrm{Err} = \epsilon - k\,e^{-\gamma L}`.

    :math:`\epsilon` is about the error of guessing; in the perplexity it reads :math:`\epsilon - k\,PP^{-\gamma}`.
    """
    return epsilon - k * np.exp(-gamma * L)


@define_derived(unit="nats/token")
def loss_for_accuracy(a: Any, k: Any, L_0: Any, b: Any, *, accuracy: Any) -> Any:
    """The loss at which the accuracy is reached, in the unit of the losses fitted."""
    return L_0 - np.log(a / (accuracy - b) - 1) / k


@define_derived(unit="")
def lowest_accuracy(a: Any, b: Any) -> Any:
    """The accuracy at very high loss: that of guessing, if the fit is sound."""
    return a + b


@define_derived(unit="per unit of loss")
def steepest_slope(a: Any, k: Any) -> Any:
    """How much accuracy changes with the loss at the midpoint, where it changes fastest."""
    return a * k / 4


@define_law(
    inputs=("loss",),
    output="accuracy",
    params=(
        Param("a", lower=-1.0, upper=0.0, low=-0.9, high=-0.1),
        Param("k", lower=0.0, low=0.5, high=15.0),
        Param("L_0", lower=0.0, low=0.2, high=4.0, unit="nats/token"),
        Param("b", lower=0.0, upper=1.0, low=0.5, high=1.0),
    ),
    objective=Square(on="raw"),
    source=f"{OLMO_LADDER}, second step",
    verified="paper",
    traps="The loss is that of the correct answers (bits per byte), not of running text. Both ends must be seen: with "
    "all models near chance fix a to chance - 1 and b to 1. Drop the first tenth of each run's checkpoints.",
    derived=(loss_for_accuracy, lowest_accuracy, steepest_slope),
)
def accuracy_sigmoid(L: Any, a: Any, k: Any, L_0: Any, b: Any) -> Any:
    r"""Accuracy of a task loss: :math:`\mathrm{Acc} = b + a/(1 + e^{-k(L - L_0)})`, with :math:`a < 0`.

    The second step of a chain from size and tokens to task loss to accuracy. :math:`b` is the accuracy at zero loss.
    """
    return a * sigmoid(k * (L - L_0)) + b


@define_derived(unit="nats/token")
def loss_for_accuracy_of_log_sigmoid(a: Any, k: Any, L_0: Any, *, accuracy: Any) -> Any:
    """The loss at which the accuracy is reached, in the unit of the losses fitted."""
    return L_0 + np.log(np.expm1((accuracy - 1) / a)) / k


@define_law(
    inputs=("loss",),
    output="accuracy",
    params=(
        Param("a", upper=0.0, low=-1.0, high=-0.05),
        Param("k", lower=0.0, low=0.5, high=15.0),
        Param("L_0", lower=0.0, low=0.2, high=4.0, unit="nats/token"),
    ),
    objective=Square(on="raw"),
    source=f"{OLMO_LADDER}, second step, the authors' code",
    verified="paper",
    traps="Falls in a straight line, without end, at high loss: no models at or below chance.",
    derived=(loss_for_accuracy_of_log_sigmoid,),
)
def accuracy_log_sigmoid(L: Any, a: Any, k: Any, L_0: Any) -> Any:
    r"""Accuracy of a task cross-entropy: :math:`\mathrm{Acc} = 1 - a \ln(1 - 1/(1 + e^{-k(L - L_0)}))`, :math:`a < 0`.

    The authors use it where the loss is the cross-entropy of the answer among the choices; it ends at 1, not at a
    fitted ceiling. Written with :math:`-\ln(1 - \sigma(z)) = \ln(1 + e^z)`, which cannot overflow.
    """
    return 1 + a * log_add_exp(0, k * (L - L_0))


def _single_step_by_hand(theta: Array, inputs: Inputs) -> tuple[Array, Array]:
    A, alpha, B, beta, E, p, q = (theta[:, j, None] for j in range(7))
    J = np.empty((len(theta), 7, len(inputs[0])))
    z = E
    for place, size, power, x in ((0, A, alpha, inputs[0]), (2, B, beta, inputs[1])):
        J[:, place] = np.exp(-power * np.log(x))
        J[:, place + 1] = -size * J[:, place] * np.log(x)
        z = z + size * J[:, place]
    J[:, 4] = 1.0
    J[:, 5] = sigmoid(z)
    J[:, :5] *= (p * J[:, 5] * sigmoid(-z))[:, None]
    J[:, 6] = 1.0
    return p * J[:, 5] + q, J


@define_law(
    inputs=("params", "tokens"),
    output="accuracy",
    params=(
        scale("A", of="params**-alpha", low=0.05, high=10.0),
        exponent("alpha"),
        scale("B", of="tokens**-beta", low=0.05, high=10.0),
        exponent("beta"),
        real("E", low=-6.0, high=2.0),
        Param("p", lower=-1.0, upper=0.0, low=-1.0, high=-0.2),
        Param("q", lower=0.0, upper=1.0, low=0.5, high=1.0),
    ),
    objective=Huber(),
    source=f"{OLMO_LADDER}, one-step variant, the authors' code",
    verified="paper",
    traps="Needs no losses but many runs: near the ceiling and near chance, off any ray of tokens per parameter.",
    by_hand=_single_step_by_hand,
)
def accuracy_single_step(N: Any, D: Any, A: Any, alpha: Any, B: Any, beta: Any, E: Any, p: Any, q: Any) -> Any:
    r"""Accuracy straight from size and data: :math:`q + p\,\sigma(A\,N^{-\alpha} + B\,D^{-\beta} + E)`.

    Slope and midpoint of the sigmoid are absorbed in A, B and E, which are not those of a loss: E may be negative.
    """
    return p * sigmoid(A / N**alpha + B / D**beta + E) + q


def make_observational(components: int) -> Law:
    r"""The observational law for a number of principal components: :math:`E = h\,\sigma(\beta^T S + \alpha)`.

    Parameters
    ----------
    components : int, 1 or more
        How many columns ``component_1``, ``component_2``, … a table has: coordinates of each model among the principal
        components of benchmark scores. They may be negative.

    Returns
    -------
    Law
        With parameters ``h``, ``alpha``, ``beta_1``, ``beta_2``, …

    Examples
    --------
    >>> make_observational(2).formula()
    'h * sigmoid(alpha + beta_1 * component_1 + beta_2 * component_2)'
    """
    inputs = [f"component_{i}" for i in range(1, components + 1)]
    slopes = [f"beta_{i}" for i in range(1, components + 1)]
    terms = " + ".join(f"{slope} * {name}" for slope, name in zip(slopes, inputs, strict=True))
    law = formula_law(
        f"h * sigmoid(alpha + {terms})",
        inputs=inputs,
        output="error",
        params=(Param("h", lower=0.8, upper=1.0, low=0.85, high=1.0), real("alpha"), *map(real, slopes)),
    )
    law = replace(
        law,
        name="observational" if components == 3 else f"observational_{components}",
        source="Ruan et al. 2024, arXiv:2405.10938, eq. 3 and 6",
        verified="paper",
        traps="Models of several families; the sign and size of a component are a convention, so compare fits only on "
        "the same components. Errors of 0 or 1 are fine here, and would not be on the logit scale.",
        domain=MappingProxyType(dict.fromkeys(inputs, (-np.inf, np.inf))),
    )
    about = rf"""Error on a task from {components} principal component{"s" * (components > 1)} of benchmark scores:
    :math:`\mathrm{{error}} = h\,\sigma(\beta^T S + \alpha)`.

    h is the error of the weakest models, 1 or a little less. Families differ in how much compute a component costs
    them, not in what it is worth.
    """
    object.__setattr__(law, "__doc__", about)
    return law


observational = make_observational(3)


@define_derived(unit="FLOP")
def equivalent_flops(theta: Any, nu: Any, *, capability: Any) -> Any:
    """Training compute at which this family has the capability: models of other families, in its currency."""
    return np.exp((capability - nu) / theta)


@define_law(
    inputs=("flops",),
    output="capability",
    params=(real("theta"), real("nu")),
    objective=Square(on="raw"),
    source="Ruan et al. 2024, arXiv:2405.10938, eq. 4 and 7",
    verified="paper",
    traps="One family per fit. A component's sign is a convention: turn it so that larger models have more of it.",
    derived=(equivalent_flops,),
)
def observational_compute(C: Any, theta: Any, nu: Any) -> Any:
    r"""Capability of one family of models: :math:`S = \theta \ln C + \nu`.

    The capability is a principal component of benchmark scores, or the fitted sum :math:`\beta^T S + \alpha` of
    ``observational``; then ``equivalent_flops`` places every model on the compute scale of this family.
    """
    return theta * np.log(C) + nu


@define_derived(unit="parameters")
def params_for_pass_rate(c: Any, alpha: Any, *, pass_rate: Any) -> Any:
    """Parameters at which the pass rate is reached."""
    return (c / -np.log(pass_rate)) ** (1 / alpha)


@define_law(
    inputs=("params",),
    output="pass_rate",
    params=(scale("c", of="params**-alpha", low=0.05, high=20.0), exponent("alpha")),
    objective=Square(on="log"),
    source="Hu et al. 2023, arXiv:2310.03262, eq. 3",
    verified="second source",
    traps="Pass rates as small as 1e-5 carry the fit: sample until something passes. Of instances of unlike difficulty "
    "fit each, then average: the mean pass rate bends where ln(-ln) of a single one is straight.",
    derived=(params_for_pass_rate,),
)
def pass_log_power(N: Any, c: Any, alpha: Any) -> Any:
    r"""Pass rate of one sample: :math:`-\ln \mathrm{PU} = c\,N^{-\alpha}`.

    Accelerated emergence is a curve of :math:`\ln(-\ln \mathrm{PU})` that bends down against :math:`\ln N`; this law
    is the straight line.
    """
    return np.exp(-c / N**alpha)


def choice_chain(nll: Any, correct: Sequence[int]) -> pd.DataFrame:
    """Every metric between the log-likelihoods of the choices of a question and its accuracy.

    Parameters
    ----------
    nll : array of (items, choices), nats
        Negative log-likelihood of each choice; NaN where an item has fewer choices.
    correct : (items,) ints
        Which choice is right.

    Returns
    -------
    DataFrame
        One row per item: ``log_p_vocab``, ``p_vocab`` (of the right choice), ``p_wrong`` (of all wrong ones),
        ``p_choices`` (its share among the choices), ``brier`` and ``accuracy``. Each step to the right follows compute
        less well (Schaeffer et al. 2024, arXiv:2406.04391): fit laws on the first three columns, not on the last.

    Examples
    --------
    >>> frame = choice_chain([[1.0, 2.0, 2.0]], correct=[0])
    >>> frame.round(4).iloc[0].to_dict()
    {'log_p_vocab': -1.0, 'p_vocab': 0.3679, 'p_wrong': 0.2707, 'p_choices': 0.5761, 'brier': 0.2695, 'accuracy': 1.0}
    """
    p = np.exp(-np.atleast_2d(np.asarray(nll, float)))
    right = np.arange(p.shape[1]) == np.asarray(correct)[:, None]
    p_vocab, total = np.sum(p, axis=1, where=right), np.nansum(p, axis=1)
    share = p / total[:, None]
    return pd.DataFrame(
        {
            "log_p_vocab": np.log(p_vocab),
            "p_vocab": p_vocab,
            "p_wrong": total - p_vocab,
            "p_choices": p_vocab / total,
            "brier": np.nansum((share - right) ** 2, axis=1),
            "accuracy": (np.nanargmax(p, axis=1) == np.asarray(correct)).astype(float),
        }
    )
