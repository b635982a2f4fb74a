"""Families whose truth is known, for tests of comparisons."""

import numpy as np
import pandas as pd

EXPONENTS = {"alpha": 0.34, "beta": 0.36}
#: Loss falls along the best split as compute to minus this power (Hoffmann et al. 2022, eq. 4).
POWER = 0.34 * 0.36 / (0.34 + 0.36)
SIZES = np.geomspace(5e7, 5e9, 7)
RATIOS = np.array([5.0, 20.0, 60.0, 150.0, 400.0])


def family(name, *, times=1.0, floor=1.7, noise=0.005, seed=0, sizes=SIZES, ratios=RATIOS, tokens=1.0, shake=True):
    """Runs of a family that needs ``times`` the compute of the first for every loss, if the floor is the same."""
    rng = np.random.default_rng(seed)
    scale = times**POWER
    N, ratio = (grid.ravel() for grid in np.meshgrid(sizes, ratios))
    if shake:
        N = N * np.exp(rng.normal(0, 0.05, N.size))
    D = N * ratio * tokens
    loss = floor + scale * (480 / N ** EXPONENTS["alpha"] + 2000 / D ** EXPONENTS["beta"])
    return pd.DataFrame({"family": name, "params": N, "tokens": D, "loss": loss * np.exp(rng.normal(0, noise, N.size))})


def pair(**other):
    """Family ``a``, and ``b`` that differs from it as told."""
    return pd.concat([family("a", seed=1), family("b", seed=2, **other)], ignore_index=True)
