"""map_groups: any call for each group."""

from functools import partial

import pandas as pd
import pytest

import scalefit as sf
from many_tables import many_tasks, with_bad_groups
from scalefit.errors import DataError, FitError
from scalefit.many.answers import load_answers
from scalefit.many.mapping import map_groups

RUNS = with_bad_groups(many_tasks(3))
GOOD = RUNS[RUNS.task.isin(["t0", "t1"])]


def test_a_back_test_of_each_group_is_one_table():
    call = partial(sf.backtest, law="chinchilla", cuts=(0.7,), draws=20)
    told = map_groups(GOOD, call, "task", rng=0)
    alone = sf.backtest(GOOD[GOOD.task == "t1"], "chinchilla", cuts=(0.7,), draws=20, rng=_second())
    shown = told.frame[told.frame.task == "t1"].drop(columns=["task", "state", "doubts"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(shown, alone.frame.reset_index(drop=True), check_exact=True)
    assert isinstance(told["t1"], sf.Backtest)


def test_a_forecast_of_each_group_is_one_table():
    at = sf.grid(params=[1e10], tokens=[1e11])
    call = partial(sf.forecast, at=at, laws=["chinchilla"], draws=20, cuts=(0.7,))
    told = map_groups(GOOD, call, "task", rng=0)
    assert told.frame.columns[:3].tolist() == ["task", "params", "tokens"]
    assert told.frame.task.tolist() == ["t0", "t1"]


def test_a_coverage_of_each_design_is_one_table():
    call = lambda runs, rng: sf.coverage("chinchilla", runs, 0.01, truth="hoffmann2022", draws=10, n_sims=4, rng=rng)  # noqa: E731
    told = map_groups(GOOD, call, "task", rng=0)
    assert set(told.frame.task) == {"t0", "t1"}


def test_numbers_mappings_and_series_become_rows():
    assert map_groups(GOOD, len, "task").frame.value.tolist() == [30, 30]
    told = map_groups(GOOD, lambda runs: {"least": runs.loss.min(), "most": runs.loss.max()}, "task")
    assert told.frame.columns.tolist() == ["task", "least", "most"]
    summary = map_groups(GOOD, lambda runs: sf.fit(runs, "chinchilla").summary(), "task").frame
    assert summary.columns[:2].tolist() == ["task", "parameter"]


def test_what_fails_is_told_with_its_kind():
    def call(runs):
        return 1 / (len(runs) - 2)

    told = map_groups(RUNS, call, "task")
    assert told.failed.task.tolist() == ["few"]
    assert told.failed.reason.tolist() == ["ZeroDivisionError: division by zero"]
    assert str(told).startswith("5 groups by task: 4 answered, 1 failed")
    assert len(told.frame) == 4


def test_what_warns_is_told():
    def call(runs):
        import warnings

        warnings.warn(f"{len(runs)} rows", stacklevel=1)

    told = map_groups(GOOD, call, "task")
    assert told.warned.warnings.tolist() == ["30 rows", "30 rows"]
    assert "warned: 2 groups" in str(told)


def test_all_groups_failing_is_a_bad_answer_and_an_empty_table():
    told = map_groups(GOOD, lambda runs: 1 / 0, "task")
    assert len(told) == 0
    assert told.frame.empty
    assert told.said().state == "bad"


def test_a_call_that_is_none_is_refused():
    with pytest.raises(FitError, match="must be a function"):
        map_groups(GOOD, "chinchilla", "task")


def forecast_of(rows, rng):
    """A forecast far beyond the runs, of which scalefit itself says that it has doubts."""
    return sf.forecast(rows, sf.grid(params=[1e10], tokens=[1e11]), laws=["chinchilla"], draws=20, cuts=(0.7,), rng=rng)


@pytest.fixture(scope="module")
def doubted():
    return map_groups(GOOD, forecast_of, "task", rng=0)


def test_answers_with_doubts_are_counted_and_marked(doubted):
    assert str(doubted).startswith("2 groups by task: 2 answered (2 of them with doubts)")
    assert "doubtful: 2 groups, t0 first: chinchilla stands alone" in str(doubted)
    assert not doubted.trusted
    assert doubted.frame.columns[-2:].tolist() == ["state", "doubts"]
    assert doubted.frame.state.tolist() == [doubted[task].said().state for task in ("t0", "t1")]
    assert doubted.frame.doubts[0] == "; ".join(doubted["t0"].doubts)


def test_answers_are_kept_as_tables_and_gone_on_with(doubted, tmp_path):
    pytest.importorskip("pyarrow")
    first = map_groups(GOOD, forecast_of, "task", rng=0, path=tmp_path / "told")
    pd.testing.assert_frame_equal(first.frame, doubted.frame, check_exact=True)
    assert str(first) == str(doubted)
    pd.testing.assert_frame_equal(first["t1"], doubted["t1"].frame.reset_index(drop=True), check_exact=True)
    again = map_groups(GOOD, forecast_of, "task", path=tmp_path / "told")
    pd.testing.assert_frame_equal(again.frame, first.frame, check_exact=True)
    pd.testing.assert_frame_equal(load_answers(tmp_path / "told").frame, first.frame, check_exact=True)


def test_only_what_is_missing_is_asked_again(tmp_path):
    pytest.importorskip("pyarrow")
    asked = tmp_path / "asked"

    def count(rows):
        with asked.open("a") as file:
            file.write(f"{rows.task.iloc[0]} ")
        return 1 / (len(rows) - 2)

    whole = map_groups(RUNS, count, "task", path=tmp_path / "told")
    part = next((tmp_path / "told").glob("part-*"))
    assert asked.read_text().split() == list(RUNS.task.unique())
    map_groups(RUNS, count, "task", path=tmp_path / "told")
    assert len(asked.read_text().split()) == 5
    part.unlink()
    again = map_groups(RUNS, count, "task", path=tmp_path / "told")
    assert len(asked.read_text().split()) > 5
    pd.testing.assert_frame_equal(again.frame, whole.frame)
    assert again.failed.reason.tolist() == ["ZeroDivisionError: division by zero"]


def test_the_folder_of_another_call_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    by = 2
    map_groups(GOOD, lambda rows: len(rows) / by, "task", path=tmp_path / "told")
    by = 3
    with pytest.raises(DataError, match=r"call was .*lambda.*, is .*lambda"):
        map_groups(GOOD, lambda rows: len(rows) / by, "task", path=tmp_path / "told")
    with pytest.raises(DataError, match=r"written by map_groups.*load_answers reads it"):
        sf.load_fits(tmp_path / "told")


def test_what_a_file_has_no_type_for_is_kept_as_text_and_told(tmp_path):
    pytest.importorskip("pyarrow")
    told = map_groups(GOOD, lambda rows: {"n": len(rows), "what": complex(1, 2)}, "task", path=tmp_path / "told")
    assert told.frame.n.tolist() == [30, 30]
    assert told.frame.what.tolist() == ["(1+2j)"] * 2
    assert told.warned.warnings.str.contains("text is kept").all()


def _second():
    import numpy as np

    return np.random.default_rng(np.random.SeedSequence(0).spawn(2)[1])
