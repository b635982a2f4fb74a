"""fit_many in one process: the same fits as one by one, failures as rows, one tidy table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from many_tables import many_tasks, same, with_bad_groups
from scalefit.errors import ColumnError, DataError, FitError, LawError
from scalefit.many.engine import LOT
from scalefit.many.fitting import fit_many

RUNS = with_bad_groups(many_tasks(5))
FITS = fit_many(RUNS, "chinchilla", "task", bootstrap=20, rng=0)


def test_each_fit_is_the_one_of_its_rows_alone_to_the_last_bit():
    for task in ("t0", "t4"):
        alone = sf.fit(RUNS[RUNS.task == task], "chinchilla")
        assert FITS[task].u.tobytes() == alone.u.tobytes()
        assert FITS[task].estimates == alone.estimates


@pytest.mark.parametrize(
    ("law", "given"),
    [
        ("kaplan_nd", {}),
        ("gen_ces", {}),
        ("chinchilla", {"tie": {"beta": "alpha"}}),
        ("chinchilla", {"prior": {"alpha": (0.34, 0.05)}}),
        ("chinchilla", {"objective": sf.Square(on="raw"), "weights": "often"}),
        ("chinchilla", {"bounds": {"E": (1.6, 1.7), "alpha": (0.3, None)}}),
        ("chinchilla", {"starts": {"alpha": 0.3}}),
        ("chinchilla", {"starts": sf.Starts(own=3)}),
        ("chinchilla", {"starts": sf.Starts(own=0, given=[{"E": 1.5, "A": 300, "alpha": 0.3, "B": 300, "beta": 0.3}])}),
        ("m3", {"along": "params"}),
        ("formula", {"target": "loss"}),
    ],
)
def test_searches_done_together_end_as_each_does_alone(law, given):
    runs = RUNS[RUNS.task.isin(["t0", "t1", "t2", "t3", "flat"])].assign(often=lambda r: 1 + r.index % 3)
    runs = runs[(runs.task != "t2") | (runs.groupby("task").cumcount() > 2)]  # of another size: searched by itself
    if law == "formula":
        law = sf.formula_law("E + A / params**alpha", inputs=["params"])
    fits = fit_many(runs, law, "task", **given)
    for task, rows in runs.groupby("task"):
        alone = sf.fit(rows, law, **given)
        assert fits[task].u.tobytes() == alone.u.tobytes()
        assert fits[task].basins.tobytes() == alone.basins.tobytes()
        assert fits[task].judgement == alone.judgement
        pd.testing.assert_frame_equal(fits[task].summary(), alone.summary(), check_exact=True)
        pd.testing.assert_frame_equal(fits[task].data, alone.data, check_exact=True)


def test_more_groups_than_are_searched_at_once_end_as_each_does_alone():
    runs = many_tasks(LOT + 2, rows=12)
    given = {"fixed": {"alpha": 0.34}, "tie": {"B": "A"}}
    fits = fit_many(runs, "chinchilla", "task", **given)
    for task in ("t0", f"t{LOT - 1}", f"t{LOT}", f"t{LOT + 1}"):
        assert fits[task].u.tobytes() == sf.fit(runs[runs.task == task], "chinchilla", **given).u.tobytes()


def test_the_order_of_rows_across_groups_does_not_matter():
    mixed = RUNS.sort_values("params", kind="stable")
    shuffled = fit_many(mixed, "chinchilla", "task")
    assert all(shuffled[task].u.tobytes() == FITS[task].u.tobytes() for task in ("t0", "t1", "t2"))


def test_the_draws_of_a_group_come_from_its_own_seed_by_its_place():
    rng = np.random.default_rng(np.random.SeedSequence(0).spawn(4)[3])
    alone = sf.fit(RUNS[RUNS.task == "t3"], "chinchilla").bootstrap(20, rng=rng)
    pd.testing.assert_frame_equal(FITS["t3"].draws, alone.draws, check_exact=True)


def test_a_group_that_fails_is_a_row_with_its_reason():
    row = FITS.frame.set_index("task").loc["few"]
    assert row.status == "failed"
    assert "5 free parameters" in row.reason
    assert row.n_rows == 2
    assert np.isnan(row.alpha)
    assert "few" not in FITS
    assert FITS.failed.task.tolist() == ["few"]
    with pytest.raises(KeyError, match="failed: chinchilla has 5 free parameters"):
        FITS["few"]


def test_a_group_that_identifies_nothing_is_there_and_says_so():
    assert not FITS["flat"].converged
    assert FITS.frame.set_index("task").status["flat"] == "not identified"


def test_a_group_that_is_not_there_is_a_key_error_with_the_nearest_names():
    with pytest.raises(KeyError, match=r"no group 't9' among 7; did you mean 't.', 't.' or 't.'"):
        FITS["t9"]
    with pytest.raises(KeyError, match="no group 123 among 7; list"):
        FITS[123]


def test_the_table_has_a_row_a_group_with_every_parameter():
    assert FITS.frame.task.tolist() == ["t0", "t1", "t2", "t3", "t4", "few", "flat"]
    t2 = FITS.frame.iloc[2]
    summary = FITS["t2"].summary()
    assert (t2.alpha, t2.alpha_se) == (summary.estimate["alpha"], summary.se["alpha"])
    assert (t2.E_low, t2.E_high) == (summary.low["E"], summary.high["E"])
    assert t2.objective == FITS["t2"].objective
    assert (t2.n_runs, t2.n_draws) == (30, 20)


def test_the_first_line_counts_the_groups_by_status():
    assert str(FITS).startswith("chinchilla on 7 groups by task: 5 converged, 1 not identified, 1 failed")
    assert not FITS.trusted
    assert fit_many(RUNS[RUNS.task.isin(["t0", "t1"])], "chinchilla", "task").trusted
    assert "7 groups" in FITS._repr_html_()


def test_of_more_groups_than_can_be_read_the_spread_is_told():
    many = fit_many(many_tasks(14, rows=12), "chinchilla", "task", fixed={"alpha": 0.34, "beta": 0.28})
    assert "14 converged" in str(many)
    assert "median of the converged groups" in str(many)
    assert "t13" not in str(many)


def spoiled():
    """Groups of good runs with one thing wrong in each: a row far off, copies, one row to spare, none."""
    t0 = many_tasks(1)
    far = t0.assign(loss=t0.loss.where(t0.index != 12, 11.5), task="far")
    copies = pd.concat([t0, t0.head(10)], ignore_index=True).assign(task="copies")
    scattered = [0, 4, 8, 15, 21, 29]  # on no line in params and tokens
    six, five = (t0.iloc[scattered[:n]].assign(task=f"rows{n}") for n in (6, 5))
    return pd.concat([t0, far, copies, six, five], ignore_index=True)


@pytest.fixture(scope="module")
def noted():
    return fit_many(spoiled(), "chinchilla", "task", bootstrap=10, rng=0)


def test_what_a_single_fit_says_of_its_rows_stands_in_the_table(noted):
    notes = noted.frame.set_index("task").notes
    assert notes["t0"] == ""
    for task, said in [("far", "% off the law"), ("rows6", "only 1 more row than"), ("rows5", "intervals are unknown")]:
        alone = str(sf.fit(spoiled().query("task == @task"), "chinchilla"))
        assert said in notes[task]
        assert all(note in alone for note in notes[task].split("; "))
    assert "10 of 40 rows equal others in every column" in notes["copies"]


def test_the_first_lines_count_the_groups_that_have_something_against_them(noted):
    assert not noted.trusted
    lines = str(noted).splitlines()
    assert "  - 1 group with rows far off the law, far: row 42 (run 12) lies" in lines[1]
    assert any(line.startswith("  - 1 group with copied rows, copies: 10 of 40") for line in lines)


def test_a_group_without_a_row_to_spare_keeps_its_estimates_with_and_without_a_bootstrap(noted):
    alone = sf.fit(spoiled().query("task == 'rows5'"), "chinchilla")
    for fits in (noted, fit_many(spoiled().query("task == 'rows5'"), "chinchilla", "task")):
        row = fits.frame.set_index("task").loc["rows5"]
        assert row.status == alone.judgement.status
        assert row.alpha == fits["rows5"].estimates["alpha"] == alone.estimates["alpha"]
        assert np.isnan(row.alpha_low)
    assert noted.frame.set_index("task").reason["rows5"].startswith("no bootstrap: chinchilla has 5 free parameters")
    assert noted["rows5"].draws is None
    paired = fit_many(spoiled(), "chinchilla", "task", bootstrap=10, paired=True, rng=0)
    assert paired["rows5"].draws is None
    assert paired["t0"].draws is not None


def test_failures_that_differ_by_a_row_number_are_told_as_one_kind():
    runs = RUNS[RUNS.task.isin(["t0", "t1", "t2", "t3"])].reset_index(drop=True)
    runs.loc[[3, 35, 70], "loss"] = np.nan
    fits = fit_many(runs, "chinchilla", "task")
    assert "failed: 3 groups, t0 first: chinchilla: column 'loss' has no value in row 3." in str(fits)


def test_a_group_that_fails_has_its_runs_counted():
    row = FITS.frame.set_index("task").loc["few"]
    assert (row.n_runs, row.n_rows) == (2, 2)
    twice = pd.concat([RUNS[RUNS.task == "few"]] * 2, ignore_index=True).head(3)
    row = fit_many(pd.concat([RUNS[RUNS.task == "t0"], twice]), "chinchilla", "task").frame.iloc[1]
    assert (row.status, row.n_runs, row.n_rows) == ("failed", 2, 3)


def test_several_columns_name_a_group_by_a_tuple():
    runs = RUNS[RUNS.task.isin(["t0", "t1"])].assign(half=lambda r: np.where(r.index % 2, 1, 2))
    fits = fit_many(runs, "chinchilla", ["task", "half"], fixed={"beta": 0.28})
    assert set(fits) == {("t0", 1), ("t0", 2), ("t1", 1), ("t1", 2)}
    assert fits.frame.columns[:3].tolist() == ["task", "half", "status"]
    assert type(next(iter(fits))[1]) is int


def test_numbers_and_categories_name_groups_too():
    runs = RUNS[RUNS.task.isin(["t0", "t1"])].assign(step=lambda r: r.task.map({"t0": 100, "t1": 200}))
    assert list(fit_many(runs, "chinchilla", "step")) == [100, 200]
    assert list(fit_many(runs.assign(task=runs.task.astype("category")), "chinchilla", "task")) == ["t0", "t1"]


def test_the_arguments_of_fit_are_those_of_every_group():
    runs = RUNS[RUNS.task.isin(["t0", "t1"])].assign(bits=lambda r: r.loss / np.log(2), often=2.0)
    fits = fit_many(
        runs, "chinchilla", "task", target="bits", objective=sf.Square(), weights="often", tie={"beta": "alpha"},
        bounds={"E": (0.5, None)}, starts={"alpha": 0.3},
    )  # fmt: skip
    alone = sf.fit(
        runs[runs.task == "t1"], "chinchilla", target="bits", objective=sf.Square(), weights="often",
        tie={"beta": "alpha"}, bounds={"E": (0.5, None)}, starts={"alpha": 0.3},
    )  # fmt: skip
    assert fits["t1"].estimates == alone.estimates


def test_weights_as_numbers_go_with_their_rows():
    runs = RUNS[RUNS.task.isin(["t0", "t1"])].sample(frac=1, random_state=1)
    weights = np.linspace(0.5, 1.5, len(runs))
    fits = fit_many(runs, "chinchilla", "task", weights=weights)
    alone = sf.fit(runs[runs.task == "t1"], "chinchilla", weights=weights[(runs.task == "t1").to_numpy()])
    assert fits["t1"].estimates == alone.estimates
    with pytest.raises(DataError, match="one number per row"):
        fit_many(runs, "chinchilla", "task", weights=weights[1:])


def test_schedules_reach_the_groups_of_their_runs():
    logs = sf.datasets.load("microlm", part="schedules")
    few = logs[(logs.width == 48) & (logs.step > 200) & logs.schedule.isin(["constant", "cosine"])]
    both = pd.concat([few.assign(half="a"), few.assign(half="b")], ignore_index=True).drop(columns="lr")
    of_run = {run: sf.Schedule.from_log(rows) for run, rows in few.groupby("run")}
    fits = fit_many(both, "lr_annealing", "half", schedules=of_run)
    alone = sf.fit(few.drop(columns="lr"), "lr_annealing", schedules=of_run)
    assert fits["b"].u.tobytes() == alone.u.tobytes()


def test_warnings_of_groups_are_told_and_not_raised():
    runs = RUNS[RUNS.task.isin(["t0", "t1"])].assign(params=lambda r: r.params / 1e6)
    fits = fit_many(runs, "chinchilla", "task")
    assert fits.frame.warnings.str.contains("millions").all()
    assert "warned: 2 groups" in str(fits)


def test_a_group_that_fails_tells_its_warnings_too():
    runs = RUNS[RUNS.task.isin(["t0", "few"])].assign(params=lambda r: r.params / 1e6)
    row = fit_many(runs, "chinchilla", "task").frame.set_index("task").loc["few"]
    assert "5 free parameters" in row.reason
    assert "millions" in row.warnings


def test_a_law_from_memory_is_told_of_every_group_and_a_single_fit_warns_at_the_line_that_asked_for_it():
    law = replace(sf.get_law("chinchilla"), verified="memory")
    fits = fit_many(RUNS[RUNS.task.isin(["t0", "t1"])], law, "task")
    assert fits.frame.warnings.str.contains("from memory").all()
    with pytest.warns(sf.FitWarning, match="from memory") as warned:
        sf.fit(RUNS[RUNS.task == "t0"], law)
    assert [Path(one.filename).name for one in warned] == ["test_fit_many.py"]


def test_paired_groups_share_a_plan_and_others_do_not():
    paired = fit_many(RUNS, "chinchilla", "task", bootstrap=20, paired=True, rng=0)
    assert paired["t0"].plan.token == paired["t3"].plan.token
    assert FITS["t0"].plan.token != FITS["t3"].plan.token
    pd.testing.assert_frame_equal(paired["t0"].draws, FITS["t0"].draws, check_exact=True)  # the first draws the plan
    left, right = sf.joint_draws(paired["t0"], paired["t3"])
    apart = sf.joint_draws(FITS["t0"], FITS["t3"])
    assert len(left) == len(right) == 20
    assert not np.array_equal(apart[1].to_numpy(), FITS["t3"].draws.to_numpy())


def test_groups_with_other_runs_keep_plans_of_their_own():
    runs = RUNS[RUNS.task.isin(["t0", "t1", "t2"])]
    runs = runs.assign(run=np.where(runs.task == "t2", "other " + runs.run, runs.run))
    paired = fit_many(runs, "chinchilla", "task", bootstrap=10, paired=True, rng=0)
    tokens = [paired[task].plan.token for task in ("t0", "t1", "t2")]
    assert tokens[0] == tokens[1] != tokens[2]


def test_a_bootstrap_afterwards_is_the_one_of_the_call():
    later = fit_many(RUNS, "chinchilla", "task").bootstrap(20, rng=0)
    assert same(FITS, later)
    kinds = later.bootstrap(10, kind="wild", rng=1)
    assert kinds["t0"].plan.kind == "wild"
    assert kinds.failed.task.tolist() == ["few"]


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"law": "chinchila"}, LawError, "Did you mean 'chinchilla'"),
        ({"by": "famly"}, ColumnError, "needs a column 'famly'"),
        ({"by": []}, FitError, "by must be a column"),
        ({"by": ["task", "task"]}, FitError, "by must be a column"),
        ({"target": "accuracy"}, ColumnError, "accuracy"),
        ({"fixed": {"gamma": 1.0}}, FitError, "gamma"),
        ({"weights": "often"}, ColumnError, "often"),
        ({"bootstrap": 1}, FitError, "at least 2"),
        ({"paired": True}, FitError, "bootstrap=1000"),
        ({"rng": -1}, FitError, "rng must be"),
        ({"level": 90}, Exception, "level"),
    ],
)
def test_a_slip_in_the_call_is_an_error_and_not_a_thousand_rows(change, error, said):
    with pytest.raises(error, match=said):
        fit_many(**{"runs": RUNS, "law": "chinchilla", "by": "task", **change})


def test_rows_that_name_no_group_are_named():
    runs = RUNS.assign(task=RUNS.task.where(RUNS.index != 7))
    with pytest.raises(DataError, match=r"names no group in row 7.*dropna"):
        fit_many(runs, "chinchilla", "task")


def test_a_group_column_called_like_a_parameter_is_refused():
    with pytest.raises(FitError, match="what a column of the answer is called"):
        fit_many(RUNS.rename(columns={"task": "alpha"}), "chinchilla", "alpha")


def test_a_fit_holds_no_more_than_when_it_was_made_alone():
    """What the row of the table computes on the way would otherwise stay in memory, thousands of times."""
    assert "draws_theta" not in vars(FITS["t0"])
    assert "coordinate_covariance" not in vars(FITS["t0"])


def test_importing_the_library_loads_no_joblib():
    import subprocess
    import sys

    code = "import sys, scalefit, scalefit.many.fitting; print('joblib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
