"""Pictures of comparisons draw what the record holds."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from comparison_designs import pair
from scalefit.decisions.comparison.compare import compare


@pytest.fixture(scope="module")
def told():
    return compare(pair(times=2.0), law="chinchilla", draws=40, rng=0, points=12)


def panels(told):
    ax = told.plot(ax=Figure().subplots())
    return ax, *ax.child_axes


def pieces(ax, colour):
    """The places of a line that may be drawn in several parts."""
    lines = [line for line in ax.lines if line.get_color() == colour and line.get_linestyle() != "None"]
    return np.unique(np.concatenate([line.get_xydata() for line in lines]), axis=0)


def test_curves_ratio_and_chances_share_one_axis(told):
    ax, ratio, ahead = panels(told)
    frame = told.frame[told.frame["family"] == "a"]
    colour, other = (next(line.get_color() for line in ax.lines if line.get_label() == name) for name in "ab")
    np.testing.assert_allclose(pieces(ax, colour), frame[["flops", "estimate"]])
    np.testing.assert_allclose(pieces(ratio, other), told.differences[["flops", "ratio"]])
    np.testing.assert_allclose(pieces(ahead, colour)[:, 1], told.best["a"])
    assert ax.get_xscale() == ratio.get_xscale() == ahead.get_xscale() == "log"
    assert ahead.get_xlabel() == "training compute C (FLOP)"
    assert ax.get_ylabel() == "loss (nats per token)"
    assert ax.get_xlim() == ratio.get_xlim() == ahead.get_xlim()


def test_ratios_and_shares_are_dashed_outside_the_runs_of_all_families(told):
    assert told.common is not None
    for panel in panels(told)[1:]:
        dashed = [line for line in panel.lines if line.get_linestyle() == "--"]
        solid = [line for line in panel.lines if line.get_linestyle() == "-"]
        for line in solid:
            assert told.common[0] <= line.get_xdata()[0] <= line.get_xdata()[-1] <= told.common[1]
        assert solid
        assert dashed


def test_runs_are_drawn_at_their_compute(told):
    ax, _, _ = panels(told)
    marks = np.concatenate([line.get_xdata() for line in ax.lines if line.get_linestyle() == "None"])
    assert len(marks) == 70
    np.testing.assert_allclose(np.sort(marks), np.sort(told.seen["place"]))


def test_at_one_size_only_runs_of_about_that_size_are_drawn():
    runs = pair(times=2.0)
    size = float(np.median(runs["params"]))
    told = compare(runs, law="chinchilla", along="tokens", at={"params": size}, draws=40, rng=0, points=12)
    near = (np.abs(np.log(runs["params"] / size)) <= np.log(1.5)).sum()
    assert 0 < len(told.seen) == near < len(runs)
