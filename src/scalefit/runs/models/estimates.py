"""From parameters outside the embeddings to all of them and back, for models whose shape is not known."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from scalefit.errors import DataError
from scalefit.runs.sizes import Floats, as_sizes, shorten

#: Width over layers for which the models of Hoffmann et al. 2022 follow N + 47491 N^(1/3), as Pearce and Song fitted.
CHINCHILLA_ASPECT = 12 * (47_491 / 32_000) ** 3


@overload
def estimate_total_params(params: float, *, vocabulary: float = ..., aspect: float = ...) -> float: ...
@overload
def estimate_total_params(
    params: pd.Series[Any], *, vocabulary: float = ..., aspect: float = ...
) -> pd.Series[float]: ...
@overload
def estimate_total_params(params: npt.ArrayLike, *, vocabulary: float = ..., aspect: float = ...) -> Floats: ...
def estimate_total_params(params: Any, *, vocabulary: float = 32_000, aspect: float = CHINCHILLA_ASPECT) -> Any:
    """Total parameters of a Transformer from those outside its embeddings.

    Kaplan et al. count parameters without the embeddings, Hoffmann et al. with them; below a billion the difference
    moves exponents. A model of ``params = 12 * layers * width**2`` with a table of tokens of ``vocabulary * width``
    has ``params + vocabulary * (aspect / 12)**(1/3) * params**(1/3)`` in all. If the config is at hand,
    ``count_params`` is exact.

    Parameters
    ----------
    params : float, array or Series
        Parameters outside the embeddings, >= 0.
    vocabulary : float, > 0
        Tokens in the table; twice as many if the output head has a table of its own.
    aspect : float, > 0
        Width over layers. The default, 39.2, is fitted to the models of Hoffmann et al.; with the default vocabulary
        the factor of ``params**(1/3)`` is 47,491.

    Returns
    -------
    float, array or Series
        All parameters, like ``params``.

    Raises
    ------
    DataError
        If a number is negative or is none.

    References
    ----------
    Pearce and Song 2024, arXiv:2406.12907, section 3.

    Examples
    --------
    >>> round(estimate_total_params(85e6) / 1e6, 1)
    105.9
    """
    sizes = as_sizes(params, "params", needed_by="estimate_total_params")
    factor = _factor(vocabulary, aspect, needed_by="estimate_total_params")
    return sizes + factor * np.cbrt(sizes) if np.ndim(sizes) else float(sizes + factor * np.cbrt(sizes))


@overload
def estimate_non_embedding_params(params: float, *, vocabulary: float = ..., aspect: float = ...) -> float: ...
@overload
def estimate_non_embedding_params(
    params: pd.Series[Any], *, vocabulary: float = ..., aspect: float = ...
) -> pd.Series[float]: ...
@overload
def estimate_non_embedding_params(params: npt.ArrayLike, *, vocabulary: float = ..., aspect: float = ...) -> Floats: ...
def estimate_non_embedding_params(params: Any, *, vocabulary: float = 32_000, aspect: float = CHINCHILLA_ASPECT) -> Any:
    """Parameters outside the embeddings from all parameters: the inverse of ``estimate_total_params``.

    Parameters
    ----------
    params : float, array or Series
        All parameters, >= 0.
    vocabulary, aspect : float, > 0
        As for ``estimate_total_params``.

    Returns
    -------
    float, array or Series
        Parameters outside the embeddings, like ``params``.

    Raises
    ------
    DataError
        If a number is negative or is none.

    References
    ----------
    Pearce and Song 2024, arXiv:2406.12907, section 3.

    Examples
    --------
    >>> round(estimate_non_embedding_params(105.9e6) / 1e6, 1)
    85.0
    """
    sizes = as_sizes(params, "params", needed_by="estimate_non_embedding_params")
    factor = _factor(vocabulary, aspect, needed_by="estimate_non_embedding_params")
    # The one real root of x³ + factor x = params, in the form that loses no digits where params is small.
    root = 2 * np.sqrt(factor / 3) * np.sinh(np.arcsinh(1.5 * sizes / factor * np.sqrt(3 / factor)) / 3)
    return root**3 if np.ndim(sizes) else float(root**3)


def _factor(vocabulary: float, aspect: float, *, needed_by: str) -> float:
    sizes = {"vocabulary": vocabulary, "aspect": aspect}
    numbers = {name: as_sizes(value, name, needed_by=needed_by, positive=True) for name, value in sizes.items()}
    for name, number in numbers.items():
        if np.ndim(number) or not np.isfinite(number):
            raise DataError(f"{needed_by}: {name} must be one finite number; got {shorten(sizes[name])}.")
    return float(numbers["vocabulary"] * np.cbrt(numbers["aspect"] / 12))
