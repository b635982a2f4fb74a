"""The command line prints what the library returns, and one line where something is wrong."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import scalefit as sf
from scalefit.commands import app


@pytest.fixture(scope="module")
def runs():
    law = sf.get_law("chinchilla")
    design = sf.grid(params=np.geomspace(1e8, 1e10, 5), tokens=np.geomspace(2e9, 2e11, 5))
    scatter = np.random.default_rng(0).standard_normal(len(design))
    return design.assign(loss=law(law.published["besiroglu2024"].values, design) * np.exp(0.003 * scatter))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, runs):
    """An own folder with a table of runs in it, and the tables that go wrong."""
    monkeypatch.chdir(tmp_path)
    runs.to_csv("runs.csv", index=False)
    runs.assign(loss=runs.loss.where(runs.index != 3, -1.0)).to_csv("negative.csv", index=False)
    runs.assign(loss="high").to_csv("text.csv", index=False)
    runs.drop(columns="tokens").to_csv("no_tokens.csv", index=False)
    runs.assign(N=runs.params, num_params=runs.params).drop(columns="params").to_csv("twice.csv", index=False)
    runs.head(0).to_csv("empty.csv", index=False)
    (tmp_path / "broken.json").write_text("{")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def read(*arguments):
    """What a command that must succeed printed."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def frames(*arguments):
    """The tables of an answer in JSON."""
    return json.loads(read(*arguments))["frames"]


BAD = {
    "a missing table": (["check", "nowhere.csv"], "the file 'nowhere.csv' does not exist"),
    "a folder for a saved fit": (["predict", ".", "--at", "params=1e9"], "it is a folder"),
    "an empty table": (["check", "empty.csv"], "and no rows"),
    "two columns for one quantity": (["check", "twice.csv"], "Say which: --column params=N."),
    "a column that is not there": (
        ["check", "runs.csv", "--column", "loss=c4 loss"],
        "--column 'loss=c4 loss': the table has params, tokens and loss",
    ),
    "a negative loss": (
        ["check", "negative.csv", "--no-laws"],
        "negative.csv cannot be fitted as it is: loss must be above zero and is -1 in row 3.",
    ),
    "a report that cannot be written": (
        ["check", "runs.csv", "--no-laws", "--report", "no/check.html"],
        "The report cannot be written to 'no/check.html'",
    ),
    "a file that was cut off": (["fit", "broken.json", "--law", "power"], "it ends early"),
    "an unknown law": (["fit", "runs.csv", "--law", "chinchila"], "Did you mean 'chinchilla'?"),
    "a missing column": (["fit", "no_tokens.csv", "--law", "chinchilla"], "needs a column 'tokens'"),
    "text for numbers": (["fit", "text.csv", "--law", "chinchilla"], "has text where a number is expected"),
    "a loss below zero": (["fit", "negative.csv", "--law", "chinchilla"], "row 3"),
    "a column in doubt": (["fit", "runs.csv", "--law", "power"], "power has one input, x"),
    "a fixed value without a number": (
        ["fit", "runs.csv", "--law", "chinchilla", "--fix", "E=low"],
        "--fix E needs a number",
    ),
    "a fixed value without a name": (
        ["fit", "runs.csv", "--law", "chinchilla", "--fix", "1.7"],
        "--fix takes name=value",
    ),
    "an unknown parameter": (["fit", "runs.csv", "--law", "chinchilla", "--fix", "F=1"], "a parameter of chinchilla"),
    "one column given twice": (
        ["fit", "runs.csv", "--law", "power", "--column", "x=params", "--column", "x=tokens"],
        "--column gives 'x' twice",
    ),
    "a folder that is not there": (["fit", "runs.csv", "--law", "chinchilla", "--out", "no/fit.json"], "no/fit.json"),
    "a format that no picture has": (["fit", "runs.csv", "--law", "chinchilla", "--plot", "fit.txt"], "fit.txt"),
    "a missing fit": (["predict", "nowhere.json", "--at", "params=1e9"], "There is no file 'nowhere.json'"),
    "a broken fit": (["predict", "broken.json", "--at", "params=1e9"], "broken.json"),
    "no point": (["predict", "fit.json"], "--at params=7e10"),
    "an unknown name of a law": (["laws", "hoffman"], "No law is called 'hoffman'"),
}


