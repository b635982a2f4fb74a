"""Runs on a server of Weights & Biases. None can run here: the objects below have what wandb documents, and no more."""

import sys

import pytest

from scalefit.errors import ColumnError, DataError, DataWarning
from scalefit.runs.readers.wandb_online import read_wandb

pytest.importorskip("wandb")


class Run:
    """What wandb.Api().run(…) gives, as far as its reference describes it."""

    def __init__(self, identity, rows, *, name="small", last=None, config=None, state="finished", broken=None):
        self.id, self.name, self.state = identity, name, state
        self.config = {} if config is None else config
        self.summary = {"_step": rows[-1]["_step"]} if rows else {}
        self.lastHistoryStep = self.summary.get("_step", -1) if last is None else last
        self._rows, self._broken = rows, broken

    def scan_history(self, keys=None, page_size=1000, min_step=None, max_step=None):
        if self._broken:
            raise self._broken
        # The server's own rule: with keys, only rows that have all of them.
        return iter([row for row in self._rows if keys is None or all(key in row for key in keys)])


class Sweep:
    def __init__(self, runs):
        self.runs = runs


class Api:
    """What wandb.Api() is, as far as reading goes."""

    def __init__(self, **runs):
        self._runs = runs

    def run(self, path):
        try:
            return self._runs[path.split("/")[-1]]
        except KeyError:
            raise ValueError(f"Could not find run {path}") from None

    def runs(self, path):
        assert path == "team/ladder"
        return iter(self._runs.values())

    def sweep(self, path):
        assert path == "team/ladder/s1"
        return Sweep([*self._runs.values()][:1])


ROWS = [{"_step": 0, "loss": 3.0}, {"_step": 1, "eval/acc": 0.5}, {"_step": 2, "loss": 2.5, "eval/acc": 0.75}]


def test_every_row_of_a_run_on_a_server_is_read():
    run = Run("a1", ROWS, config={"lr": 0.001, "model": {"layers": 4}, "_wandb": {}})
    for asked in (run, [run]):
        frame = read_wandb(asked)
        assert frame.step.tolist() == [0, 1, 2]
        assert frame.loss.tolist()[::2] == [3.0, 2.5]
        assert frame[["run", "run_id", "lr", "model.layers"]].drop_duplicates().values.tolist() == [
            ["small", "a1", 0.001, 4]
        ]
        assert frame.attrs["scalefit_notes"][0] == "3 rows of history of 1 run"


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("team/ladder/a1", ["a1"]),
        ("https://wandb.ai/team/ladder/runs/b2?nw=x", ["b2"]),
        ("team/ladder", ["a1", "b2"]),
        ("https://wandb.ai/team/ladder/workspace", ["a1", "b2"]),
        ("team/ladder/sweeps/s1", ["a1"]),
    ],
)
def test_a_path_means_a_run_a_project_or_a_sweep(path, ids):
    frame = read_wandb(path, api=Api(a1=Run("a1", ROWS), b2=Run("b2", ROWS)))
    assert frame.run_id.unique().tolist() == ids
    assert len(frame) == 3 * len(ids)


def test_keys_choose_columns_and_lose_no_row_that_has_one_of_them():
    frame = read_wandb(Run("a1", [*ROWS, {"_step": 3, "other": 1}]), keys=["loss", "eval/acc"])
    assert list(frame) == ["run", "run_id", "step", "eval/acc", "loss"]
    assert frame.step.tolist() == [0, 1, 2]
    assert frame.attrs["scalefit_notes"][0] == "1 row left out that have none of 'loss' and 'eval/acc'"


def test_keys_that_no_run_has_are_an_error_that_names_those_there_are():
    with pytest.raises(ColumnError, match=r"no run has logged 'los'; logged were _step, eval/acc and loss\."):
        read_wandb(Run("a1", ROWS), keys=["los"])


def test_fewer_rows_than_the_server_counts_are_warned_of():
    with pytest.warns(DataWarning, match="fewer rows came than the run has of 1 run: small"):
        frame = read_wandb(Run("a1", ROWS, last=500))
    said = "rows are missing at its end: the last one that came is that of _step 2, the run goes to 500"
    assert said in frame.attrs["scalefit_notes"]


def test_choosing_keys_is_not_taken_for_rows_that_are_missing():
    frame = read_wandb(Run("a1", [*ROWS, {"_step": 3, "other": 1}]), keys="loss")
    assert not any("missing" in note for note in frame.attrs["scalefit_notes"])


def test_a_run_that_goes_on_is_said():
    assert "the run is not finished but running" in read_wandb(Run("a1", ROWS, state="running")).attrs["scalefit_notes"]


def test_one_run_that_fails_costs_only_itself():
    runs = [Run("a1", ROWS), Run("b2", ROWS, name="large", broken=OSError("timed out"))]
    with pytest.warns(DataWarning, match="3 rows kept, 1 refused: run large could not be fetched"):
        frame = read_wandb(runs)
    assert frame.run_id.unique().tolist() == ["a1"]


def test_what_fails_altogether_is_one_clear_error():
    with pytest.raises(DataError, match=r"Run small cannot be fetched from W&B: timed out\."):
        read_wandb(Run("a1", ROWS, broken=OSError("timed out.")))
    with pytest.raises(DataError, match=r"'team/ladder/zz' cannot be fetched from W&B: Could not find run"):
        read_wandb("team/ladder/zz", api=Api())
    with pytest.raises(DataError, match=r"holds no history: 1 run without a logged row\."):
        read_wandb(Run("a1", []))
    with pytest.raises(DataError, match=r"'ladder' is no path of Weights & Biases; give 'entity/project/run_id'"):
        read_wandb("ladder")


def test_without_the_library_a_path_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(DataError, match=r"needs wandb: pip install 'scalefit\[wandb\]'\.$"):
        read_wandb("team/ladder/a1")
