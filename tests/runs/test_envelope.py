"""The envelope is that of its definition, with one row a bin."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from scalefit import datasets
from scalefit.errors import ColumnError, DataError
from scalefit.runs.envelope import compute_envelope
from scalefit.runs.notes import notes_of


def is_on_the_envelope(runs):
    """By definition, pair by pair."""
    flops, loss = runs.flops.to_numpy(), runs.loss.to_numpy()
    beaten = (flops[:, None] >= flops) & (loss[:, None] > loss)
    twin = (flops[:, None] > flops) & (loss[:, None] == loss)
    return ~(beaten | twin).any(axis=1)


@given(st.integers(0, 2**32), st.integers(1, 60))
@settings(max_examples=100, deadline=None)
def test_the_rows_are_those_of_the_definition_pair_by_pair(seed, rows):
    rng = np.random.default_rng(seed)
    # Few different numbers, for many ties; of rows alike in both, one is enough.
    runs = pd.DataFrame({"flops": 10.0 ** rng.integers(10, 20, rows), "loss": rng.integers(20, 40, rows) / 10})
    told = runs[is_on_the_envelope(runs)].drop_duplicates()
    found = compute_envelope(runs, bins=None)
    assert sorted(found.values.tolist()) == sorted(told.values.tolist())
    assert found.index.is_monotonic_increasing


def test_one_row_is_kept_in_each_bin_and_it_is_the_lowest():
    flops = np.geomspace(1e10, 1e14, 4001)
    runs = pd.DataFrame({"flops": flops, "loss": 50 * flops**-0.05})
    bins = compute_envelope(runs, bins=4)
    # The last row of each decade.
    assert np.log10(bins.flops).to_numpy() == pytest.approx([11, 12, 13, 14], abs=0.002)
    assert notes_of(bins)[-1].startswith(
        "compute_envelope: 4001 rows of 4001 on the envelope of loss along flops; 4 kept, at most one in each of 4"
    )


def test_each_family_has_its_own_envelope_if_asked_for():
    runs = pd.DataFrame(
        {"family": ["a", "b", "a", "b"], "flops": [1e12, 1e12, 1e13, 1e13], "loss": [3.0, 4.0, 2.0, 3.5]}
    )
    shared = compute_envelope(runs)
    assert shared.family.tolist() == ["a", "a"]
    assert "2 families share it: by='family' gives one each" in notes_of(shared)[-1]
    each = compute_envelope(runs, by="family")
    assert len(each) == 4
    assert "an envelope for each of 2 values of family" in notes_of(each)[-1]


def test_rows_without_a_loss_or_compute_are_left_out_and_counted():
    runs = pd.DataFrame({"flops": [0.0, 1e12, 1e13, 1e14], "loss": [1.0, 3.0, np.nan, 2.0]})
    found = compute_envelope(runs)
    assert found.flops.tolist() == [1e12, 1e14]
    assert "2 rows without a finite loss or at flops 0 left out" in notes_of(found)[-1]


def test_compute_is_derived_from_sizes():
    runs = pd.DataFrame({"params": [1e6, 1e7], "tokens": [1e8, 1e8], "loss": [3.0, 2.0]})
    found = compute_envelope(runs)
    assert found.flops.tolist() == pytest.approx([6e14, 6e15])
    assert "flops derived as 6 * params * tokens" in notes_of(found)[-1]


def test_an_envelope_may_go_along_tokens():
    runs = pd.DataFrame({"tokens": [1e6, 2e6, 3e6], "loss": [3.0, 3.5, 2.0]})
    assert compute_envelope(runs, along="tokens").tokens.tolist() == [1e6, 3e6]


def test_the_envelope_of_the_real_ladder_falls_and_goes_from_small_to_large_models():
    logs = datasets.load("microlm").query("family == 'transformer'")
    found = compute_envelope(logs, bins=20).sort_values("flops")
    assert 15 <= len(found) <= 20
    assert (np.diff(found.loss) < 0).all()
    assert np.corrcoef(np.log(found.flops), np.log(found.params))[0, 1] > 0.8
    for row in found.itertuples():
        assert not ((logs.flops <= row.flops) & (logs.loss < row.loss)).any()


def test_a_single_row_is_its_own_envelope():
    assert len(compute_envelope(pd.DataFrame({"flops": [1e12], "loss": [3.0]}))) == 1


def test_what_cannot_be_done_is_refused():
    runs = pd.DataFrame({"flops": [1e12], "loss": [3.0]})
    with pytest.raises(DataError, match="bins must be a whole number of at least 1; got 0"):
        compute_envelope(runs, bins=0)
    with pytest.raises(DataError, match="no row has a finite loss and a flops above zero"):
        compute_envelope(runs.assign(flops=0.0))
    with pytest.raises(ColumnError, match=r"needs a column 'flops'.*derived as 6"):
        compute_envelope(runs.drop(columns="flops"))
    with pytest.raises(ColumnError, match="needs a column 'family'"):
        compute_envelope(runs, by="family")
