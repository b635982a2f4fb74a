"""Which of families alone, sharing and pulled predicts large runs."""

import numpy as np
import pytest

import scalefit as sf
from family_designs import ALIKE, UNLIKE, families
from scalefit.decisions.families import fit_families
from scalefit.decisions.families_backtest import backtest_families

RUNS = families(ALIKE, n=24)
TEST = backtest_families(RUNS, "chinchilla", cuts=[0.5, 0.7])


def test_every_method_is_judged_on_the_same_rows_beyond_what_its_family_fitted():
    assert TEST.summary.index.tolist() == ["separate", "shared", "pulled"]
    assert TEST.summary.n.nunique() == 1
    assert (TEST.frame.factor > 1).all()
    rows = {method: part.row.tolist() for method, part in TEST.frame.groupby("method")}
    assert rows["separate"] == rows["shared"] == rows["pulled"]


def test_half_of_each_family_is_fitted():
    flops = 6 * RUNS.params * RUNS.tokens
    for family, part in TEST.frame[(TEST.frame.method == "shared") & (TEST.frame.cut == 0.5)].groupby("family"):
        own = flops[RUNS.family == family]
        assert sorted(part.row) == sorted(own.index[own > own.median()])


def test_measures_are_those_of_the_frame():
    one = TEST.by_family.iloc[0]
    part = TEST.frame[
        (TEST.frame.method == one.method) & (TEST.frame.family == one.family) & (TEST.frame.cut == one.cut)
    ]
    assert one.error == pytest.approx(np.mean(abs(part.estimate / part.observed - 1)))
    assert one.coverage == np.mean((part.low <= part.observed) & (part.observed <= part.high))


def test_the_first_line_names_the_best():
    assert repr(TEST).startswith(f"{TEST.best} predicted the large runs best: mean error ")


def test_sharing_predicts_worse_where_exponents_differ():
    apart = backtest_families(families(UNLIKE, n=24, noise=0.001), "chinchilla", cuts=[0.6]).summary.error
    assert apart["separate"] < apart["shared"]


def test_a_run_is_never_split():
    runs = RUNS.assign(run=[f"r{k // 2}" for k in range(len(RUNS))])
    test = backtest_families(runs, "chinchilla", cuts=[0.5])
    flops = 6 * runs.params * runs.tokens
    for family, part in test.frame[test.frame.method == "shared"].groupby("family"):
        own = runs.family == family
        reach = flops[own].groupby(runs.run[own]).max()
        judged = set(runs.run.loc[part.row])
        assert judged <= set(reach.index[reach > np.sort(reach)[len(reach) // 2 - 1]])


def test_a_joint_fit_can_be_judged_as_it_was_made():
    fitted = fit_families(RUNS, "chinchilla", share=["beta"])
    test = fitted.backtest(cuts=[0.6])
    assert test.share == ("beta",)
    assert set(test.frame.method) == {"separate", "shared", "pulled"}


def test_resamples_may_make_the_intervals():
    test = backtest_families(RUNS, "chinchilla", cuts=[0.7], draws=20, rng=0)
    again = backtest_families(RUNS, "chinchilla", cuts=[0.7], draws=20, rng=0)
    assert test.frame.equals(again.frame)


def test_cuts_that_cannot_be_meant_are_refused():
    with pytest.raises(sf.FitError, match="between 0 and 1"):
        backtest_families(RUNS, "chinchilla", cuts=[1.5])
    with pytest.raises(sf.DataError, match="nothing can be judged"):
        backtest_families(RUNS, "chinchilla", cuts=[0.01])
