"""ModelSize: how many parameters a Transformer has, where they sit, and what it computes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.errors import DataError
from scalefit.runs.flops import Part, passes_of
from scalefit.runs.sizes import Floats, as_sizes, check_rows, shorten


@dataclass(frozen=True)
class AttentionLayers:
    """Layers whose attention does the same work.

    Attributes
    ----------
    layers : int
        How many.
    width : float
        Heads times their width, the mean of keys and values.
    window : int or None
        Tokens that one looks back at, at most; None for all.
    reads : {"itself", "source", "both"}
        A decoder's own tokens; those of an encoder, from within it; those of the encoder, from the decoder.
    """

    layers: int
    width: float
    window: int | None = None
    reads: Literal["itself", "source", "both"] = "itself"

    def flops(self, context: float, *, causal: bool) -> float:
        """Forward FLOP per token: products with the keys and with the values of the tokens looked at."""
        window = min(self.window or math.inf, context)
        # With a mask, the first tokens of a sequence see fewer than a window.
        seen = window - window**2 / (2 * context) if causal else window
        return 4.0 * self.layers * self.width * seen


@dataclass(frozen=True)
class ModelSize:
    """How many parameters a Transformer has and where they sit; made by ``count_params``.

    Attributes
    ----------
    model_type : str
        The family, as its config names it.
    total : int
        All parameters; tables that are shared are counted once.
    non_embedding : int
        Those outside the embeddings and the output head: the N of Kaplan et al. 2020.
    active : int
        Those used for one token, embeddings included; below ``total`` only for a mixture of experts.
    embedding : int
        Tables of tokens and of positions.
    head : int
        The output head, but for what is the table of tokens once more.
    encoder, decoder : int
        ``non_embedding`` by stack; a decoder-only model has no encoder.
    logits : int
        Weights that turn the last layer into logits, shared with the embedding or not.
    source_projections : int
        Weights of the decoder that read the encoder's tokens: keys and values of cross-attention.
    attention : tuple of AttentionLayers
        The layers by what their attention does.

    Examples
    --------
    >>> from scalefit.runs.models.params import count_params
    >>> size = count_params(
    ...     {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024, "vocab_size": 50257}
    ... )
    >>> size.total, size.non_embedding
    (124439808, 85056000)
    >>> print(size)
    gpt2: 124,439,808 parameters
      embedding      39,383,808  and the output head
      non-embedding  85,056,000
    """

    model_type: str
    total: int
    non_embedding: int
    active: int
    embedding: int
    head: int
    encoder: int
    decoder: int
    logits: int
    source_projections: int
    attention: tuple[AttentionLayers, ...]

    @property
    def tied(self) -> bool:
        """Whether the output head is the table of tokens once more."""
        return self.head < self.logits

    def __str__(self) -> str:
        rows = [("embedding", self.embedding, "and the output head" if self.tied else "")]
        rows += [("output head", self.head, "")] if self.head else []
        split = f"encoder {self.encoder:,}, decoder {self.decoder:,}" if self.encoder else ""
        rows.append(("non-embedding", self.non_embedding, split))
        rows += [] if self.active == self.total else [("active", self.active, "embedding included")]
        digits = max(len(f"{count:,}") for _, count, _ in rows)
        lines = [f"  {name:<13}  {count:>{digits},}  {note}".rstrip() for name, count, note in rows]
        return "\n".join([f"{self.model_type}: {self.total:,} parameters", *lines])

    @overload
    def count_flops(
        self, *, tokens: float, context: float | None = ..., causal: bool = ..., part: Part = ...,
        recompute: bool = ..., head: bool = ..., embedding: bool = ..., target_tokens: float | None = ...,
        target_context: float | None = ...,
    ) -> float: ...  # fmt: skip
    @overload
    def count_flops(
        self, *, tokens: pd.Series[Any], context: float | None = ..., causal: bool = ..., part: Part = ...,
        recompute: bool = ..., head: bool = ..., embedding: bool = ..., target_tokens: pd.Series[Any] | None = ...,
        target_context: float | None = ...,
    ) -> pd.Series[float]: ...  # fmt: skip
    @overload
    def count_flops(
        self, *, tokens: npt.ArrayLike, context: float | None = ..., causal: bool = ..., part: Part = ...,
        recompute: bool = ..., head: bool = ..., embedding: bool = ..., target_tokens: npt.ArrayLike | None = ...,
        target_context: float | None = ...,
    ) -> Floats: ...  # fmt: skip
    def count_flops(
        self,
        *,
        tokens: Any,
        context: float | None = None,
        causal: bool = False,
        part: Part = "training",
        recompute: bool = False,
        head: bool = True,
        embedding: bool = False,
        target_tokens: Any = None,
        target_context: float | None = None,
    ) -> Any:
        """Training compute of this model, attention counted if the context is given.

        Every weight that a token is multiplied with costs two operations in the forward pass and four in the backward
        pass. Looking up an embedding multiplies nothing, so tables count only as the output head.

        Parameters
        ----------
        tokens : float, array or Series
            Training tokens, >= 0; of an encoder–decoder those that the encoder reads.
        context : float, > 0, optional
            Tokens in a sequence; without it attention is not counted, with it layers with a sliding window count it
            up to the window.
        causal : bool
            Whether only the half of self-attention that the causal mask of a decoder leaves is counted.
        part : {"training", "forward", "backward"}
            Both passes, or one.
        recompute : bool
            Whether the layers (not the output head) run forward once more in the backward pass.
        head : bool
            Whether the output head is counted. Without it and without embedding this is the compute of Kaplan et al.
        embedding : bool
            Whether looking up a token counts like a product with the table, as Hoffmann et al. write it.
        target_tokens, target_context : optional
            The same of an encoder–decoder's decoder.

        Returns
        -------
        float, array or Series
            FLOP, like ``tokens``.

        Raises
        ------
        DataError
            If a number is out of its range, or if something is given that the model has no use for.

        References
        ----------
        Those of ``count_flops``.

        Examples
        --------
        >>> from scalefit.runs.models.params import count_params
        >>> size = count_params(
        ...     {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        ...      "intermediate_size": 11008, "vocab_size": 32000}
        ... )  # fmt: skip
        >>> f"{size.count_flops(tokens=2e12):.2e}, {size.count_flops(tokens=2e12, context=4096):.2e} with attention"
        '7.93e+22, 9.22e+22 with attention'
        """
        passes, again = passes_of(part, recompute)
        contexts = (_context(context, "context"), _context(target_context, "target_context"))
        if causal and contexts == (None, None):
            raise DataError("count_flops: causal=True halves attention, which is counted with context=.")
        # The table of tokens has as many weights as what makes logits.
        table, logits = (self.logits if counted else 0 for counted in (embedding, head))
        if not self.encoder:
            if target_tokens is not None or target_context is not None:
                raise DataError(f"count_flops: {self.model_type} has no encoder; give tokens= and context= only.")
            layers = 2.0 * (self.active - self.embedding - self.head)
            layers += self._attention("itself", contexts[0], causal=causal)
            return (passes * 2.0 * (table + logits) + (passes + again) * layers) * as_sizes(tokens, "tokens")
        if target_tokens is None or (context is None) != (target_context is None):
            lacking = "target_tokens" if target_tokens is None else "context" if context is None else "target_context"
            raise DataError(
                f"count_flops: {self.model_type} is an encoder–decoder and needs {lacking}=. tokens and context are "
                "what the encoder reads, target_tokens and target_context what the decoder writes."
            )
        read, written = as_sizes(tokens, "tokens"), as_sizes(target_tokens, "target_tokens")
        check_rows({"tokens": read, "target_tokens": written})
        encoder, decoder = self._stacks(contexts, causal=causal)
        done = (passes * 2.0 * table + (passes + again) * encoder) * read
        return done + (passes * 2.0 * (table + logits) + (passes + again) * decoder) * written

    def _stacks(self, contexts: tuple[float | None, float | None], *, causal: bool) -> tuple[float, float]:
        """Forward FLOP of the layers per token read and per token written."""
        source, target = contexts
        read = 2.0 * (self.encoder + self.source_projections) + self._attention("source", source)
        written = 2.0 * (self.decoder - self.source_projections) + self._attention("both", source)
        return read, written + self._attention("itself", target, causal=causal)

    def _attention(self, reads: str, context: float | None, *, causal: bool = False) -> float:
        if context is None:
            return 0.0
        return sum(part.flops(context, causal=causal) for part in self.attention if part.reads == reads)


def _context(value: float | None, name: str) -> float | None:
    if value is None:
        return None
    number = as_sizes(value, name, positive=True)
    if np.ndim(number) or not math.isfinite(number):
        raise DataError(f"count_flops: {name} must be one finite number of tokens; got {shorten(value)}.")
    return float(number)
