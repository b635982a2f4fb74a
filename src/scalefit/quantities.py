"""The vocabulary of columns: what each known column is called, its unit, its usual range and its other names."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeVar

from scalefit.errors import DataError


class Divisible(Protocol):
    """Anything that can be divided by a number: a float, an array, a Series."""

    def __truediv__(self, other: float, /) -> Any: ...


Numbers = TypeVar("Numbers", bound=Divisible)


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A column that scalefit knows by name.

    Attributes
    ----------
    name : str
        The name of the column in a table of runs.
    unit : str
        The unit of its numbers; empty for names and labels.
    label : str
        What stands on the axis of a plot, with the unit.
    low, high : float
        The usual range; a number outside is probably in another unit.
    aliases : tuple of str
        Other names under which tables hold it.
    positive : bool
        Whether zero and negative numbers make no sense.
    if_low, if_high : str
        What a number below ``low`` or above ``high`` probably means, and the factor that repairs it.
    """

    name: str
    unit: str
    label: str
    low: float = -math.inf
    high: float = math.inf
    aliases: tuple[str, ...] = ()
    positive: bool = False
    if_low: str = ""
    if_high: str = ""


_COUNT_IN_MILLIONS = "probably in millions or billions; multiply by 1e6 or 1e9"
_NOT_NATS = "probably a perplexity (take the log) or summed over tokens (divide by their number)"


def _params(name: str, label: str, *aliases: str) -> Quantity:
    return Quantity(
        name=name, unit="parameters", label=label, low=1e3, high=1e15, aliases=aliases, positive=True,
        if_low=_COUNT_IN_MILLIONS, if_high="probably not a number of parameters",
    )  # fmt: skip


def _tokens(name: str, label: str, *aliases: str) -> Quantity:
    return Quantity(
        name=name, unit="tokens", label=label, low=1e3, high=1e17, aliases=aliases, positive=True,
        if_low=_COUNT_IN_MILLIONS, if_high="probably FLOP and not tokens",
    )  # fmt: skip


def _loss(name: str, label: str, *aliases: str) -> Quantity:
    return Quantity(
        name=name, unit="nats/token", label=f"{label} (nats per token)", low=0.0, high=30.0, aliases=aliases,
        positive=True, if_high=_NOT_NATS,
    )  # fmt: skip


def _count(name: str, unit: str, label: str, *aliases: str, positive: bool = True) -> Quantity:
    return Quantity(name=name, unit=unit, label=label, aliases=aliases, positive=positive)


def _share(name: str, label: str, *aliases: str) -> Quantity:
    return Quantity(
        name=name, unit="", label=label, low=0.0, high=1.0, aliases=aliases,
        if_low=f"below zero, so probably not a {label}", if_high="probably in percent; divide by 100",
    )  # fmt: skip


def _name(name: str, label: str, *aliases: str) -> Quantity:
    return Quantity(name=name, unit="", label=label, aliases=aliases)


