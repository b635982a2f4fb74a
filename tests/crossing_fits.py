"""Pairs of fits whose crossings are known."""

import numpy as np
import pandas as pd

import scalefit as sf

X = np.geomspace(1e6, 1e9, 40)
POWER_OFFSET = sf.get_law("power_offset")
CHINCHILLA = sf.get_law("chinchilla")
BASE = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2100.0, "beta": 0.37}
#: Crosses BASE on the best split of 1.5e18 FLOP, in the middle of the ladder below.
STEEPER = {"E": 1.8, "A": 1240.0, "alpha": 0.40, "B": 7200.0, "beta": 0.425}


def curve(E, A, alpha, *, noise=0.0005, seed=0, x=X, law="power_offset", draws=200, **columns):
    """A fit of loss against x, with draws."""
    scatter = np.exp(noise * np.random.default_rng(seed).standard_normal(len(x)))
    loss = POWER_OFFSET({"E": E, "A": A, "alpha": alpha}, pd.DataFrame({"x": x})) * scatter
    fit = sf.fit(pd.DataFrame({"x": x, "loss": loss}).assign(**columns), law, objective=sf.Square())
    return fit.bootstrap(draws, rng=seed) if draws else fit


def ladder(values, *, noise=0.003, seed=0, sizes=8, **columns):
    """Forty runs of a Chinchilla surface."""
    params, ratio = np.meshgrid(np.geomspace(1e7, 1e9, sizes), np.geomspace(4, 100, 5))
    frame = pd.DataFrame({"params": params.ravel(), "tokens": (params * ratio).ravel()}).assign(**columns)
    scatter = np.exp(noise * np.random.default_rng(seed).standard_normal(len(frame)))
    return frame.assign(loss=CHINCHILLA(values, frame) * scatter)


def surface(values, *, seed=0, draws=200, **settings):
    """A fit of them, with draws."""
    return sf.fit(ladder(values, seed=seed, **settings), "chinchilla").bootstrap(draws, rng=seed)
