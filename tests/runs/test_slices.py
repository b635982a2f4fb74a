"""IsoFLOP slices have one row for each size and budget, read where the docstring says."""

import numpy as np
import pandas as pd
import pytest

from scalefit import datasets
from scalefit.errors import ColumnError, DataError
from scalefit.runs.extraction import extract_final_losses
from scalefit.runs.notes import notes_of
from scalefit.runs.slices import slice_isoflops


def loss_at(params, tokens):
    """The published Chinchilla surface: Hoffmann et al. 2022, eq. 10, arXiv:2203.15556."""
    return 1.69 + 406.4 / params**0.34 + 410.7 / tokens**0.28


def curve(params, last, *, run=None, first=1e9, rows=300, **columns):
    """One run from ``first`` to ``last`` tokens."""
    tokens = np.geomspace(first, last, rows)
    run = f"{params:g} to {last:g}" if run is None else run
    frame = pd.DataFrame({"run": run, "params": params, "tokens": tokens, "loss": loss_at(params, tokens)})
    return frame.assign(**columns)


def test_a_run_that_goes_past_a_budget_is_interpolated_there():
    sizes = [1e8, 2e8, 4e8]
    told = slice_isoflops(pd.concat([curve(size, 1e11) for size in sizes]), [6e18, 1.2e19])
    assert told.flop_budget.tolist() == [6e18] * 3 + [1.2e19] * 3
    assert told.flops.tolist() == told.flop_budget.tolist()
    assert told.params.tolist() == sizes * 2
    assert (told["read"] == "interpolated").all()
    assert told.tokens.to_numpy() == pytest.approx((told.flop_budget / 6 / told.params).to_numpy())
    assert told.loss.to_numpy() == pytest.approx(loss_at(told.params, told.tokens).to_numpy(), rel=1e-5)


def test_a_run_that_ends_near_the_budget_is_preferred_and_read_at_its_last_row():
    runs = pd.concat([curve(1e8, 1e11), curve(1e8, 1.02e10)])
    (row,) = slice_isoflops(runs, 6e18).itertuples()
    assert row.read == "last row"
    assert row.run == "1e+08 to 1.02e+10"
    assert row.flops == pytest.approx(1.02 * 6e18)
    assert row.loss == pytest.approx(loss_at(1e8, 1.02e10))
    (row,) = slice_isoflops(runs, 6e18, tolerance=0.01).itertuples()
    assert row.read == "interpolated"


def test_of_runs_that_go_past_a_budget_the_shortest_is_read():
    runs = pd.concat([curve(1e8, 1e11), curve(1e8, 2e10), curve(1e8, 5e10)])
    assert slice_isoflops(runs, 6e18).run.tolist() == ["1e+08 to 2e+10"]


def test_a_run_that_ends_just_below_the_budget_is_read_at_its_last_row_and_not_beyond():
    runs = curve(1e8, 0.97e10)
    (row,) = slice_isoflops(runs, 6e18).itertuples()
    assert row.loss == runs.loss.iloc[-1]
    with pytest.raises(DataError, match=r"no run reaches 6e\+18 FLOP"):
        slice_isoflops(runs, 6e18, tolerance=0.01)
    with pytest.raises(DataError, match="no run reaches"):
        slice_isoflops(runs, 6e18, tolerance=0)


def test_seeds_of_one_length_are_averaged_and_what_differs_is_missing():
    runs = pd.concat([curve(1e8, 1e10, run=f"s{seed}", seed=seed, width=64) for seed in (1, 2)])
    runs["loss"] *= np.where(runs.seed == 1, 1.1, 0.9)
    (row,) = slice_isoflops(runs, 6e18).itertuples()
    assert row.runs_used == 2
    assert row.loss == pytest.approx(loss_at(1e8, 1e10))
    assert pd.isna(row.seed)
    assert pd.isna(row.run)
    assert row.width == 64


