"""count_params: the size of a model from its config."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from scalefit.errors import DataError, did_you_mean, listing
from scalefit.runs.models.config import Config, read_config
from scalefit.runs.models.decoder import STYLES, count_decoder
from scalefit.runs.models.encoder_decoder import BART_STYLES, T5_STYLES, count_bart, count_t5, refuse_cross_attention
from scalefit.runs.models.size import ModelSize
from scalefit.runs.sizes import shorten

FAMILIES = (*STYLES, *T5_STYLES, *BART_STYLES)


def count_params(config: str | os.PathLike[str] | Mapping[str, Any], *, like: str | None = None) -> ModelSize:
    """Count the parameters of a Transformer from its Hugging Face ``config.json``.

    Nothing is downloaded and nothing in the config is run: the numbers follow from the sizes that it names. They are
    those of ``model.num_parameters()`` for a causal (or conditional) language model of the library ``transformers``:
    tables that are shared count once, fixed sinusoidal positions count where they are stored, the biases of
    DeepSeek-V3's router and its layers for predicting further tokens do not.

    Parameters
    ----------
    config : path or mapping
        A ``config.json``, the folder that holds it, or its fields.
    like : str, optional
        Count as if ``model_type`` were this: for a family that is not known and is built like one that is, such as
        ``like="llama"``.

    Returns
    -------
    ModelSize
        ``total``, ``non_embedding``, ``active``, ``embedding``, ``head`` and more, with ``count_flops``.

    Raises
    ------
    DataError
        If the file cannot be read, if the family is not known, or if a field is missing or not a sensible number; the
        message names it.

    Notes
    -----
    Known are gpt2 (also Cerebras-GPT), gpt_neo, gptj, gpt_neox (also Pythia), opt, bloom, phi, phi3, llama (also
    TinyLlama, SmolLM), mistral, mixtral, olmo, olmo2, olmo3, olmoe, qwen2, qwen2_moe, qwen3, qwen3_moe, gemma,
    gemma2, gemma3_text, gpt_oss, deepseek_v2, deepseek_v3; t5, mt5, umt5, bart, mbart, pegasus, marian, m2m_100.

    Examples
    --------
    >>> size = count_params(
    ...     {"model_type": "mixtral", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    ...      "num_key_value_heads": 8, "intermediate_size": 14336, "num_local_experts": 8, "num_experts_per_tok": 2,
    ...      "vocab_size": 32000, "tie_word_embeddings": False}
    ... )  # fmt: skip
    >>> print(size)
    mixtral: 46,702,792,704 parameters
      embedding         131,072,000
      output head       131,072,000
      non-embedding  46,440,648,704
      active         12,879,925,248  embedding included
    """
    fields = read_config(config)
    family = _family(fields, like)
    known = Config(family, fields)
    if family in T5_STYLES:
        return count_t5(known, T5_STYLES[family])
    if family in BART_STYLES:
        return count_bart(known, BART_STYLES[family])
    refuse_cross_attention(known)
    return count_decoder(known, STYLES[family])


def _family(fields: Mapping[Any, Any], like: str | None) -> str:
    """The family whose layers are counted."""
    families = f"Known are {listing(sorted(FAMILIES))}."
    if like is not None:
        if like not in FAMILIES:
            raise DataError(
                f"count_params: like={shorten(like)} is not known.{did_you_mean(str(like)[:60], FAMILIES)} {families}"
            )
        return like
    family = fields.get("model_type")
    if isinstance(family, str) and family in FAMILIES:
        return family
    inner = [name for name in ("text_config", "llm_config") if isinstance(fields.get(name), Mapping)]
    if inner:
        raise DataError(
            f"count_params: this is a config of more than a language model; its text part is "
            f"count_params(config[{inner[0]!r}])."
        )
    advice = "If it is built like one of them, pass its name: count_params(config, like='llama')."
    if family is None:
        raise DataError(f"count_params: the config has no 'model_type'. {advice} {families}")
    close = did_you_mean(family, FAMILIES) if isinstance(family, str) and len(family) < 60 else ""
    raise DataError(f"count_params: model_type {shorten(family)} is not known.{close} {families} {advice}")
