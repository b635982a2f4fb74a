"""Areas under a learning-rate schedule, which laws of whole training curves use."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scalefit.errors import DataError

Floats = npt.NDArray[np.float64]

#: Steps summed at once.
BLOCK = 256


def forward_area(rates: npt.ArrayLike) -> Floats:
    """The sum of learning rates up to and including each step: S1.

    Parameters
    ----------
    rates : array (steps + 1,)
        A rate for each step from 0 on.

    Returns
    -------
    array (steps + 1,)
        ``S1[s] = sum of rates[0..s]``.

    Examples
    --------
    >>> forward_area([0.5, 0.5, 0.25]).tolist()
    [0.5, 1.0, 1.25]
    """
    return np.cumsum(np.asarray(rates, dtype=np.float64))


def annealing_area(rates: npt.ArrayLike, *, decay: float = 0.999) -> Floats:
    """The sum of delayed drops of the learning rate up to each step: S2.

    Each drop of the rate starts a momentum that fades by ``decay`` a step:
    ``m[0] = 0``, ``m[i] = decay * m[i-1] + rates[i-1] - rates[i]``; S2 is the running sum of m. It is zero while the
    rate is constant and falls while it rises.

    Parameters
    ----------
    rates : array (steps + 1,)
        A rate for each step from 0 on.
    decay : float in [0, 1)
        How much of the momentum is left after a step.

    Returns
    -------
    array (steps + 1,)
        S2 at each step.

    Raises
    ------
    DataError
        If ``decay`` is out of its range.

    References
    ----------
    Tissue, Wang, Wang 2024, Scaling Law with Learning Rate Annealing, arXiv:2408.11029.

    Examples
    --------
    >>> annealing_area([1.0, 1.0, 0.0, 0.0], decay=0.5).tolist()
    [0.0, 0.0, 1.0, 1.5]
    """
    if not 0 <= decay < 1:
        raise DataError(f"Schedule: decay must be at least 0 and below 1; got {decay!r}.")
    rates = np.asarray(rates, dtype=np.float64)
    drops = -np.diff(rates, prepend=rates[:1])
    return np.cumsum(faded_sums(drops, decay))


def faded_sums(values: npt.ArrayLike, decay: float) -> Floats:
    """The sum of all values so far, each faded by ``decay`` a step: ``m[i] = decay * m[i-1] + values[i]``.

    Steps are taken in blocks, by one product with a triangle of powers of ``decay``: no loop over steps.

    Examples
    --------
    >>> faded_sums([1.0, 0.0, 2.0], 0.5).tolist()
    [1.0, 0.5, 2.25]
    """
    values = np.asarray(values, dtype=np.float64)
    blocks = np.zeros((-(-len(values) // BLOCK), BLOCK))
    blocks.reshape(-1)[: len(values)] = values
    age = np.subtract.outer(np.arange(BLOCK), np.arange(BLOCK))
    out = blocks @ np.where(age >= 0, float(decay) ** np.maximum(age, 0), 0.0).T
    faded, carried = float(decay) ** np.arange(1, BLOCK + 1), 0.0
    for block in out:
        block += faded * carried
        carried = block[-1]
    return np.asarray(out.reshape(-1)[: len(values)])
