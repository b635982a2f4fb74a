"""Encoder–decoder Transformers: the families of T5 and of BART."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from scalefit.errors import DataError
from scalefit.runs.models.config import Config
from scalefit.runs.models.size import AttentionLayers, ModelSize


@dataclass(frozen=True)
class BartStyle:
    """What a config of one family leaves unsaid.

    Attributes
    ----------
    positions : int or None
        Rows that a table of positions has besides the positions; None without a table.
    embedding_norm, final_norm : bool
        Norms before the first and after the last layer of a stack.
    """

    positions: int | None
    embedding_norm: bool
    final_norm: bool


#: Families of T5, and whether every layer has a table of relative positions of its own, or one serves all.
T5_STYLES: Mapping[str, bool] = MappingProxyType({"t5": False, "mt5": False, "umt5": True})
BART_STYLES: Mapping[str, BartStyle] = MappingProxyType({
    "bart": BartStyle(positions=2, embedding_norm=True, final_norm=False),
    "mbart": BartStyle(positions=2, embedding_norm=True, final_norm=True),
    "pegasus": BartStyle(positions=0, embedding_norm=False, final_norm=True),
    "marian": BartStyle(positions=0, embedding_norm=False, final_norm=False),
    "m2m_100": BartStyle(positions=None, embedding_norm=False, final_norm=True),
})  # fmt: skip


def count_t5(config: Config, own_positions: bool) -> ModelSize:
    """The size of a T5: no biases, norms without shift, relative positions (Raffel et al. 2020, arXiv:1910.10683).

    Raises
    ------
    DataError
        If a field is missing or out of its range.
    """
    width, inner = config.count("hidden_size"), config.count("intermediate_size")
    heads, vocabulary = config.count("num_attention_heads"), config.count("vocab_size")
    span = heads * config.count("head_dim")
    layers = config.count("num_hidden_layers")
    above = config.count("num_decoder_layers", layers)
    gated = config.text("feed_forward_proj", "relu").startswith("gated-")
    attention, feed_forward = 4 * width * span, (3 if gated else 2) * width * inner
    encoder = layers * (attention + feed_forward + 2 * width) + width
    decoder = above * (2 * attention + feed_forward + 3 * width) + width
    tables = layers + above if own_positions else 2
    logits = vocabulary * width
    return _size(
        config, encoder, decoder, logits=logits,
        embedding=logits + tables * heads * config.count("relative_attention_num_buckets", 32),
        head=0 if config.flag("tie_word_embeddings", True) else logits,
        spans=((layers, span), (above, span)), source_projections=above * 2 * width * span,
    )  # fmt: skip


def count_bart(config: Config, style: BartStyle) -> ModelSize:
    """The size of a BART: biases everywhere, norms with shift (Lewis et al. 2019, arXiv:1910.13461).

    Raises
    ------
    DataError
        If a field is missing or out of its range, or if tables of tokens are not shared.
    """
    for shared in ("tie_word_embeddings", "share_encoder_decoder_embeddings"):
        if not config.flag(shared, True):
            config.refuse(shared, False, "true: with tables of its own on each side it cannot be counted")
    width, vocabulary = config.count("hidden_size"), config.count("vocab_size")
    layers, above = config.count("encoder_layers"), config.count("decoder_layers")
    for heads in ("encoder_attention_heads", "decoder_attention_heads"):
        if width % config.count(heads):
            config.refuse(heads, config.value(heads), f"a divisor of the width {width}")
    norm, attention = 2 * width, 4 * (width * width + width)

    def feed_forward(inner: int) -> int:
        return 2 * width * inner + inner + width

    around = norm * (style.embedding_norm + style.final_norm)
    encoder = layers * (attention + feed_forward(config.count("encoder_ffn_dim")) + 2 * norm) + around
    decoder = above * (2 * attention + feed_forward(config.count("decoder_ffn_dim")) + 3 * norm) + around
    embedding = logits = vocabulary * width
    if style.positions is not None:
        embedding += 2 * (config.count("max_position_embeddings") + style.positions) * width
    return _size(
        config, encoder, decoder, logits=logits, embedding=embedding, head=0, spans=((layers, width), (above, width)),
        source_projections=above * 2 * (width * width + width),
    )  # fmt: skip


def _size(
    config: Config,
    encoder: int,
    decoder: int,
    *,
    logits: int,
    embedding: int,
    head: int,
    spans: tuple[tuple[int, int], tuple[int, int]],
    source_projections: int,
) -> ModelSize:
    (below, source), (above, target) = spans
    total = encoder + decoder + embedding + head
    return ModelSize(
        model_type=config.family, total=total, non_embedding=encoder + decoder, active=total, embedding=embedding,
        head=head, encoder=encoder, decoder=decoder, logits=logits, source_projections=source_projections,
        attention=(
            AttentionLayers(below, source, reads="source"),
            AttentionLayers(above, target, reads="itself"),
            AttentionLayers(above, target, reads="both"),
        ),
    )  # fmt: skip


def refuse_cross_attention(config: Config) -> None:
    """Refuse a decoder that reads an encoder which the config does not describe.

    Raises
    ------
    DataError
        If ``add_cross_attention`` is true.
    """
    if config.flag("add_cross_attention", False):
        raise DataError(
            f"count_params: this {config.family} config has cross-attention to an encoder that it does not describe."
        )
