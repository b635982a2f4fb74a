"""How wide a forecast of curves is: the rule and its constants, found on curves that were fitted, not on those judged.

The deviation of a row, in logs, is the root of the sum of squares of what the laws differ by, how far they stay off the
fitted curves (or, if more, what that leaves open of their parameters), the noise of a row and the scatter between runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scalefit.fitting.problem import Array

#: How much counts what the laws lie apart, the slow part of the residuals of the fitted curves and, if it is more, what
#: those leave open of the parameters: by likelihood of the final losses of microlm's schedules forecast from every two
#: of the others, and of simulated ones.
APART, SLOW, PARAMS = 0.7, 2.7, 1.5
#: Between runs that differ in their seed alone, as a share of the loss: the least of any setting of microlm.
RUN_SCATTER = 0.0018
#: What a decay saves where no curve shows one, as a share of the loss at a rate of zero, and its deviation.
SAVED, SAVED_SPREAD = 0.045, 0.02


@dataclass(frozen=True, eq=False)
class Deviations:
    """Standard deviations in logs, (n,) each, or one number for all rows."""

    apart: Array
    slow: float
    params: Array
    rows: float
    runs: float
    saved: Array

    @property
    def total(self) -> Array:
        """All of them together: (n,). What parameters leave open comes of the same residuals as their slow part."""
        off = (APART * self.apart) ** 2 + np.maximum(SLOW * self.slow, PARAMS * self.params) ** 2
        return np.asarray(np.sqrt(off + self.rows**2 + self.runs**2 + self.saved**2))


def ends(estimate: Array, deviation: Array, level: float) -> tuple[Array, Array]:
    """Low and high end of the central ``level``."""
    from scipy.special import ndtri

    span = float(ndtri(0.5 + level / 2)) * deviation
    return estimate * np.exp(-span), estimate * np.exp(span)
