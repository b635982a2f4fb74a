"""How a learning rate falls from its peak to its end: the forms that schedules share."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
DecayShape = Literal["linear", "cosine", "exp", "1-sqrt"]
DECAYS: tuple[DecayShape, ...] = ("linear", "cosine", "exp", "1-sqrt")


def decayed(shape: DecayShape, done: npt.ArrayLike, *, peak: float, end: float) -> Floats:
    """The rate after a share of a decay.

    Parameters
    ----------
    shape : {"linear", "cosine", "exp", "1-sqrt"}
        ``peak + (end - peak) f``; half a cosine wave; ``peak (end / peak)**f``, for end > 0;
        ``peak + (end - peak) sqrt(f)``.
    done : array
        The share f that is behind, from 0 to 1.
    peak, end : float
        The rates at its two ends.

    Returns
    -------
    array of the shape of ``done``

    Examples
    --------
    >>> [float(decayed(shape, 0.25, peak=1.0, end=0.0625)) for shape in ("linear", "exp", "1-sqrt")]
    [0.765625, 0.5, 0.53125]
    """
    done = np.asarray(done, dtype=np.float64)
    if shape == "cosine":
        wave: Floats = end + (peak - end) * (1 + np.cos(np.pi * done)) / 2
        return np.minimum(wave, peak)  # rounding may pass the peak
    if shape == "exp":
        return np.asarray(peak * (end / peak) ** done)
    return np.asarray(peak + (end - peak) * (done if shape == "linear" else np.sqrt(done)))