def test_sizes_that_do_not_reach_a_budget_are_counted():
    runs = pd.concat([curve(1e8, 1e11), curve(2e8, 1e10)])
    told = slice_isoflops(runs, [6e18, 5e19, 6e15 * 1e3])
    assert told.groupby("flop_budget").size().to_dict() == {6e18: 2, 5e19: 1}
    note = notes_of(told)[-1]
    assert note.startswith(
        "slice_isoflops: 3 rows, 2 sizes at 2 budgets; sizes that do not reach a budget: 1 of 2 at 5e+19"
    )


def test_a_budget_below_the_first_row_of_a_run_is_not_reached():
    assert slice_isoflops(pd.concat([curve(1e8, 1e11), curve(4e8, 1e11)]), 1.2e18).params.tolist() == [1e8]


def test_sizes_of_different_families_are_different_sizes():
    runs = pd.concat([curve(1e8, 1e11, run=f, family=f) for f in ("a", "b")])
    assert slice_isoflops(runs, 6e18).family.tolist() == ["a", "b"]


def test_a_table_of_final_rows_is_sliced_without_interpolation():
    logs = datasets.load("microlm").query("family == 'transformer'")
    final = extract_final_losses(logs, alike=["run"]).drop(columns=["loss_rule", "rows_used"])
    budget = float(final.flops.median())
    told = slice_isoflops(final, budget, tolerance=0.3)
    assert (told["read"] == "last row").all()
    assert told.flops.between(0.7 * budget, 1.3 * budget).all()
    assert set(told.loss[told.runs_used == 1]) <= set(final.loss)


def test_a_slice_of_the_real_ladder_is_a_valley():
    logs = datasets.load("microlm").query("family == 'transformer'")
    told = slice_isoflops(logs, [3e11])
    losses = told.sort_values("params").loss.to_numpy()
    assert len(losses) >= 5
    assert 0 < np.argmin(losses) < len(losses) - 1


def test_the_slices_of_a_known_surface_have_their_minimum_where_it_is():
    sizes = np.geomspace(3e7, 3e9, 25)
    runs = pd.concat([curve(size, 2e12, first=1e8) for size in sizes])
    told = slice_isoflops(runs, [1e20, 1e21])
    best = told.loc[told.groupby("flop_budget").loss.idxmin()].params.to_numpy()
    # N = G (C / 6)^(b / (a + b)), G = (a A / b B)^(1 / (a + b)): Hoffmann et al. 2022, eq. 4.
    true = (0.34 * 406.4 / (0.28 * 410.7)) ** (1 / 0.62) * (np.array([1e20, 1e21]) / 6) ** (0.28 / 0.62)
    assert np.abs(np.log(best / true)).max() < 0.6 * np.log(sizes[1] / sizes[0])


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"budgets": []}, r"budgets has no number\. Such as budgets=\[1e18, 1e19\]"),
        ({"budgets": [1e18, -1]}, "budgets must be a number above 0; got -1"),
        ({"budgets": "1e18"}, "budgets must be a number above 0; got '1e18'"),
        ({"budgets": 6e18, "tolerance": 5}, "tolerance must be a number above 0 and below 1; got 5"),
    ],
)
def test_a_budget_that_is_no_number_is_refused(said, message):
    with pytest.raises(DataError, match=message):
        slice_isoflops(curve(1e8, 1e11), **said)


def test_a_size_that_changes_within_a_run_is_refused():
    runs = curve(1e8, 1e11)
    with pytest.raises(ColumnError, match="column 'params' changes within a run"):
        slice_isoflops(runs.assign(params=np.where(runs.tokens > 1e10, 2e8, 1e8)), 6e18)


def test_a_table_without_sizes_is_told_so():
    runs = curve(1e8, 1e11).assign(flops=lambda runs: 6e8 * runs.tokens).drop(columns="params")
    with pytest.raises(ColumnError, match="slice_isoflops needs a column 'params'"):
        slice_isoflops(runs, 6e18)
