"""A folder of results: the same answer, gone on with, refused to other calls, read by any reader."""

import json
import os
import shutil
import socket

import pandas as pd
import pytest

import scalefit as sf
from many_tables import many_tasks, same, with_bad_groups
from scalefit.errors import DataError, DataWarning
from scalefit.many import store as store_module
from scalefit.many.fitting import fit_many
from scalefit.many.lock import DEAD, LOCK, started, writing
from scalefit.many.store import load_fits

RUNS = with_bad_groups(many_tasks(4, rows=18))
HELD = {"alpha": 0.34, "beta": 0.28}


def call(path=None, **changes):
    given = {"runs": RUNS, "law": "chinchilla", "by": "task", "bootstrap": 10, "fixed": HELD, "rng": 0, **changes}
    return fit_many(**given, path=path)


@pytest.fixture(scope="module")
def whole():
    return call()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("many") / "fits"
    call(path)
    return path


def test_what_was_written_is_what_was_computed(whole, folder):
    assert same(whole, call(folder))
    assert same(whole, load_fits(folder))


def test_a_loaded_mapping_predicts_and_names_what_failed(folder, whole):
    fits = load_fits(folder)
    assert "few" not in fits
    assert fits.failed.equals(whole.failed)
    point = sf.grid(params=[1e9], tokens=[1e10])
    pd.testing.assert_frame_equal(fits["t2"].predict(point), whole["t2"].predict(point), check_exact=True)


def test_any_reader_of_parquet_reads_the_folder(folder, whole):
    read = pd.read_parquet(folder)
    assert read.sort_values("_position").task.tolist() == whole.frame.task.tolist()
    assert {"alpha", "alpha_se", "status"} <= set(read.columns)


def test_a_folder_without_some_of_its_files_is_completed_and_nothing_is_done_twice(whole, tmp_path):
    part_of = RUNS[RUNS.task.isin(["t0", "t1"])]
    path = tmp_path / "fits"
    call(path, runs=part_of)
    # As if the call had been stopped after two of its groups: the manifest is that of all, the parts are of two.
    other = tmp_path / "whole"
    call(other)
    (path / "_manifest.json").write_text((other / "_manifest.json").read_text())
    with pytest.warns(DataWarning, match="not complete, it holds 2 of 6 groups: .* was interrupted"):
        assert list(load_fits(path)) == ["t0", "t1"]
    before = {part.name for part in path.glob("part-*")}
    assert same(whole, call(path))
    assert before < {part.name for part in path.glob("part-*")}
    assert len(pd.read_parquet(path)) == 6


def test_the_seed_of_a_call_without_one_is_kept(tmp_path):
    first = call(tmp_path / "fits", rng=None)
    next((tmp_path / "fits").glob("part-*")).unlink()
    assert same(first_rows(first), call(tmp_path / "fits", rng=None))


def first_rows(fits):
    """The answer as it was, read before its file went."""
    return fits


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"runs": RUNS.assign(loss=RUNS.loss * 1.001)}, "the table of runs has other values or rows"),
        ({"runs": RUNS.iloc[::-1]}, "the table of runs has other values or rows"),
        ({"law": "chinchilla_gamma"}, "law was chinchilla, is chinchilla_gamma"),
        ({"bootstrap": 11}, "bootstrap was 10, is 11"),
        ({"rng": 1}, r"rng was \[0\], is \[1\]"),
        ({"fixed": {"alpha": 0.35, "beta": 0.28}}, "fixed was .*0.34.*, is .*0.35"),
        ({"objective": sf.Square()}, "objective was None, is Square"),
        ({"weights": "params"}, "weights was None, is params"),
        ({"level": 0.8}, "level was 0.9, is 0.8"),
    ],
)
def test_another_call_is_refused_and_told_what_differs(folder, changes, said):
    with pytest.raises(DataError, match=said):
        call(folder, **changes)


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="holds other files"):
        call(tmp_path)
    with pytest.raises(DataError, match="no folder that fit_many"):
        load_fits(tmp_path)
    (tmp_path / "_manifest.json").write_text(json.dumps({"format": "scalefit.many", "schema": 99}))
    with pytest.raises(DataError, match="later version"):
        load_fits(tmp_path)


def test_a_damaged_file_is_named_with_what_to_do(tmp_path):
    call(tmp_path / "fits")
    part = next((tmp_path / "fits").glob("part-*"))
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(DataError, match=r"is damaged.*Delete it"):
        load_fits(tmp_path / "fits")
    part.unlink()
    assert len(call(tmp_path / "fits")) == 5


def test_what_is_paired_is_kept_with_its_draws(tmp_path):
    memory = call(paired=True)
    assert same(memory, call(tmp_path / "fits", paired=True))
    assert same(memory, load_fits(tmp_path / "fits"))


def test_a_bootstrap_is_written_too(whole, tmp_path):
    fits = call(bootstrap=None)
    assert same(whole, fits.bootstrap(10, rng=0, path=tmp_path / "drawn"))
    with pytest.raises(DataError, match="bootstrap was 10, is 12"):
        fits.bootstrap(12, rng=0, path=tmp_path / "drawn")


def test_a_law_of_ones_own_is_written_and_read_with_the_law(tmp_path):
    @sf.define_law(inputs=("params",), output="loss", linear=("E", "A"), params=sf.get_law("chinchilla").params[:3])
    def bare(N, E, A, alpha):
        return E + A / N**alpha

    fits = fit_many(RUNS[RUNS.task.isin(["t0", "t1"])], bare, "task", fixed={"alpha": 0.3}, path=tmp_path / "fits")
    loaded = load_fits(tmp_path / "fits", law=bare)
    assert loaded["t1"].estimates == fits["t1"].estimates
    assert fits["t1"].law.equation_hash == bare.equation_hash


