"""Compute from sizes: six operations per parameter and token, and what may be counted besides."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy.typing as npt
import pandas as pd

from scalefit.errors import DataError, listing, not_one_of
from scalefit.runs.sizes import Floats, as_sizes, check_rows

Part = Literal["training", "forward", "backward"]

#: Passes through the model, in units of a forward pass: the backward one takes two (Kaplan et al. 2020, section 2.1).
PASSES = {"training": 3.0, "forward": 1.0, "backward": 2.0}


@overload
def count_flops(
    *, params: float, tokens: float, layers: float | None = ..., width: float | None = ...,
    context: float | None = ..., causal: bool = ..., part: Part = ..., recompute: bool = ...,
) -> float: ...  # fmt: skip
@overload
def count_flops(
    *, params: pd.Series[Any], tokens: Any, layers: Any = ..., width: Any = ..., context: Any = ...,
    causal: bool = ..., part: Part = ..., recompute: bool = ...,
) -> pd.Series[float]: ...  # fmt: skip
@overload
def count_flops(
    *, params: Any, tokens: pd.Series[Any], layers: Any = ..., width: Any = ..., context: Any = ...,
    causal: bool = ..., part: Part = ..., recompute: bool = ...,
) -> pd.Series[float]: ...  # fmt: skip
@overload
def count_flops(
    *, params: npt.ArrayLike, tokens: npt.ArrayLike, layers: Any = ..., width: Any = ..., context: Any = ...,
    causal: bool = ..., part: Part = ..., recompute: bool = ...,
) -> Floats: ...  # fmt: skip
def count_flops(
    *,
    params: Any,
    tokens: Any,
    layers: Any = None,
    width: Any = None,
    context: Any = None,
    causal: bool = False,
    part: Part = "training",
    recompute: bool = False,
) -> Any:
    """Training compute of a Transformer: six operations per parameter and token.

    A parameter costs a multiplication and an addition per token in the forward pass, and twice that in the backward
    pass. ``params`` decides what is counted: with the parameters outside the embeddings the result is the compute of
    Kaplan et al., with all of them that of Hoffmann et al., with the active ones that of a mixture of experts. For a
    model whose config is at hand, ``count_params(config).count_flops(tokens=...)`` knows all this.

    Parameters
    ----------
    params : float, array or Series
        Number of parameters, >= 0; for a mixture of experts those active for one token.
    tokens : float, array or Series
        Number of training tokens, >= 0.
    layers, width, context : float, array or Series, optional
        Number of layers, attention width (heads times their width, mostly the width of the model) and tokens in a
        sequence, each > 0. Given all three, the products of attention with keys and values are added:
        ``12 * layers * width * context`` per token of training.
    causal : bool
        Whether only the half of these that a causal mask leaves is counted (Kaplan et al.), and not all of it
        (Chowdhery et al., Hoffmann et al., Narayanan et al.; the default).
    part : {"training", "forward", "backward"}
        Both passes, or one: 6, 2 or 4 operations.
    recompute : bool
        Whether activations are recomputed in the backward pass: one more forward pass, 8 operations in all.

    Returns
    -------
    float, array or Series
        FLOP. What goes element by element (activations, softmax, the optimizer) is not counted: below 1 % of it.

    Raises
    ------
    DataError
        If a number is negative or is none, if tables do not belong to the same rows, if only some of ``layers``,
        ``width`` and ``context`` are given, or if an option has nothing to act on.

    References
    ----------
    Kaplan et al. 2020, arXiv:2001.08361, eq. 2.2 and table 1; Chowdhery et al. 2022, arXiv:2204.02311, appendix B;
    Hoffmann et al. 2022, arXiv:2203.15556, appendix F; Narayanan et al. 2021, arXiv:2104.04473, section 5.1 (with
    recomputation).

    Examples
    --------
    >>> f"{count_flops(params=7e10, tokens=1.4e12):.2e}"
    '5.88e+23'

    PaLM 540B: 118 layers of 48 heads of width 256, 2,048 tokens in a sequence.

    >>> with_attention = count_flops(params=540.35e9, tokens=780e9, layers=118, width=48 * 256, context=2048)
    >>> f"{with_attention:.3e}, {with_attention / count_flops(params=540.35e9, tokens=780e9):.4f} of 6ND"
    '2.557e+24, 1.0110 of 6ND'
    """
    passes, again = passes_of(part, recompute)
    attention = {"layers": layers, "width": width, "context": context}
    given = [name for name, value in attention.items() if value is not None]
    if given and len(given) < len(attention):
        lacking = [name for name in attention if name not in given]
        raise DataError(
            f"count_flops: attention is counted from layers, width and context; {listing(lacking)} "
            f"{'is' if len(lacking) == 1 else 'are'} missing. Add {listing(f'{name}=' for name in lacking)}."
        )
    if causal and not given:
        raise DataError("count_flops: causal=True halves attention, which needs layers=, width= and context=.")
    # Floats first: 6 * 70e9 * 1.4e12 does not fit in 64-bit integers.
    sizes = {"params": params, "tokens": tokens} | (attention if given else {})
    numbers = {name: as_sizes(value, name, positive=name in attention) for name, value in sizes.items()}
    check_rows(numbers)
    per_token = 2.0 * numbers["params"]
    if given:
        reached = numbers["context"] / 2 if causal else numbers["context"]
        per_token = per_token + 4.0 * numbers["layers"] * numbers["width"] * reached
    return (passes + again) * per_token * numbers["tokens"]


def passes_of(part: str, recompute: bool) -> tuple[float, float]:
    """Passes in units of a forward one, and how many of the layers' forward passes are done again."""
    if part not in PASSES:
        raise DataError(f"count_flops: {not_one_of('part', part, PASSES)}")
    if recompute and part == "forward":
        raise DataError("count_flops: recompute=True belongs to the backward pass; drop it or take part='training'.")
    return PASSES[part], 1.0 if recompute else 0.0
