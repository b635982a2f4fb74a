"""Decoder-only Transformers: what the layers of each family hold, and their parameters.

Every count here was compared with the models that the library ``transformers`` (4.57.1 and 5.23.0) makes of the same
config; ``tests/known_models.py`` has the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from scalefit.errors import DataError
from scalefit.runs.models.config import Config
from scalefit.runs.models.experts import ExpertStyle, count_experts
from scalefit.runs.models.size import AttentionLayers, ModelSize
from scalefit.runs.models.windows import WindowStyle, split_by_window

#: Always, never, or as a field says: its name and what it is if absent.
Choice = bool | tuple[str, bool]


@dataclass(frozen=True)
class DecoderStyle:
    """What a config of one family leaves unsaid: the defaults of its code.

    Attributes
    ----------
    norm : int
        Weights of a norm per unit of width: 2 with a shift, 1 without, 0 without weights.
    norms : int
        Norms over the width in a layer.
    qk_norm : {"", "head", "width"}
        Norms of queries and keys: none, one for the heads' width, one for all heads together.
    latent : bool
        Whether keys and values come from a narrow latent (DeepSeek).
    sinks : bool
        Whether each head has a logit for attending to nothing.
    qkv_bias, out_bias, mlp_bias : Choice
        Biases of queries, keys and values, of attention's output, of the feed-forward.
    gated : bool
        Whether the feed-forward has a third matrix, a gate.
    inner : int or None
        The width inside the feed-forward in widths of the model, if the config may leave it out.
    grouped : {"never", "maybe", "always"}
        Whether ``num_key_value_heads`` means nothing, may be absent, must be there.
    head_dim : bool
        Whether ``head_dim`` must be there.
    tied, head_bias : bool
        The output head: the table of tokens once more unless the config says no; with a bias.
    positions : int or None
        Rows that the table of positions has besides the positions; None without a table.
    embedding_norm : bool
        Whether the embeddings pass a norm.
    experts : ExpertStyle or None
        How a mixture of experts is built.
    windows : WindowStyle
        Which layers look back only so far.
    """

    norm: Literal[0, 1, 2] = 1
    norms: int = 2
    qk_norm: Literal["", "head", "width"] = ""
    latent: bool = False
    sinks: bool = False
    qkv_bias: Choice = False
    out_bias: Choice = False
    mlp_bias: Choice = False
    gated: bool = True
    inner: int | None = None
    grouped: Literal["never", "maybe", "always"] = "maybe"
    head_dim: bool = False
    tied: bool = False
    head_bias: bool = False
    positions: int | None = None
    embedding_norm: bool = False
    experts: ExpertStyle | None = None
    windows: WindowStyle = field(default_factory=WindowStyle)


_BIASED = ("attention_bias", False)
_GPT2 = DecoderStyle(
    norm=2, qkv_bias=True, out_bias=True, mlp_bias=True, gated=False, inner=4, grouped="never", tied=True, positions=0
)
_LLAMA = DecoderStyle(qkv_bias=_BIASED, out_bias=_BIASED, mlp_bias=("mlp_bias", False))

STYLES: Mapping[str, DecoderStyle] = MappingProxyType({
    "gpt2": _GPT2,
    "gpt_neo": DecoderStyle(
        norm=2, out_bias=True, mlp_bias=True, gated=False, inner=4, grouped="never", tied=True, positions=0,
        windows=WindowStyle("window_size", default=256, every=2),
    ),
    "gptj": DecoderStyle(norm=2, norms=1, mlp_bias=True, gated=False, inner=4, grouped="never", head_bias=True),
    "gpt_neox": DecoderStyle(
        norm=2, qkv_bias=("attention_bias", True), out_bias=("attention_bias", True), mlp_bias=True, gated=False,
        grouped="never",
    ),
    "opt": DecoderStyle(
        norm=2, qkv_bias=("enable_bias", True), out_bias=("enable_bias", True), mlp_bias=("enable_bias", True),
        gated=False, grouped="never", tied=True, positions=2,
    ),
    "bloom": DecoderStyle(
        norm=2, qkv_bias=True, out_bias=True, mlp_bias=True, gated=False, inner=4, grouped="never", tied=True,
        embedding_norm=True,
    ),
    "phi": DecoderStyle(
        norm=2, norms=1, qkv_bias=True, out_bias=True, mlp_bias=True, gated=False, head_bias=True,
    ),
    "llama": _LLAMA,
    "mistral": DecoderStyle(grouped="always", windows=WindowStyle("sliding_window", default=4096)),
    "phi3": DecoderStyle(windows=WindowStyle("sliding_window")),
    "olmo": DecoderStyle(norm=0, qkv_bias=_BIASED, out_bias=_BIASED),
    "olmo2": DecoderStyle(qk_norm="width", qkv_bias=_BIASED, out_bias=_BIASED),
    "olmo3": DecoderStyle(
        qk_norm="width", qkv_bias=_BIASED, out_bias=_BIASED, windows=WindowStyle("sliding_window", 4096, every=4),
    ),
    "qwen2": DecoderStyle(qkv_bias=True, grouped="always", windows=WindowStyle("sliding_window", asked=True)),
    "qwen3": DecoderStyle(
        qk_norm="head", qkv_bias=_BIASED, out_bias=_BIASED, grouped="always", head_dim=True,
        windows=WindowStyle("sliding_window", asked=True),
    ),
    "gemma": DecoderStyle(qkv_bias=_BIASED, out_bias=_BIASED, grouped="always", head_dim=True, tied=True),
    "gemma2": DecoderStyle(
        norms=4, qkv_bias=_BIASED, out_bias=_BIASED, grouped="always", head_dim=True, tied=True,
        windows=WindowStyle("sliding_window", default=4096, every=2),
    ),
    "gemma3_text": DecoderStyle(
        norms=4, qk_norm="head", qkv_bias=_BIASED, out_bias=_BIASED, grouped="always", head_dim=True, tied=True,
        windows=WindowStyle("sliding_window", default=4096, every=6),
    ),
    "mixtral": DecoderStyle(grouped="always", experts=ExpertStyle(), windows=WindowStyle("sliding_window")),
    "olmoe": DecoderStyle(qk_norm="width", qkv_bias=_BIASED, out_bias=_BIASED, experts=ExpertStyle()),
    "qwen2_moe": DecoderStyle(
        qkv_bias=("qkv_bias", True), grouped="always", windows=WindowStyle("sliding_window", asked=True),
        experts=ExpertStyle(inner="moe_intermediate_size", shared="width", skipping="steps"),
    ),
    "qwen3_moe": DecoderStyle(
        qk_norm="head", qkv_bias=_BIASED, out_bias=_BIASED, grouped="always",
        windows=WindowStyle("sliding_window", asked=True),
        experts=ExpertStyle(inner="moe_intermediate_size", skipping="steps"),
    ),
    "deepseek_v2": DecoderStyle(
        latent=True, experts=ExpertStyle(inner="moe_intermediate_size", shared="experts", skipping="first"),
    ),
    "deepseek_v3": DecoderStyle(
        latent=True, experts=ExpertStyle(inner="moe_intermediate_size", shared="experts", skipping="first"),
    ),
    "gpt_oss": DecoderStyle(
        sinks=True, qkv_bias=("attention_bias", True), out_bias=("attention_bias", True), grouped="always",
        head_dim=True, experts=ExpertStyle(bias=True), windows=WindowStyle("sliding_window", 128, every=2),
    ),
})  # fmt: skip


def count_decoder(config: Config, style: DecoderStyle) -> ModelSize:
    """The size of a decoder-only Transformer.

    Raises
    ------
    DataError
        If a field is missing or out of its range.
    """
    width, layers = config.count("hidden_size"), config.count("num_hidden_layers")
    vocabulary = config.count("vocab_size")
    attention, span = _attention(config, style, width)
    dense = _feed_forward(config, style, width)
    feed_forward, idle = count_experts(config, style.experts, width=width, layers=layers, dense=dense)
    norm = style.norm * width if config.flag("layer_norm_elementwise_affine", True) else 0
    # OPT 350M looks tokens up in a table that is narrower than its layers.
    narrow = config.count("word_embed_proj_dim", width) if config.family == "opt" else width
    stack = layers * (attention + style.norms * norm) + feed_forward + _around(config, style, norm, width, narrow)
    embedding = logits = vocabulary * narrow
    if style.positions is not None:
        embedding += (config.count("max_position_embeddings") + style.positions) * width
    head = 0 if config.flag("tie_word_embeddings", style.tied) else logits
    head += vocabulary if style.head_bias else 0
    total = stack + embedding + head
    spans = split_by_window(config, style.windows, layers)
    return ModelSize(
        model_type=config.family, total=total, non_embedding=stack, active=total - idle, embedding=embedding,
        head=head, encoder=0, decoder=stack, logits=logits, source_projections=0,
        attention=tuple(AttentionLayers(count, span, window) for count, window in spans),
    )  # fmt: skip


def _around(config: Config, style: DecoderStyle, norm: int, width: int, narrow: int) -> int:
    """Weights before the first layer and after the last: norms, and what leads from and to a narrower table."""
    norms = 2 if style.embedding_norm else 1
    if config.family == "opt":
        bare = config.flag("_remove_final_layer_norm", False) or not config.flag("do_layer_norm_before", True)
        norms = 0 if bare else 1
    return norms * norm + (2 * narrow * width if narrow != width else 0)


def _attention(config: Config, style: DecoderStyle, width: int) -> tuple[int, float]:
    """Weights of one layer's attention, and its width: that of all heads, the mean of keys and values."""
    heads = config.count("num_attention_heads")
    if style.latent:
        return _latent_attention(config, width, heads)
    head_dim = config.count("head_dim") if style.head_dim else config.optional_count("head_dim")
    if head_dim is None:
        if width % heads:
            raise DataError(
                f"count_params: the width {width} of a {config.family} config is not a multiple of its {heads} "
                'attention heads; add "head_dim".'
            )
        head_dim = width // heads
    groups = heads
    if style.grouped != "never":
        groups = config.count("num_key_value_heads", None if style.grouped == "always" else heads)
        if heads % groups:
            config.refuse("num_key_value_heads", groups, f"a divisor of the {heads} attention heads")
    queries, pairs = heads * head_dim, 2 * groups * head_dim
    weights = width * (2 * queries + pairs)
    weights += queries + pairs if _holds(config, style.qkv_bias) else 0
    weights += width if _holds(config, style.out_bias) else 0
    weights += {"": 0, "head": 2 * head_dim, "width": queries + pairs // 2}[style.qk_norm]
    if config.family == "phi" and config.flag("qk_layernorm", False):
        weights += 2 * style.norm * head_dim
    return weights + (heads if style.sinks else 0), float(queries)


def _latent_attention(config: Config, width: int, heads: int) -> tuple[int, float]:
    """The same where keys and values come from a latent: DeepSeek-AI 2024, arXiv:2405.04434, section 2.1."""
    plain, rotated = config.count("qk_nope_head_dim"), config.count("qk_rope_head_dim")
    values, latent = config.count("v_head_dim"), config.count("kv_lora_rank")
    narrow = config.optional_count("q_lora_rank")
    queries = heads * (plain + rotated)
    weights = width * queries if narrow is None else width * narrow + narrow + narrow * queries
    weights += width * (latent + rotated) + latent + latent * heads * (plain + values)
    weights += heads * values * width
    if config.flag("attention_bias", False):
        weights += (narrow or 0) + latent + rotated + width
    return weights, (queries + heads * values) / 2


def _feed_forward(config: Config, style: DecoderStyle, width: int) -> int:
    """Weights of one feed-forward that every token passes."""
    if style.experts is not None and style.experts.skipping == "never":
        return 0
    inner = config.count("intermediate_size", style.inner and style.inner * width)
    weights = (3 if style.gated else 2) * width * inner
    biases = (2 if style.gated else 1) * inner + width
    return weights + (biases if _holds(config, style.mlp_bias) else 0)


def _holds(config: Config, choice: Choice) -> bool:
    return choice if isinstance(choice, bool) else config.flag(*choice)
