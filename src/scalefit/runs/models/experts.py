"""Mixtures of experts: the feed-forwards that a token may pass, and those that stay idle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scalefit.errors import DataError
from scalefit.runs.models.config import Config


@dataclass(frozen=True)
class ExpertStyle:
    """How the experts of one family are built.

    Attributes
    ----------
    inner : str
        The field with the width inside one expert.
    shared : {"", "width", "experts"}
        Experts that every token passes: none, one with its own width and gate, so many of the usual width.
    skipping : {"never", "first", "steps"}
        Layers without experts: none, the first ones, or those that ``decoder_sparse_step`` and ``mlp_only_layers`` say.
    bias : bool
        Whether experts and router have biases.
    """

    inner: str = "intermediate_size"
    shared: Literal["", "width", "experts"] = ""
    skipping: Literal["never", "first", "steps"] = "never"
    bias: bool = False


def count_experts(config: Config, style: ExpertStyle | None, *, width: int, layers: int, dense: int) -> tuple[int, int]:
    """Parameters of the feed-forwards of all layers, and how many of them one token leaves idle.

    ``dense`` is what a layer without experts has.

    Raises
    ------
    DataError
        If a field is missing or out of its range.
    """
    if style is None:
        return layers * dense, 0
    experts = config.count("num_experts")
    used = config.count("num_experts_per_tok")
    if used > experts:
        config.refuse("num_experts_per_tok", used, f"at most the number of experts, {experts}")
    inner = config.count(style.inner)
    expert = 3 * width * inner + (2 * inner + width if style.bias else 0)
    router = experts * (width + (1 if style.bias else 0))
    sparse = _sparse_layers(config, style, layers)
    layer = experts * expert + router + _shared(config, style, width, inner)
    return sparse * layer + (layers - sparse) * dense, sparse * (experts - used) * expert


def _shared(config: Config, style: ExpertStyle, width: int, inner: int) -> int:
    if style.shared == "width":
        return 3 * width * config.count("shared_expert_intermediate_size") + width
    if style.shared == "experts":
        return 3 * width * inner * config.count("n_shared_experts", 0, least=0)
    return 0


def _sparse_layers(config: Config, style: ExpertStyle, layers: int) -> int:
    """How many layers have experts."""
    if style.skipping == "never":
        return layers
    if style.skipping == "first":
        if config.count("moe_layer_freq", 1) != 1:
            config.refuse("moe_layer_freq", config.value("moe_layer_freq"), "1, the only pattern that is known")
        return layers - min(config.count("first_k_dense_replace", 0, least=0), layers)
    step = config.count("decoder_sparse_step", 1)
    listed = config.value("mlp_only_layers")
    if not isinstance(listed, list | tuple | None):
        config.refuse("mlp_only_layers", listed, "a list of numbers of layers")
    dense = {number for number in listed or () if type(number) is int and 0 <= number < layers}
    if len(dense) != len(listed or ()):
        raise DataError(
            f"count_params: 'mlp_only_layers' of a {config.family} config must be distinct whole numbers from 0 to "
            f"{layers - 1}."
        )
    return layers // step - sum((number + 1) % step == 0 for number in dense)