@pytest.mark.parametrize(("arguments", "said"), BAD.values(), ids=BAD)
def test_bad_input_ends_with_code_2_and_one_line(arguments, said):
    result = run(*arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("scalefit: ")
    assert said in line


def test_laws_lists_every_law_with_its_equation():
    listed = read("laws")
    assert [name for name in sf.list_laws().index if name not in listed] == []
    assert "loss = E + A / params ** alpha + B / tokens ** beta" in listed


def test_laws_describes_one_law_with_source_and_published_constants():
    told = read("laws", "chinchilla")
    assert "arXiv:2203.15556" in told
    assert "published besiroglu2024: E=1.8172, A=482.01" in told


def test_laws_prints_json():
    assert [row["law"] for row in frames("laws", "--json")["laws"]] == list(sf.list_laws().index)
    (power,) = frames("laws", "power", "--json")["laws"]
    assert (power["law"], power["inputs"]) == ("power", "x")


def test_check_says_first_whether_the_table_can_be_fitted():
    told = read("check", "runs.csv", "--no-laws").splitlines()
    assert told[0] == "Can be fitted as it is: no problems, no remarks."
    assert "25 rows, each a run" in told[2]
    assert "1e8 to 1e10" in told[4]


def test_check_tells_the_laws_unless_told_otherwise():
    told = read("check", "runs.csv")
    assert re.search(r"can be identified, \d laws: [^.]*chinchilla, chinchilla_gamma", " ".join(told.split()))
    assert "--column x=flops" in told
    assert "Laws" not in read("check", "runs.csv", "--no-laws")


def test_check_prints_json_and_nothing_else():
    told = json.loads(read("check", "runs.csv", "--no-laws", "--json"))
    assert told["rows"] == 25
    assert told["can_be_fitted"]
    assert [column["column"] for column in told["frames"]["columns"]] == ["params", "tokens", "loss"]


def test_check_remarks_on_units_holes_and_other_names(runs, folder):
    table = runs.assign(params=runs.params / 1e9, train_loss=np.nan).rename(columns={"loss": "val_loss"})
    table.to_csv(folder / "odd.csv", index=False)
    told = " ".join(run("check", "odd.csv", "--no-laws").stdout.split())
    assert "probably in billions. -> Multiply params by 1e9 in the file." in told
    assert "Rows without a value: train_loss (all)" in told
    assert "loss read from column 'val_loss'" in told


def test_check_still_prints_everything_where_a_fit_would_refuse():
    result = run("check", "negative.csv", "--no-laws")
    assert result.exit_code == 2
    assert result.stdout.startswith("Cannot be fitted as it is: 1 problem that a fit refuses")
    assert "Drop the rows of the file where loss <= 0." in result.stdout


def test_check_ends_with_code_3_where_a_fit_would_only_be_misled(runs, folder):
    runs.assign(tokens=runs.tokens / 1e9).to_csv(folder / "billions.csv", index=False)
    result = run("check", "billions.csv", "--no-laws")
    assert result.exit_code == 3
    assert result.stdout.startswith("Can be fitted as it is, but 1 problem would mislead the fit")
    assert result.stderr == ""


def test_check_ends_with_code_0_where_there_are_only_remarks(runs, folder):
    runs.assign(epochs=np.nan).to_csv(folder / "remarks.csv", index=False)
    assert "no problems, 1 remark." in read("check", "remarks.csv", "--no-laws")


def test_check_says_its_codes_in_its_help():
    told = " ".join(read("check", "--help").split())
    assert "code 0 where the table can be fitted as it is" in told
    assert "code 3 where something would mislead the fit" in told
    assert "code 2 where a fit would refuse it" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.csv"], "the file 'nowhere.csv' does not exist."),
        (["empty.csv"], "and no rows"),
        (["twice.csv"], "--column params=N"),
        (["runs.csv", "--column", "loss"], "--column takes name=value"),
    ],
)
def test_check_prints_an_error_as_json_where_it_cannot_read(arguments, said):
    result = run("check", *arguments, "--json")
    assert result.exit_code == 2
    told = json.loads(result.stdout)
    assert (told["format"], told["status"], told["frames"]) == ("scalefit.check", "error", {})
    assert said in told["headline"]
    assert result.stderr == f"scalefit: {told['headline']}\n"