@pytest.fixture(scope="module")
def begun(folder, tmp_path_factory):
    """A folder of which two groups are done, as a call that was stopped leaves it."""
    path = tmp_path_factory.mktemp("many") / "begun"
    call(path, runs=RUNS[RUNS.task.isin(["t0", "t1"])])
    shutil.copy(folder / "_manifest.json", path)
    return path


@pytest.fixture
def held(begun, tmp_path):
    """A function that makes such a folder, with a call that writes to it: this process, but for what is changed."""

    def make(**changes):
        path = shutil.copytree(begun, tmp_path / "fits")
        of_this = {"host": socket.gethostname(), "pid": os.getpid(), "start": started(os.getpid())}
        (path / LOCK).write_text(json.dumps({**of_this, **changes}))
        return path

    return make


def test_a_folder_that_another_call_writes_to_is_refused_and_told_who(held):
    path = held()
    with pytest.raises(DataError, match=rf"another call is writing to .* \(process {os.getpid()} on .*\). Wait for it"):
        call(path)
    assert (path / LOCK).exists()


def test_a_folder_that_is_being_written_is_read_as_far_as_it_is(held):
    path = held()
    with pytest.warns(DataWarning, match=r"the call that writes the others still runs \(process"):
        fits = load_fits(path)
    assert list(fits) == ["t0", "t1"]
    assert len(fits.frame) == len(pd.read_parquet(path))


def test_a_folder_that_was_only_just_begun_holds_no_fit_yet(held):
    path = held()
    for part in path.glob("part-*"):
        part.unlink()
    with pytest.warns(DataWarning, match="holds 0 of 6 groups"), pytest.raises(DataError, match="holds no fit yet"):
        load_fits(path)


def test_files_that_appear_while_a_folder_is_read_are_left_for_the_next_look(begun, folder, tmp_path, monkeypatch):
    path = shutil.copytree(begun, tmp_path / "fits")
    read = store_module.read_parts

    def meanwhile(*given):
        table = read(*given)
        for part in folder.glob("part-*"):
            shutil.copy(part, path)
        return table

    monkeypatch.setattr(store_module, "read_parts", meanwhile)
    with pytest.warns(DataWarning, match="not complete"):
        early = load_fits(path)
    monkeypatch.undo()
    assert set(early) < set(load_fits(path))


@pytest.mark.parametrize(
    ("writer", "age"),
    [({"start": "0"}, 0), ({"pid": 2**22 + 1}, 0), ({"host": "another"}, 2 * DEAD)],
    ids=["its number was given to another process", "its process is gone", "no sign of life from another machine"],
)
def test_the_folder_of_a_call_that_died_is_taken_over(whole, held, writer, age):
    path = held(**writer)
    then = (path / LOCK).stat().st_mtime - age
    os.utime(path / LOCK, (then, then))
    assert same(whole, call(path))
    assert not (path / LOCK).exists()


def test_a_call_on_another_machine_with_signs_of_life_is_left_alone(held):
    path = held(host="another")
    with pytest.raises(DataError, match="on another"):
        call(path)


def test_a_whole_folder_is_read_whoever_holds_it(whole, tmp_path):
    call(tmp_path / "fits")
    with writing(tmp_path / "fits"):
        assert same(whole, call(tmp_path / "fits"))


def test_an_interruption_says_how_many_groups_are_there(tmp_path):
    seen = []

    @sf.define_law(inputs=("params",), output="loss", linear=("E", "A"), params=sf.get_law("chinchilla").params[:3])
    def bare(N, E, A, alpha):
        seen.append(1)
        if len(seen) > 40:
            raise KeyboardInterrupt
        return E + A / N**alpha

    runs = many_tasks(40, rows=12)
    with pytest.raises(KeyboardInterrupt, match=r"stopped: \d+ of 40 groups are in .*; the same call goes on") as told:
        fit_many(runs, bare, "task", path=tmp_path / "fits")
    assert told.value.__cause__ is None
    assert not (tmp_path / "fits" / LOCK).exists()


def test_folders_of_an_array_of_jobs_are_read_as_one(tmp_path):
    tasks = list(RUNS.task.unique())
    for job in range(2):
        call(tmp_path / "fits" / str(job), runs=RUNS[RUNS.task.isin(tasks[job::2])], rng=job)
    told = load_fits(tmp_path / "fits")
    assert sorted(told.frame.task) == sorted(tasks)
    assert told["t1"].n_rows == 18
    assert same(told, load_fits([tmp_path / "fits" / "0", tmp_path / "fits" / "1"]))
    with pytest.raises(DataError, match="is in two of the folders"):
        load_fits([tmp_path / "fits" / "0"] * 2)
    call(tmp_path / "fits" / "2", runs=RUNS[RUNS.task == "t1"], level=0.5)
    with pytest.raises(DataError, match=r"different calls: level was 0.9, is 0.5"):
        load_fits(tmp_path / "fits")


def as_the_first_version_wrote(path):
    """The same folder without the notes."""
    import pyarrow.parquet as pq

    told = json.loads((path / "_manifest.json").read_text())
    (path / "_manifest.json").write_text(json.dumps({**told, "schema": 1}))
    for part in path.glob("part-*"):
        pq.write_table(pq.ParquetFile(part).read().drop_columns(["notes"]), part)
    return path


def test_a_folder_of_the_first_version_is_read_and_not_gone_on_with(whole, tmp_path):
    call(tmp_path / "fits")
    path = as_the_first_version_wrote(tmp_path / "fits")
    assert load_fits(path)["t1"].estimates == whole["t1"].estimates
    assert (load_fits(path).frame.notes == "").all()
    with pytest.raises(DataError, match=r"earlier version.*give a new folder"):
        call(path)
