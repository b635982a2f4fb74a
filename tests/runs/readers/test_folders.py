"""Folders, globs and lists: every log found and named, what is no log counted, and nothing outside ever opened."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

import scalefit as sf
from scalefit.errors import DataError, DataWarning
from scalefit.runs.frame import as_frame
from scalefit.runs.run_names import Pattern, run_names


def said(runs):
    return runs.attrs["scalefit_notes"]


def refused(runs):
    return dict(runs.attrs["scalefit_refused"])


def state(steps):
    log = [{"step": step, "loss": 3 - step / 1000, "epoch": step / 100} for step in range(100, steps + 1, 100)]
    return json.dumps({"global_step": steps, "log_history": log, "total_flos": 0})


# Runs and their names


def test_every_log_of_a_folder_is_read_and_called_by_its_path(write):
    write("logs/small/metrics.csv")
    write("logs/large/metrics.csv", "step,loss\n1,2.9\n")
    runs = sf.read_runs("logs")
    assert runs.to_dict("list") == {"run": ["large", "small", "small"], "step": [1, 1, 2], "loss": [2.9, 3.0, 2.5]}
    assert said(runs) == ("'logs': 2 logs read as delimited text", "2 runs named by the path of the log")
    assert refused(runs) == {}


@pytest.mark.parametrize("given", ["folder", "glob", "list", "paths"])
def test_a_folder_a_glob_and_a_list_give_the_same(write, given):
    files = [write("logs/b/metrics.csv"), write("logs/a/metrics.csv", "step,loss\n1,2.9\n")]
    source = {"folder": "logs", "glob": "logs/*/metrics.csv", "list": [str(f) for f in files], "paths": files}[given]
    assert sf.read_runs(source)["run"].tolist() == ["a", "b", "b"]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/metrics.jsonl", "b/metrics.jsonl"], ["a", "b"]),
        (["a.csv", "b.csv.gz"], ["a", "b"]),
        (["e/a/train/m.csv", "e/b/train/m.csv"], ["a", "b"]),
        (["a/1.csv", "a/2.csv", "b/1.csv"], ["a/1", "a/2", "b/1"]),
        (["a.csv", "a.jsonl"], ["a.csv", "a.jsonl"]),
        (["a/metrics.csv"], ["a/metrics"]),
        (["a", "a/b.csv"], ["a", "a/b"]),
        (["v1.5", "v1.6"], ["v1.5", "v1.6"]),
        (["größe 1/m.csv", "größe 2/m.csv"], ["größe 1", "größe 2"]),
    ],
)
def test_what_all_paths_share_is_no_part_of_a_name(paths, names):
    assert run_names([tuple(path.split("/")) for path in paths]) == names


@given(
    st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple), min_size=1, max_size=6, unique=True)
)
def test_two_runs_never_have_one_name(paths):
    names = run_names([(*path[:-1], f"{path[-1]}.csv") for path in paths])
    assert len(set(names)) == len(paths)


def test_the_runs_that_a_log_names_itself_are_kept(write):
    write("logs/a.csv", "run,step,loss\nx,1,2\ny,1,2\n")
    write("logs/b.csv", "run_id,step,loss\nx,1,2\nz,1,2\n")
    runs = sf.read_runs("logs")
    assert runs["run"].tolist() == ["a/x", "y", "b/x", "z"]
    assert "run read from column 'run_id' (1 log)" in said(runs)
    assert any("path of theirs before the name" in note for note in said(runs))


def test_columns_that_one_log_lacks_are_missing_in_its_rows(write):
    write("logs/a.csv", "step,loss\n1,2\n")
    write("logs/b.csv", "step,accuracy,note\n1,0.5,x\n")
    runs = sf.read_runs("logs")
    assert list(runs) == ["run", "step", "loss", "accuracy", "note"]
    assert runs["loss"].isna().tolist() == [False, True]
    assert runs["note"].isna().tolist() == [True, False]


def test_logs_of_different_formats_make_one_table(write):
    write("logs/a.csv", "step,loss\n1,2\n")
    write("logs/b.jsonl", '{"step": 1, "loss": 3.0}\n')
    runs = sf.read_runs("logs")
    assert runs["loss"].tolist() == [2.0, 3.0]
    assert said(runs)[0] == "'logs': 1 log read as delimited text and 1 log read as JSON lines"


def test_the_order_is_that_of_the_names_and_not_of_the_disk(write):
    for name in ("b", "a10", "a2", "B", "ä"):
        write(f"logs/{name}/m.csv", "step,loss\n1,2\n")
    assert sf.read_runs("logs")["run"].tolist() == ["B", "a10", "a2", "b", "ä"]


def test_every_function_that_takes_a_table_takes_a_folder(write):
    for i, params in enumerate([1e6, 1e7, 1e8, 1e9]):
        write(f"logs/{i}.csv", f"params,loss\n{params},{params**-0.1!r}\n")
    fit = sf.fit("logs", "power", along="params")
    assert fit.n_runs == 4
    assert as_frame(Path("logs")).shape == (4, 3)


# What the path says


def test_a_pattern_reads_columns_from_the_paths(write):
    write("sweep/lstm/1e6/a.csv")
    write("sweep/gpt/2e6/b.csv", "step,loss\n1,3\n")
    runs = sf.read_runs("sweep", pattern="{family}/{params}/{run}.csv")
    assert runs["family"].tolist() == ["gpt", "lstm", "lstm"]
    assert runs["params"].tolist() == [2e6, 1e6, 1e6]
    assert runs["run"].tolist() == ["b", "a", "a"]
    assert "family, params and run read from the paths by '{family}/{params}/{run}.csv'" in said(runs)


def test_numbers_in_paths_are_not_guessed(write):
    write("sweep/1.5M/007.csv")
    write("sweep/160m/008.csv")
    runs = sf.read_runs("sweep", pattern="{params}/{run}.csv")
    assert set(runs["params"]) == {"1.5M", "160m"}
    assert set(runs["run"]) == {"007", "008"}
    with pytest.raises(DataError, match=r"text where a number is expected: '1\.5M'"):
        sf.fit(runs, "power", along="params")


@pytest.mark.parametrize(
    ("pattern", "path", "values"),
    [
        ("{run}.csv", "a.csv", {"run": "a"}),
        ("{run}.csv", "a/b.csv", None),
        ("**/{run}.csv", "x/y/a.csv", {"run": "a"}),
        ("{family}_{params}-*/log.?sv", "gpt_2_1e6-x/log.tsv", {"family": "gpt_2", "params": "1e6"}),
        ("run+{seed}(1).csv", "run+3(1).csv", {"seed": "3"}),
        ("run+{seed}(1).csv", "runn3(1).csv", None),
    ],
)
def test_a_pattern_fits_whole_paths_literally(pattern, path, values):
    assert Pattern(pattern).values(path, tail=False) == values


@pytest.mark.parametrize("pattern", ["", "logs/*.csv", "{run", "run}", "{}", "{a}/{a}"])
def test_a_pattern_that_names_nothing_says_what_to_type(write, pattern):
    write("logs/a.csv")
    with pytest.raises(DataError, match=r"such as pattern='\{family\}/\{params\}/\{run\}\.csv'"):
        sf.read_runs("logs", pattern=pattern)


def test_a_path_that_does_not_fit_the_pattern_is_refused(write):
    write("sweep/a/1.csv")
    write("sweep/2.csv")
    with pytest.warns(DataWarning, match="2 rows kept, 1 refused: 2.csv does not fit pattern"):
        runs = sf.read_runs("sweep", pattern="{family}/{run}.csv")
    assert set(runs["family"]) == {"a"}
    with pytest.raises(DataError, match=r"Nothing in 'sweep' can be read.*does not fit"):
        sf.read_runs("sweep", pattern="{a}/{b}/{c}/{d}.csv")


def test_a_pattern_reads_the_end_of_a_path_that_is_given_by_itself(write):
    write("deep/er/gpt/1e6/a.csv")
    runs = sf.read_runs("deep/er/gpt/1e6/a.csv", pattern="{family}/{params}/{run}.csv")
    assert runs[["family", "params", "run"]].to_numpy().tolist() == [["gpt", 1e6, "a"]] * 2
    assert sf.read_runs(["deep/er/gpt/1e6/a.csv"], pattern="{params}/*")["params"].tolist() == [1e6] * 2


def test_a_pattern_may_begin_with_the_folder_given(write):
    write("sweep/a/1.csv")
    assert set(sf.read_runs("sweep", pattern="sweep/{family}/{run}.csv")["family"]) == {"a"}
    assert set(sf.read_runs("sweep/*/1.csv", pattern="{family}/1.csv")["family"]) == {"a"}


def test_a_column_that_the_path_names_too_is_kept_under_another_name(write):
    write("sweep/1e6/a.csv", "params,loss\n2e6,3\n")
    runs = sf.read_runs("sweep", pattern="{params}/{run}.csv")
    assert runs[["params", "file.params"]].to_numpy().tolist() == [[1e6, 2e6]]
    assert "columns of the logs with these names are now file.params" in said(runs)


def test_a_pattern_without_a_path_is_refused():
    with pytest.raises(DataError, match="reads names from paths; what was given is a dict"):
        sf.read_runs({"loss": [1.0]}, pattern="{run}")


# What is passed over


def test_files_of_other_kinds_are_passed_over_and_counted(write):
    write("logs/a.csv")
    for name in ("README.md", "train.py", "model.bin", "notes.txt", "_SUCCESS", "tokenizer.json"):
        write(f"logs/{name}", "print('hello')\n# text, of some kind\n" if name != "_SUCCESS" else "")
    write("logs/.git/log.csv")
    write("logs/.a.csv.swp")
    write("logs/__pycache__/x.csv")
    runs = sf.read_runs("logs")
    assert len(runs) == 2
    assert any(
        note.startswith("6 files of other kinds passed over: README.md, _SUCCESS, model.bin and 3 more")
        for note in said(runs)
    )
    assert "3 hidden paths not looked into" in said(runs)


def test_a_log_that_cannot_be_read_is_refused_and_the_others_are_kept(write):
    write("logs/a.csv")
    write("logs/b.csv", "")
    write("logs/c.csv", "step,loss,loss\n1,2,3\n")
    write("logs/d.parquet", "PAR1")
    write("logs/e.csv", "step,loss\n1\n2,3\n")
    with pytest.warns(DataWarning, match="'logs': 3 rows kept, 4 refused") as told:
        runs = sf.read_runs("logs")
    assert len(told) == 1
    assert told[0].filename == __file__
    assert refused(runs)["b.csv"] == "is empty (0 bytes)"
    assert refused(runs)["c.csv"] == "has more than one column 'loss'; rename or drop all but one"
    assert "cannot be read" in refused(runs)["d.parquet"]
    assert refused(runs)["e.csv line 2"] == "has 1 field where the header has 2"


def test_a_file_that_was_asked_for_is_refused_where_it_is_no_log(write):
    write("a.csv")
    write("b.md", "# hello\n")
    with pytest.warns(DataWarning, match="2 refused"):
        runs = sf.read_runs(["a.csv", "b.md", "nowhere.csv"])
    assert [why.split(" (")[0] for why in refused(runs).values()] == ["does not exist", "is of no known format"]


def test_many_refusals_are_counted_and_the_first_kept(write):
    path = write("a.csv", "step,loss\n1,2\n" + "1\n" * 5000)
    with pytest.warns(DataWarning, match="5000 refused"):
        runs = sf.read_runs(path)
    assert len(runs.attrs["scalefit_refused"]) == 1001
    assert runs.attrs["scalefit_refused"][-1] == ("4000 more rows", "not listed")


def test_nothing_to_read_is_one_error_that_says_what_was_there(write, tmp_path):
    (tmp_path / "void").mkdir()
    with pytest.raises(DataError, match=r"'void' holds no log\. Known are "):
        sf.read_runs("void")
    write("logs/README.md", "# hi\n")
    with pytest.raises(DataError, match=r"It has 1 file of other kinds passed over: README\.md"):
        sf.read_runs("logs")
    with pytest.raises(DataError, match=r"No file fits 'logs/\*\.csv'"):
        sf.read_runs("logs/*.csv")
    with pytest.raises(DataError, match="'nowhere' does not exist"):
        sf.read_runs("nowhere")
    write("bad/a.csv", "")
    with pytest.raises(DataError, match=r"Nothing in 'bad' can be read: .*a\.csv is empty"):
        sf.read_runs("bad")


# Nothing outside


def test_links_that_lead_out_of_the_folder_are_not_followed_and_said(write):
    secret = write("elsewhere/secret.csv")
    write("logs/a.csv")
    os.symlink(secret, "logs/linked.csv")
    os.symlink(secret.parent, "logs/folder")
    os.symlink(secret, "logs/config.json")
    os.symlink("nowhere", "logs/broken.csv")
    for source in ("logs", "logs/*", "logs/**/*.csv"):
        runs = sf.read_runs(source)
        assert set(runs["run"]) == {"a"}
        assert any(note.startswith("not followed, since they lead out of the folder given") for note in said(runs))
        assert any("'logs/config.json' leads out" in note or "config.json" in note for note in said(runs))


def test_links_within_the_folder_are_not_read_twice(write):
    write("logs/run-1/m.csv")
    os.symlink("run-1", "logs/latest")
    os.symlink(".", "logs/loop")
    for source in ("logs", "logs/**/*.csv"):
        runs = sf.read_runs(source)
        assert len(runs) == 2
        assert any("within the folder not followed" in note for note in said(runs))


def test_a_glob_does_not_lead_up_and_out(write):
    write("logs/a/m.csv")
    write("secret/m.csv")
    with pytest.raises(DataError, match="Not followed, since they lead out of the folder given"):
        sf.read_runs("logs/*/../../secret/m.csv")


def test_a_link_that_was_given_by_itself_is_followed(write):
    path = write("elsewhere/a.csv")
    os.symlink(path.parent, "logs")
    assert len(sf.read_runs("logs")) == 2
    assert len(sf.read_runs("logs/a.csv")) == 2


def test_a_name_with_the_signs_of_a_glob_is_a_name_where_it_is_there(write):
    write("runs[1]/a.csv")
    assert len(sf.read_runs("runs[1]")) == 2


# Folders that are one thing


def test_of_the_checkpoints_of_a_trainer_only_the_last_is_read(write):
    for run in ("a", "b"):
        for steps in (500, 1000):
            write(f"out/{run}/checkpoint-{steps}/trainer_state.json", state(steps))
        write(f"out/{run}/config.json", '{"hidden_size": 64}')
        write(f"out/{run}/all_results.json", '{"eval_loss": 1.0}')
    whole = sf.read_runs("out")
    assert whole.groupby("run").size().to_dict() == {"a": 10, "b": 10}
    assert set(whole["width"]) == {64}
    assert any("checkpoint-1000/trainer_state.json was read" in note for note in said(whole))
    by_glob = sf.read_runs("out/*/checkpoint-*/trainer_state.json")
    pd.testing.assert_frame_equal(by_glob, whole, check_like=True)
    assert "4 checkpoints of 2 runs: the last of each was read, which has it all" in said(by_glob)
    assert set(sf.read_runs("out/a")["run"]) == {"a"}


def test_the_state_of_the_trainer_itself_is_read_where_it_is_longer(write):
    write("out/checkpoint-500/trainer_state.json", state(500))
    write("out/trainer_state.json", state(700))
    assert len(sf.read_runs("out")) == 7
    write("out/checkpoint-900/trainer_state.json", state(900))
    assert len(sf.read_runs("out")) == 9


def test_a_damaged_checkpoint_gives_way_to_the_one_before(write):
    write("out/checkpoint-500/trainer_state.json", state(500))
    write("out/checkpoint-900/trainer_state.json", state(900)[:100])
    with pytest.warns(DataWarning, match="checkpoint-900"):
        runs = sf.read_runs("out")
    assert len(runs) == 5


# Noise


@settings(max_examples=2000, deadline=None, derandomize=True)
@given(pattern=st.text("ab{}*?/.\\+()[]", max_size=20), path=st.text("ab/.", max_size=20))
def test_any_text_is_a_pattern_or_one_error(pattern, path):
    try:
        values = Pattern(pattern).values(path, tail=True)
    except DataError:
        return
    assert values is None or all("/" not in value for value in values.values())
