"""Workers of joblib and dask: the same bits, also where one dies; Ctrl-C leaves no process."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import pytest

from many_tables import dying_once, many_tasks, same, with_bad_groups
from scalefit.many.fitting import fit_many
from scalefit.many.mapping import map_groups

RUNS = with_bad_groups(many_tasks(10, rows=18))
HELD = {"alpha": 0.34, "beta": 0.28}
TESTS = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def alone():
    return fit_many(RUNS, "chinchilla", "task", bootstrap=20, fixed=HELD, rng=0)


@pytest.fixture(scope="module")
def cluster():
    if importlib.util.find_spec("distributed") is None:
        pytest.skip("needs dask: pip install 'scalefit[dask]'")
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_two_loky_workers_give_the_bits_of_one_process(alone):
    with joblib.parallel_config("loky", n_jobs=2):
        shared = fit_many(RUNS, "chinchilla", "task", bootstrap=20, fixed=HELD, rng=0)
        paired = fit_many(RUNS, "chinchilla", "task", bootstrap=20, fixed=HELD, rng=0, paired=True)
    assert same(alone, shared)
    assert shared["t1"].law is alone["t1"].law
    assert same(fit_many(RUNS, "chinchilla", "task", bootstrap=20, fixed=HELD, rng=0, paired=True), paired)


def test_two_dask_workers_give_the_bits_of_one_process(alone, cluster):
    with joblib.parallel_config("dask"):
        shared = fit_many(RUNS, "chinchilla", "task", bootstrap=20, fixed=HELD, rng=0)
    assert same(alone, shared)
    assert cluster.nthreads()  # it was this cluster that was asked


def test_work_is_done_by_the_workers_and_not_here():
    with joblib.parallel_config("loky", n_jobs=2):
        told = map_groups(RUNS, lambda runs: os.getpid(), "task")
    by_others = [number for number in told.frame.value if number != os.getpid()]
    assert len(by_others) == len(told) - 3  # the first three tell what a group costs


def test_a_loky_worker_that_dies_costs_a_retry_and_no_bit(alone, tmp_path):
    law = dying_once(tmp_path / "died")
    whole = fit_many(RUNS, law, "task", bootstrap=20, fixed=HELD, rng=0)
    with joblib.parallel_config("loky", n_jobs=2):
        shared = fit_many(RUNS, law, "task", bootstrap=20, fixed=HELD, rng=0)
    assert (tmp_path / "died").read_text() == "died here"
    assert same(whole, shared)
    assert shared["t1"].law is law


def test_a_dask_worker_that_dies_costs_a_retry_and_no_bit(cluster, tmp_path):
    law = dying_once(tmp_path / "died")
    whole = fit_many(RUNS, law, "task", bootstrap=20, fixed=HELD, rng=0)
    with joblib.parallel_config("dask"):
        shared = fit_many(RUNS, law, "task", bootstrap=20, fixed=HELD, rng=0)
    assert (tmp_path / "died").read_text() == "died here"
    assert same(whole, shared)


def test_a_group_that_kills_every_worker_is_a_row_and_the_others_are_done():
    def call(runs):
        if runs.task.iloc[0] == "t6":
            os.kill(os.getpid(), signal.SIGKILL)
        return len(runs)

    with joblib.parallel_config("loky", n_jobs=2):
        told = map_groups(RUNS, call, "task")
    assert told.failed.task.tolist() == ["t6"]
    assert "died" in told.failed.reason[0]
    assert len(told) == len(RUNS.task.unique()) - 1


def test_a_bar_counts_every_group_once(capsys):
    with joblib.parallel_config("loky", n_jobs=2):
        map_groups(RUNS, len, "task", progress=True)
    assert "12/12" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux which processes there are")
@pytest.mark.parametrize("how", ["interrupted", "killed"])
def test_what_was_stopped_goes_on_where_it_was(how, tmp_path):
    """SIGINT as a terminal sends it, to all processes of the group; or kill -9."""
    folder = tmp_path / "fits"
    code = f"import sys; sys.path.insert(0, {str(TESTS)!r}); import many_tables as m; m.run_script({str(folder)!r})"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, start_new_session=True) as process:
        wait_for(lambda: len(list(folder.glob("part-*"))) >= 2, 60)
        if how == "interrupted":
            os.killpg(process.pid, signal.SIGINT)
            assert b"KeyboardInterrupt" in process.communicate(timeout=60)[1]
            wait_for(lambda: not members(process.pid), 20)
        else:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)
    if how == "killed":
        (folder / ".part-0000035-0000035-1.parquet.new").write_bytes(b"PAR1 half a fi")
    before = {part: part.stat().st_mtime_ns for part in folder.glob("part-*")}
    assert before
    runs = many_tasks(36)
    gone_on = fit_many(runs, "chinchilla", "task", bootstrap=40, rng=0, path=folder)
    assert all(part.stat().st_mtime_ns == then for part, then in before.items())
    assert not list(folder.glob(".part-*"))
    assert len(places(folder)) == len(set(places(folder))) == 36
    first, last = gone_on["t0"], gone_on["t35"]
    few = runs[runs.task == "t0"]
    assert first.estimates == fit_many(few, "chinchilla", "task", bootstrap=40, rng=0)["t0"].estimates
    assert last.n_rows == 30


def places(folder):
    """The positions of the groups in all files."""
    import pyarrow.parquet as pq

    read = (pq.ParquetFile(part).read(columns=["_position"]) for part in sorted(folder.glob("part-*")))
    return [place for table in read for place in table["_position"].to_pylist()]


def members(group):
    """The processes of a group that are still there, but for those that only wait to be counted."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, pgrp = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(pgrp) == group and state != "Z":
                found.append(entry.name)
    return found


def wait_for(condition, seconds):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