_KNOWN = (
    _params("params", "parameters N", "N", "n_params", "num_params", "model_size", "parameters", "Params"),
    _params("params_non_embedding", "parameters outside the embeddings", "non_embedding_params", "N_non_embedding"),
    _params("params_total", "parameters, all experts counted", "total_params"),
    _params("params_active", "parameters active for one token", "active_params"),
    _params("params_encoder", "encoder parameters", "encoder_params", "N_e"),
    _params("params_decoder", "decoder parameters", "decoder_params", "N_d"),
    _tokens("tokens", "training tokens D", "D", "n_tokens", "num_tokens", "train_tokens", "training_tokens",
            "tokens_seen", "Tokens"),
    _tokens("unique_tokens", "distinct training tokens", "n_unique_tokens", "num_unique_tokens"),
    Quantity(
        name="flops", unit="FLOP", label="training compute C (FLOP)", low=1e6, high=1e31, positive=True,
        aliases=("C", "compute", "train_flops", "training_flops"),
        if_low="probably in EFLOP, ZFLOP or PFLOP-days; multiply by 1e18, 1e21 or 8.64e19",
        if_high="probably not FLOP",
    ),
    Quantity(name="flop_budget", unit="FLOP", label="compute budget (FLOP)", low=1e6, high=1e31, positive=True,
             aliases=("compute_budget",), if_low="probably in EFLOP or ZFLOP; multiply by 1e18 or 1e21",
             if_high="probably not FLOP"),
    _loss("loss", "loss", "val_loss", "validation_loss", "eval_loss", "test_loss", "valid_loss", "val/loss",
          "eval/loss", "valid/loss", "Loss/val", "Loss"),
    _loss("train_loss", "training loss", "training_loss", "train/loss", "Loss/train"),
    Quantity(name="accuracy", unit="", label="accuracy", low=0.0, high=1.0, aliases=("acc",),
             if_low="below zero, so probably not an accuracy", if_high="probably in percent; divide by 100"),
    _count("step", "steps", "training step", "global_step", "iteration", "Step", positive=False),
    Quantity(name="lr", unit="", label="learning rate", low=0.0, high=10.0,
             aliases=("learning_rate", "train/learning_rate", "train/lr", "Learning Rate", "LR"),
             if_low="below zero, so probably not a learning rate", if_high="probably not a learning rate"),
    _count("batch_tokens", "tokens/step", "tokens per step", "tokens_per_batch", "tokens_per_step"),
    _count("epochs", "", "passes over the data", "n_epochs", "num_epochs"),
    _share("error", "error rate", "err", "error_rate"),
    _share("coverage", "share of problems solved"),
    _share("pass_rate", "pass rate of one sample"),
    _share("success_rate", "share of tasks finished"),
    _share("sparsity", "share of weights or experts that are off"),
    _count("score", "", "task score", "bleu", "comet", "rouge", positive=False),
    _count("reward", "", "reward", positive=False),
    _count("kl", "nats", "divergence from the initial policy (nats)", "kl_divergence", positive=False),
    _params("params_nonzero", "parameters that are not zero", "nonzero_params"),
    _params("params_vocabulary", "parameters of the vocabulary", "vocab_params"),
    _params("params_non_vocabulary", "parameters outside the vocabulary", "non_vocab_params"),
    _tokens("finetuning_tokens", "fine-tuning tokens"),
    _count("finetuning_examples", "", "fine-tuning examples"),
    _loss("loss_teacher", "loss of the teacher", "teacher_loss"),
    _loss("loss_supervised", "loss of the student trained alone", "student_loss_supervised"),
    _tokens("transferred_tokens", "effective data transferred"),
    _count("loss_increase", "nats/token", "increase of the loss (nats per token)", positive=False),
    _count("loss_unigram_normalized", "nats/token", "loss less that of unigrams (nats per token)", positive=False),
    _count("reconstruction_error", "", "reconstruction error", "normalized_mse", "nmse"),
    _count("samples", "", "samples", "n_samples", "num_samples"),
    _count("unique_samples", "", "distinct samples", "n_unique_samples"),
    _count("members", "", "members of the ensemble", "n_members", "ensemble_size"),
    _count("batch_size", "", "batch size (samples)"),
    _count("width", "", "model width", "d_model", "hidden_size"),
    _count("weight_decay", "", "weight decay", "wd", positive=False),
    _count("granularity", "", "granularity of the experts"),
    _count("latents", "", "latents of the autoencoder", "n_latents"),
    _count("active_latents", "", "active latents"),
    _count("bits_weights", "bits", "bits of the weights", "weight_bits"),
    _count("bits_activations", "bits", "bits of the activations", "activation_bits"),
    _count("bits_kv_cache", "bits", "bits of the key-value cache", "kv_bits"),
    _count("bits_post_training", "bits", "bits after training", "ptq_bits"),
    _count("task_steps", "steps", "steps of the task"),
    _count("steps_min", "steps", "steps at infinite batch"),
    _count("elo", "Elo", "Elo rating", positive=False),
    _count("flops_test", "FLOP", "compute at test time (FLOP)", "test_flops", "inference_flops"),
    _count("experts", "", "experts", "n_experts", "num_experts"),
    _count("streams", "", "parallel streams", "n_streams", "num_streams"),
    Quantity(name="tokens_per_param", unit="tokens/parameter", label="tokens per parameter D/N", positive=True),
    Quantity(name="S1", unit="", label="sum of the learning rate S1", positive=True),
    Quantity(name="S2", unit="", label="annealing area S2"),
    _name("run", "run", "run_id", "run_name", "Run ID"),
    _name("family", "family", "model_family"),
    _name("seed", "seed"),
    _name("split", "split"),
    _name("params_kind", "which parameters are counted"),
)  # fmt: skip

#: Every known column by name, in the order in which a reader would look for them.
QUANTITIES: Mapping[str, Quantity] = MappingProxyType({quantity.name: quantity for quantity in _KNOWN})


def label_of(name: str) -> str:
    """The label of a plot axis for a column; an unknown column is its own label.

    Examples
    --------
    >>> label_of("loss"), label_of("colour")
    ('loss (nats per token)', 'colour')
    """
    known = QUANTITIES.get(name)
    return known.label if known else name


#: Parts of names of what is better the more there is of it.
_MORE_IS_BETTER = (
    "accuracy", "acc", "score", "bleu", "comet", "rouge", "reward", "elo", "coverage", "pass", "success", "win", "f1",
    "auc", "precision", "recall", "exact", "em", "mrr", "map", "ndcg", "r2",
)  # fmt: skip
#: Parts that turn it round: an error rate of an accuracy, a loss of a score.
_LESS_IS_BETTER = ("error", "err", "loss", "perplexity", "ppl", "bpb", "regret")


def better_of(target: str) -> Literal["low", "high"]:
    """Whether low or high values of a quantity are better, by its name.

    ``"high"`` for accuracies, scores and rates of success, ``"low"`` for losses and everything else.

    Examples
    --------
    >>> better_of("loss"), better_of("accuracy"), better_of("mmlu_acc"), better_of("pass@8"), better_of("score_loss")
    ('low', 'high', 'high', 'high', 'low')
    """
    parts = [part for part in re.split(r"[^a-z0-9]+", target.lower()) if part]
    if any(part in _LESS_IS_BETTER for part in parts):
        return "low"
    return "high" if any(part in _MORE_IS_BETTER for part in parts) else "low"


def bits_per_byte(loss: Numbers, bytes_per_token: float) -> Numbers:
    """Convert a loss in nats per token to bits per byte, which does not depend on the tokenizer.

    Parameters
    ----------
    loss : float, array or Series
        Mean cross-entropy in nats per token.
    bytes_per_token : float, > 0
        Mean number of bytes that a token of the evaluation text stands for.

    Returns
    -------
    same as ``loss``
        ``loss / ln 2 / bytes_per_token``.

    Raises
    ------
    DataError
        If ``bytes_per_token`` is not a finite number above 0.

    Examples
    --------
    >>> round(bits_per_byte(2.7726, bytes_per_token=4.0), 4)
    1.0
    """
    if not (math.isfinite(bytes_per_token) and bytes_per_token > 0):
        raise DataError(f"bytes_per_token must be a finite number above 0; got {bytes_per_token!r}.")
    converted: Numbers = loss / (math.log(2) * bytes_per_token)
    return converted
