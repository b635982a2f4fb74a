"""xLSTM against the Transformer: a crossing that the raw runs show, and a frontier on which there is none.

Runs of Beck et al. 2025 (arXiv:2510.02228), fixed sizes at preset tokens per parameter.
"""

import pandas as pd
import pytest

import scalefit as sf
from scalefit.decisions.crossover.find import find_crossover
from scalefit.decisions.crossover.raw import find_raw_crossover
from scalefit.decisions.spending import Cost
from shared_data import shared

SIZE = 1.6e8


@pytest.fixture(scope="module")
def runs():
    table = pd.read_csv(shared("xlstm_vs_llama/runs.csv"))
    return table[table.experiment == "tokenparam"]


@pytest.fixture(scope="module")
def fits(runs):
    return [
        sf.fit(runs[runs.family == name], "chinchilla_gamma").bootstrap(1000, rng=0)
        for name in ("xlstm", "transformer")
    ]


def test_the_raw_runs_of_160_million_change_places_between_51_and_116_tokens_per_parameter(runs):
    seen = find_raw_crossover(runs, along="tokens", at={"params": SIZE}, names=("xlstm", "transformer"), draws=100)
    (row,) = seen.frame.itertuples(index=False)
    assert row.direction == "xlstm ahead before, transformer after"
    assert row.left / 162_220_800 == pytest.approx(51.7, abs=0.1)
    assert row.right / 162_220_800 == pytest.approx(116.3, abs=0.1)
    assert row.probability > 0.9


def test_the_law_crosses_there_and_its_interval_covers_it(fits):
    told = find_crossover(*fits, along="tokens", at={"params": SIZE})
    (row,) = told.frame.itertuples(index=False)
    assert row.direction == "xlstm ahead before, transformer after"
    assert row.where == "data"
    assert row.location / SIZE == pytest.approx(75.7, abs=0.5)
    assert row.low < 51 * SIZE < 116 * SIZE < row.high
    assert row.probability > 0.9
    assert told.names == ("xlstm", "transformer")
    assert told.check_raw(draws=50).frame.left[0] < row.location < told.check_raw(draws=50).frame.right[0]


def test_on_the_frontier_no_crossing_is_claimed(runs, fits):
    cost = {name: Cost.from_runs(runs[runs.family == name]) for name in ("xlstm", "transformer")}
    for told in (find_crossover(*fits, along="flops"), find_crossover(*fits, along="flops", cost=cost)):
        assert not told.claimed
        assert repr(told).startswith("No evidence of a crossover along flops on the best split of each budget: xlstm")
        assert told.shares.data["xlstm ahead throughout"] > 0.7
        assert "data" not in told.frame["where"].tolist()
