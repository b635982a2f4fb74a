"""Families made from known laws, for tests."""

import numpy as np
import pandas as pd

import scalefit as sf

CHINCHILLA = sf.get_law("chinchilla")
#: The size at which the terms of families are alike, so that exponents may differ without the losses leaving any range.
SIZE, TOKENS = 3e8, 1e10


def truth(*, alpha=0.34, beta=0.30, E=1.7, size_term=0.35, data_term=0.45):
    """Parameters of a family by what its terms are worth in the middle of the design."""
    return {"E": E, "A": size_term * SIZE**alpha, "alpha": alpha, "B": data_term * TOKENS**beta, "beta": beta}


def runs_of(family, values, *, n=30, noise=0.01, seed=0):
    """One family: n runs spread over sizes and tokens."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"family": family, "params": 10 ** rng.uniform(7, 9.5, n), "tokens": 10 ** rng.uniform(9, 11, n)}
    )
    return frame.assign(loss=CHINCHILLA(values, frame) * np.exp(noise * rng.standard_normal(n)))


def families(truths, **settings):
    """Several families in one table, each with a seed of its own."""
    parts = [runs_of(name, values, seed=k, **settings) for k, (name, values) in enumerate(truths.items())]
    return pd.concat(parts, ignore_index=True)


#: Two families with the same exponents and other coefficients.
ALIKE = {"lstm": truth(size_term=0.45, E=1.8), "transformer": truth()}
#: Two families with other exponents.
UNLIKE = {"lstm": truth(alpha=0.22, beta=0.42), "transformer": truth(alpha=0.42, beta=0.26)}


def trajectory(values, *, params=3e8, n=25, noise=0.002, seed=0):
    """Checkpoints of one run."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"family": "new", "run": "one", "params": params, "tokens": np.geomspace(1e9, 3e10, n)})
    return frame.assign(loss=CHINCHILLA(values, frame) * np.exp(noise * rng.standard_normal(n)))