def test_check_of_settings_proposes_none_of_them_for_a_loss(folder):
    (folder / "config.json").write_text(json.dumps({"max_steps": 2000, "lr": 3e-4, "hidden_size": 64, "seed": 1}))
    result = run("check", "config.json", "--no-laws")
    assert result.exit_code == 2
    assert "--column loss=NAME" in result.stdout


def test_check_takes_a_column_of_runs_and_says_how_where_it_is_not_told(runs, folder):
    logs = pd.concat(
        [runs.assign(step=100 * (k + 1), tokens=runs.tokens * (k + 1), label=runs.index) for k in range(9)]
    )
    logs = logs.sort_values(["label", "step"]).assign(label=lambda t: "exp " + t.label.astype(str))
    logs.rename(columns={"label": "my label"}).to_csv(folder / "logs.csv", index=False)
    assert "Add --column 'run=my label'." in run("check", "logs.csv", "--no-laws").stdout
    told = run("check", "logs.csv", "--no-laws", "--column", "run=my label").stdout
    assert "225 rows of 25 runs" in told
    assert "look like checkpoints" not in told


def test_check_takes_a_folder_and_a_glob_with_a_pattern(runs, folder):
    (folder / "gpt").mkdir()
    runs.head(12).to_csv(folder / "gpt" / "a.csv", index=False)
    runs.tail(13).to_csv(folder / "gpt" / "b.csv", index=False)
    assert "25 rows" in run("check", "gpt", "--no-laws").stdout
    told = json.loads(run("check", "gpt/*.csv", "--no-laws", "--json", "--pattern", "{run}.csv").stdout)
    assert (told["rows"], told["runs"]) == (25, 2)


