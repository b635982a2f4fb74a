"""Simulated runs for the tests of back-tests."""

import numpy as np
import pandas as pd

import scalefit as sf

TRUE = {"E": 1.8, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.36}


def ladder(noise=0.003, *, sizes=6, budgets=5, seed=0):
    """Runs of chinchilla with index labels that a user may have."""
    frame = sf.grid(params=np.geomspace(1e7, 3e9, sizes), tokens=np.geomspace(5e8, 8e10, budgets))
    scatter = np.random.default_rng(seed).standard_normal(len(frame))
    frame["loss"] = sf.get_law("chinchilla")(TRUE, frame) * np.exp(noise * scatter)
    return frame.set_index(pd.Index([f"r{i}" for i in range(len(frame))]))


def under_tuned(share, seed):
    """Runs with 0.3 % of noise; a share of them lies above the frontier by the size of a normal number of 3 %."""
    runs = ladder(0.003, sizes=8, budgets=6, seed=seed)
    rng = np.random.default_rng(10_000 + seed)
    missed = rng.random(len(runs)) < share
    above = np.where(missed, np.abs(0.03 * rng.standard_normal(len(runs))), 0.0)
    return runs.assign(loss=runs.loss * np.exp(above), tuned=~missed)
