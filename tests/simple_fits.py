"""Small tables of runs whose answer is known, and fits to them: a line, a power law, curves of several runs."""

import numpy as np
import pandas as pd

import scalefit as sf

LINE = sf.formula_law("a + b*x", inputs=["x"], output="loss")
RAW = sf.Square(on="raw")
#: Twelve settings with five runs each, so that every kind can be had.
X = np.repeat(np.linspace(0.0, 1.0, 12), 5)
POWER = sf.get_law("power_offset")


def line(scatter, seed):
    noise = np.random.default_rng(seed).standard_normal(len(X)) * scatter
    return sf.fit(pd.DataFrame({"x": X, "loss": 2.0 + X + noise}), LINE, objective=RAW)


def power_runs(x, noise=0.01, seed=0):
    runs = pd.DataFrame({"x": np.asarray(x, float)})
    scatter = np.random.default_rng(seed).standard_normal(len(runs))
    return runs.assign(loss=POWER({"E": 1.5, "A": 60.0, "alpha": 0.3}, runs) * np.exp(noise * scatter))


def curves(runs=8, points=12, seed=0):
    """Runs with a level of their own each, which their rows share."""
    rng = np.random.default_rng(seed)
    x = np.tile(np.geomspace(1e6, 1e9, points), runs)
    table = power_runs(x, noise=0.001, seed=seed)
    level = np.repeat(np.exp(0.01 * rng.standard_normal(runs)), points)
    return table.assign(loss=table.loss * level, run=np.repeat([f"run {i}" for i in range(runs)], points), step=x)
