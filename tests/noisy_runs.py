"""Runs whose scatter is known, for tests of what is said of it."""

from dataclasses import replace

import numpy as np
import pandas as pd

import scalefit as sf

TRUTH = {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658}
LAW = sf.get_law("chinchilla")
SQUARE = sf.Square(on="log")


def design(sizes, ratios, *, seeds=1):
    """Sizes from 1e7 to 1e10 on 2 to 200 tokens per parameter, each of them ``seeds`` times."""
    params, ratio = np.meshgrid(np.geomspace(1e7, 1e10, sizes), np.geomspace(2, 200, ratios))
    params, ratio = np.repeat(params.ravel(), seeds), np.repeat(ratio.ravel(), seeds)
    return pd.DataFrame({"params": params, "tokens": params * ratio})


def with_scatter(frame, scatter, *, missed=0.0):
    """The losses of the law on a design, with a scatter (n,) and something missed (n,), both on the log."""
    return frame.assign(loss=LAW(TRUTH, frame) * np.exp(missed + scatter))


def fitted(frame, **options):
    """The law fitted by least squares on the log."""
    return sf.fit(frame, LAW, objective=options.pop("objective", SQUARE), **options)


def redrawn(fit, scatter):
    """A fit of runs without noise, told of runs with a scatter (n,) on the log, but not fitted to them again.

    What is said of scatter looks one least squares step ahead by itself, so hundreds of these cost what ten fits do.
    """
    return replace(fit, problem=replace(fit.problem, target=fit.problem.target * np.exp(scatter)))