def test_check_writes_a_report_that_stands_alone(folder):
    told = read("check", "runs.csv", "--no-laws", "--report", "check.html")
    assert told.endswith("The report is in check.html.\n")
    page = (folder / "check.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<svg" in page


def test_fit_prints_the_verdict_first(runs):
    told = read("fit", "runs.csv", "--law", "chinchilla")
    assert told.splitlines()[0] == str(sf.fit(runs, "chinchilla")).splitlines()[0]


def test_fit_prints_a_fit_as_json_and_nothing_else(runs):
    told = json.loads(read("fit", "runs.csv", "--law", "chinchilla", "--json"))
    estimates = {row["parameter"]: row["estimate"] for row in told["frames"]["parameters"]}
    assert estimates == pytest.approx(sf.fit(runs, "chinchilla").estimates, rel=1e-9)


def test_fit_holds_parameters_and_takes_columns():
    told = frames("fit", "runs.csv", "--law", "power_offset", "--column", "x=tokens", "--fix", "E=1.9", "--json")
    assert [row["estimate"] for row in told["parameters"] if row["parameter"] == "E"] == [1.9]


def test_the_seed_decides_the_bootstrap(folder):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        read("fit", "runs.csv", "--law", "chinchilla", "--bootstrap", 20, "--seed", seed, "--out", f"{name}.json")
    a, b, c = (sf.load_fit(str(folder / f"{name}.json")).draws for name in "abc")
    assert a.equals(b)
    assert not a.equals(c)


def test_fit_writes_a_picture(folder):
    read("fit", "runs.csv", "--law", "chinchilla", "--plot", "fit.png")
    assert (folder / "fit.png").read_bytes().startswith(b"\x89PNG")


def test_a_warning_is_one_line_and_leaves_the_output_alone(runs, folder):
    runs.assign(params=runs.params / 1e9).to_csv(folder / "billions.csv", index=False)
    result = run("fit", "billions.csv", "--law", "chinchilla", "--json")
    (line,) = result.stderr.splitlines()
    assert line.startswith("scalefit: warning: column 'params' has 25 of 25 numbers below 1000")
    told = json.loads(result.stdout)
    assert told["frames"]["parameters"]
    assert [f"scalefit: warning: {text}" for text in told["warnings"]] == [line]
    assert result.exit_code == {"good": 0, "doubtful": 0, "bad": 3}[told["status"]]


@pytest.fixture
def saved(folder):
    read("fit", "runs.csv", "--law", "chinchilla", "--bootstrap", 50, "--out", "fit.json")
    return sf.load_fit(str(folder / "fit.json"))


def test_predict_makes_a_grid_of_its_points(saved):
    told = frames("predict", "fit.json", "--at", "params=7e10", "--at", "tokens=1e12,2e12", "--json")["predictions"]
    expected = saved.predict(sf.grid(params=[7e10], tokens=[1e12, 2e12]))
    pd.testing.assert_frame_equal(pd.DataFrame(told), expected, check_dtype=False)


def test_predict_reads_points_from_a_table(saved, folder, runs):
    runs[["params", "tokens"]].to_csv(folder / "points.csv", index=False)
    told = frames("predict", "fit.json", "--points", "points.csv", "--level", 0.5, "--json")["predictions"]
    assert pd.DataFrame(told).low.to_numpy() == pytest.approx(saved.predict(runs.drop(columns="loss"), level=0.5).low)


def test_intervals_for_one_run_are_wider(saved):
    at = ("--at", "params=1e9", "--at", "tokens=2e10", "--json")
    (mean,), (one,) = (frames("predict", "fit.json", *at, *more)["predictions"] for more in ([], ["--one-run"]))
    assert one["low"] < mean["low"]
    assert one["high"] > mean["high"]


def test_predict_says_in_words_how_far_beyond_the_data_a_point_lies(saved):
    near = read("predict", "fit.json", "--at", "params=1e9", "--at", "tokens=2e10")
    far = read("predict", "fit.json", "--at", "params=7e10", "--at", "tokens=2e10")
    assert "90 % intervals" in near
    assert "times past the fitted range" not in near
    assert "beyond: up to 7 times past the fitted range" in far


def test_predict_refuses_points_given_twice(saved):
    result = run("predict", "fit.json", "--at", "params=1e9", "--points", "runs.csv")
    assert result.exit_code == 2
    assert "either --at" in result.stderr


def test_the_version_is_that_of_the_package():
    assert read("--version").strip() == sf.__version__


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What the demonstration printed, and its picture."""
    picture = tmp_path_factory.mktemp("demo") / "demo.png"
    return read("demo", "--out", picture), picture


def test_the_demo_shows_both_families_with_intervals(shown):
    told, _ = shown
    assert "lstm" in told
    assert "transformer" in told
    (alpha,) = (line for line in told.splitlines() if line.strip().startswith("alpha"))
    assert alpha.count(" to ") == 2


def test_the_demo_shows_what_was_predicted_and_what_was_seen(shown):
    told, _ = shown
    runs = sf.datasets.load("microlm").groupby("run").last()
    for _, family in runs.groupby("family"):
        assert f"{family.loc[family.flops.idxmax(), 'loss']:.3f}" in told


def test_the_demo_is_read_on_one_screen(shown):
    told, _ = shown
    assert len(told.splitlines()) <= 30
    assert max(map(len, told.splitlines())) <= 120


def test_the_demo_writes_its_picture(shown):
    _, picture = shown
    assert picture.read_bytes().startswith(b"\x89PNG")


def in_a_process(*arguments):
    code = "from scalefit.commands import main; main()"
    # The folder was changed, and the path of the package may be given relative to the old one.
    environment = {**os.environ, "PYTHONPATH": str(Path(sf.__file__).resolve().parents[1])}
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment)


def test_the_entry_point_runs_in_a_process_of_its_own(folder):
    good = in_a_process("fit", "runs.csv", "--law", "chinchilla")
    assert good.returncode == 0, good.stderr
    assert good.stdout.startswith("chinchilla on 25 runs: converged")
    bad = in_a_process("fit", "nowhere.csv", "--law", "chinchilla")
    assert bad.returncode == 2
    assert bad.stderr == "scalefit: the file 'nowhere.csv' does not exist.\n"
