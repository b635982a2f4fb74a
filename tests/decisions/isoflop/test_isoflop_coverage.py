"""Intervals of exponents hold about as often as they say, on runs whose truth is known."""

import numpy as np
import pytest

from isoflop_designs import EXPONENT, best_size, isoflop_runs
from scalefit.decisions.isoflop.analysis import isoflop


@pytest.mark.slow
@pytest.mark.parametrize("method", ["akima", "parabola"])
def test_ninety_percent_intervals_hold_nine_times_in_ten(method):
    held, sizes = [], []
    for seed in range(120):
        told = isoflop(isoflop_runs(noise=0.004, seed=seed), method=method, draws=150, rng=seed)
        held.append(told.exponent.low <= EXPONENT <= told.exponent.high)
        true = best_size(told.frame.flops.to_numpy())
        sizes.append(((told.frame.params_low <= true) & (true <= told.frame.params_high)).mean())
    assert 0.83 < np.mean(held) < 0.99
    assert 0.78 < np.mean(sizes) < 0.99
