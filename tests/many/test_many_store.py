"""A folder of results: the same answer, gone on with, refused to other calls, read by any reader."""

import json

import pandas as pd
import pytest

import scalefit as sf
from many_tables import many_tasks, same, with_bad_groups
from scalefit.errors import DataError, DataWarning
from scalefit.many.fitting import fit_many
from scalefit.many.mapping import map_groups
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
    with pytest.warns(DataWarning, match="holds 2 of 6 groups"):
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


def test_answers_of_any_call_are_not_written():
    """Only fits have a form that a file can hold; the tables of other answers are the user's to write."""
    with pytest.raises(TypeError, match="path"):
        map_groups(RUNS, len, "task", path="somewhere")
