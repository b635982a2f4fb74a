"""What all commands share: JSON, codes, standard input, pipes, completion, progress, help."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import scalefit as sf
from scalefit.commands import app
from scalefit.commands.output import answer_json, shown
from scalefit.commands.progress import working
from scalefit.commands.words import one_line

FAMILIES = {
    "a": {"E": 1.9, "A": 300.0, "alpha": 0.35, "B": 1200.0, "beta": 0.36},
    "b": {"E": 1.7, "A": 500.0, "alpha": 0.35, "B": 2000.0, "beta": 0.36},
}
PLANNED = {"constant": 1.0, "linear": 0.0}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("line")
    law, parts = sf.get_law("chinchilla"), []
    for seed, (name, values) in enumerate(FAMILIES.items()):
        design = sf.grid(params=np.geomspace(1e7, 1e9, 5), tokens=np.geomspace(1e9, 1e11, 5))
        scatter = np.random.default_rng(seed).standard_normal(len(design))
        parts.append(design.assign(family=name, loss=law(values, design) * np.exp(0.003 * scatter)))
    runs = pd.concat(parts, ignore_index=True)
    runs.to_csv(folder / "runs.csv", index=False)
    runs[runs.family == "a"].to_csv(folder / "a.csv", index=False)
    together = pd.DataFrame({"params": np.geomspace(1e7, 1e9, 8)}).assign(tokens=lambda t: 20 * t.params)
    together.assign(loss=law(FAMILIES["a"], together)).to_csv(folder / "together.csv", index=False)
    sizes = np.geomspace(0.1, 10, 7)
    slices = [pd.DataFrame({"params": sizes * np.sqrt(c / 120), "flop_budget": c}) for c in (1e19, 1e20, 1e21)]
    table = pd.concat(slices).assign(tokens=lambda t: t.flop_budget / 6 / t.params)
    table.assign(loss=law(FAMILIES["b"], table)).to_csv(folder / "slices.csv", index=False)
    logs = sf.datasets.load("microlm", part="schedules")
    logs = logs[(logs.width == 24) & (logs.step % 50 == 0)]
    logs[logs.schedule.isin(["constant", "cosine"])].to_csv(folder / "curves.csv", index=False)
    logs[logs.schedule == "wsd-80"].drop(columns="loss").to_csv(folder / "planned.csv", index=False)
    sf.fit(runs[runs.family == "a"], "chinchilla").bootstrap(20, rng=0).to_json(str(folder / "fit.json"))
    return folder


@pytest.fixture(autouse=True)
def _there(place, monkeypatch):
    monkeypatch.chdir(place)


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def process(*arguments, **options):
    """The command in a process of its own, which finds the package where the tests found it."""
    environment = {**os.environ, "PYTHONPATH": str(Path(sf.__file__).resolve().parents[1]), **options.pop("env", {})}
    return subprocess.Popen([sys.executable, "-m", "scalefit", *arguments], env=environment, **options)


ANSWERS = {
    "laws": (["laws", "power"], {"laws"}),
    "check": (["check", "runs.csv", "--no-laws"], {"findings", "columns", "families"}),
    "fit": (["fit", "a.csv", "--law", "chinchilla"], {"parameters"}),
    "predict": (["predict", "fit.json", "--at", "params=1e9", "--at", "tokens=1e10"], {"predictions"}),
    "forecast": (
        ["forecast", "a.csv", "--at", "params=3e9", "--at", "tokens=1e11", "--law", "chinchilla", "--law", "kaplan_nd",
         "--draws", 10],
        {"forecast", "laws", "test"},
    ),
    "forecast-curves": (
        ["forecast-curves", "curves.csv", "--points", "planned.csv", "--draws", 5],
        {"forecast", "final", "laws"},
    ),
    "backtest": (
        ["backtest", "a.csv", "--law", "chinchilla", "--cuts", "0.6", "--draws", 10],
        {"predictions", "cuts"},
    ),
    "suggest-laws": (["suggest-laws", "a.csv", "--law", "chinchilla", "--law", "power"], {"laws"}),
    "compare-laws": (
        ["compare-laws", "a.csv", "--law", "chinchilla", "--law", "kaplan_nd", "--cuts", "0.7", "--draws", 5],
        {"laws", "points"},
    ),
    "compare": (
        ["compare", "runs.csv", "--law", "chinchilla", "--draws", 10],
        {"multipliers", "asymptotes", "differences", "curves"},
    ),
    "crossover": (
        ["crossover", "runs.csv", "--law", "chinchilla", "--along", "flops", "--draws", 10],
        {"crossings", "claims", "shares"},
    ),
    "allocate": (["allocate", "fit.json", "--flops", "1e21"], {"budgets"}),
    "isoflop": (["isoflop", "slices.csv", "--draws", 20], {"budgets", "refused", "exponents"}),
    "find-scale": (["find-scale", "fit.json", "2.5", "1.0"], {"scales"}),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "frames"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_is_one_json_object_of_one_form(arguments, frames):
    result = run(*arguments, "--json")
    told = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert list(told)[:8] == [
        "format", "schema", "status", "headline", "doubts", "notes", "warnings", "frames",
    ]  # fmt: skip
    assert (told["format"], told["schema"]) == (f"scalefit.{arguments[0]}", 2)
    assert set(told["frames"]) == frames
    assert all(isinstance(row, dict) for frame in told["frames"].values() for row in frame)
    assert "\n" not in told["headline"]
    assert result.exit_code == {"good": 0, "doubtful": 0, "bad": 3}[told["status"]]


def commands():
    """The names of all commands."""
    return [one.name for one in app.registered_commands]


def test_the_table_of_answers_names_every_command_that_has_json():
    assert set(ANSWERS) == set(commands()) - {"demo", "report"}


@pytest.mark.parametrize("name", commands())
def test_every_command_has_a_help_with_examples_that_begin_with_its_name(name):
    told = run(name, "--help").stdout
    examples = [line.strip() for line in told.partition("Examples:\n")[2].splitlines()]
    assert examples
    assert all(f"scalefit {name}" in example for example in examples)


def documented_examples():
    for one in app.registered_commands:
        for line in one.epilog.splitlines()[2:]:
            yield from (part.strip() for part in line.split("|") if part.strip().startswith("scalefit "))


@pytest.mark.parametrize("example", list(documented_examples()))
def test_the_options_of_an_example_exist(example):
    name, *words = example.split()[1:]
    told = run(name, "--help").stdout
    assert [word for word in words if word.startswith("--") and word not in told] == []


def test_what_is_not_finite_is_null_in_json():
    (_, never) = json.loads(run(*ANSWERS["find-scale"][0], "--json").stdout)["frames"]["scales"]
    assert (never["where"], never["estimate"]) == ("nowhere", None)


def test_numbers_keep_all_their_digits_in_json():
    table = pd.DataFrame(
        {"x": [1.2345678901234567e-21, np.nan], "n": [2, 3], "at": pd.to_datetime(["2024-01-01", None])}
    )
    told = json.loads(answer_json("test", shown("an answer", table=table)))["frames"]["table"]
    assert told[0] == {"x": 1.2345678901234567e-21, "n": 2, "at": "2024-01-01 00:00:00"}
    assert told[1] == {"x": None, "n": 3, "at": None}


def test_an_error_is_an_object_of_the_same_form():
    result = run("compare", "nowhere.csv", "--law", "chinchilla", "--json")
    told = json.loads(result.stdout)
    assert (told["format"], told["status"], told["frames"]) == ("scalefit.compare", "error", {})
    assert result.stderr == f"scalefit: {told['headline']}\n"
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("fit", "a.csv", "--law", "chinchilla"), 0),
        (("fit", "a.csv"), 2),
        (("fit", "a.csv", "--law", "chinchilla", "--bootstrap", "many"), 2),
        (("fit", "together.csv", "--law", "chinchilla"), 3),
        (("nonsense",), 2),
        (("--version",), 0),
    ],
    ids=["an answer", "no law", "no number", "an answer not to be relied on", "no such command", "the version"],
)
def test_the_code_says_how_it_went(arguments, code):
    assert run(*arguments).exit_code == code


def test_the_help_tells_the_codes():
    codes = re.findall(r"^ {4,}(\d+) +\S", run("--help").stdout, flags=re.MULTILINE)
    assert codes == ["0", "2", "3", "130", "141"]


def test_a_log_of_curves_is_an_ordinary_table():
    result = run("check", "curves.csv", "--no-laws")
    assert "are checkpoints of 2 runs" in " ".join(result.stdout.split())
    assert result.exit_code == 0


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_a_table_comes_from_standard_input(form, place):
    runs = pd.read_csv(place / "a.csv")
    text = {
        "csv": runs.to_csv(index=False),
        "json": runs.to_json(orient="records", double_precision=15),
        "jsonl": runs.to_json(orient="records", double_precision=15, lines=True),
    }[form]
    options = ("--law", "chinchilla", "--json")
    piped, read = (
        json.loads(run("fit", name, *options, stdin=text).stdout)["frames"]["parameters"] for name in ("-", "a.csv")
    )
    assert [row["estimate"] for row in piped] == pytest.approx([row["estimate"] for row in read])


def test_a_fit_goes_through_a_pipe(place):
    written = run("fit", "a.csv", "--law", "chinchilla", "--out", "-")
    assert sf.load_fit(place / "fit.json").estimates == pytest.approx(json.loads(written.stdout)["estimates"])
    at = ("--at", "params=1e9", "--at", "tokens=1e10")
    told = run("predict", "-", *at, stdin=written.stdout)
    run("fit", "a.csv", "--law", "chinchilla", "--out", "piped.json")
    assert told.stdout == run("predict", "piped.json", *at).stdout
    assert run("allocate", "-", "--flops", "1e21", stdin=written.stdout).stdout.splitlines()
    assert run("find-scale", "-", "2.5", stdin=written.stdout).exit_code == 0


def test_points_come_from_standard_input():
    at = ("--at", "params=1e9", "--at", "tokens=1e10")
    told = run("predict", "fit.json", "--points", "-", stdin="params,tokens\n1e9,1e10\n")
    assert told.stdout == run("predict", "fit.json", *at).stdout


def test_check_calls_standard_input_by_that_name():
    told = run("check", "-", "--no-laws", stdin="params,tokens,loss\n1e6,1e9,3\n1e7,1e9,-1\n")
    assert told.stderr.startswith("scalefit: standard input cannot be fitted as it is: loss must be above zero")
    assert "/tmp" not in told.output


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("fit", "-", "--law", "chinchilla"), "", "Nothing is left to read from standard input"),
        (("predict", "-", "--points", "-"), "params,tokens\n1e9,1e10\n", "one file at most can be '-'"),
        (("fit", "-", "--law", "chinchilla"), "params\n1\n", "needs a column"),
        (("fit", "-", "--law", "chinchilla"), "{", "standard input"),
        (("fit", "a.csv", "--law", "chinchilla", "--out", "-", "--json"), "", "--out - takes the place of --json"),
        (("fit", "a.csv", "--law", "chinchilla", "--family", "z"), "", "--family z: the families of 'family' are a"),
    ],
)
def test_bad_input_is_said_in_one_line_without_the_name_of_a_temporary_file(arguments, stdin, said):
    result = run(*arguments, stdin=stdin)
    (line,) = result.stderr.splitlines()
    assert line.startswith("scalefit: ")
    assert said in line
    assert "/tmp" not in line
    assert result.exit_code == 2


def test_fit_takes_one_family():
    options = ("--law", "chinchilla", "--json")
    one, alone = (run("fit", *more, *options) for more in (("runs.csv", "--family", "a"), ("a.csv",)))
    assert json.loads(one.stdout)["frames"] == json.loads(alone.stdout)["frames"]


@pytest.mark.parametrize(
    ("python", "command"),
    [
        ("give at={'params': 1e8}", "give --at params=1e8"),
        ("pass fixed={'E': 1.7}", "pass --fix E=1.7"),
        ("pass columns={'loss': 'val loss'}", "pass --column 'loss=val loss'"),
        ("more runs or draws=100 may tell", "more runs or --draws 100 may tell"),
        ("paired=False", "--independent"),
    ],
)
def test_what_python_is_told_is_said_in_options(python, command):
    assert one_line(python) == command


def test_a_reader_that_goes_away_ends_the_command_without_a_word():
    reading, writing = os.pipe()
    os.close(reading)
    with process("laws", stdout=writing, stderr=subprocess.PIPE, text=True) as told:
        os.close(writing)
        assert told.stderr.read() == ""
    assert told.returncode == 141


def heeding_interrupts():
    """A process that was started in the background ignores them, and so do those that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupt_ends_the_command_without_a_word():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with process("check", "-", **pipes, preexec_fn=heeding_interrupts) as told:
        told.stdin.write(b"x" * 1_000_000)  # more than a pipe holds: once it is written, the command is reading
        told.stdin.flush()
        time.sleep(0.5)  # and then waits for more
        told.send_signal(signal.SIGINT)
        assert told.wait(60) == 130
        assert (told.stdout.read(), told.stderr.read()) == (b"", b"")


@pytest.mark.parametrize(("words", "count"), [("fit runs.csv --law chinch", 3), ("laws chinch", 2)])
def test_the_shell_completes_the_names_of_laws(words, count):
    environment = {
        "_SCALEFIT_COMPLETE": "complete_bash", "COMP_WORDS": f"scalefit {words}", "COMP_CWORD": str(len(words.split())),
    }  # fmt: skip
    with process(stdout=subprocess.PIPE, text=True, env=environment) as told:
        completed = told.stdout.read().split()
    assert completed == [name for name in sf.list_laws().index if name.startswith("chinch")]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "watched"), [(Terminal(), True), (io.StringIO(), False)])
def test_long_work_counts_its_seconds_where_somebody_watches(stream, watched, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    written = stream.getvalue
    with working("fitting", after=0.01, every=0.01):
        for _ in range(1000 if watched else 1):
            if "fitting: " in written():
                break
            signal.sigtimedwait([], 0.01)
    assert ("fitting: 0 s" in written()) == watched
    assert written().endswith("\r") == watched  # the line is empty again


def test_nothing_shows_progress_where_stderr_is_a_file():
    with process(
        "fit", "a.csv", "--law", "chinchilla", "--bootstrap", "20", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as told:
        assert told.stderr.read() == b""


@pytest.mark.slow
def test_report_writes_one_page_and_says_where(place):
    told = run("report", "a.csv", "--law", "chinchilla", "--bootstrap", 20, "--out", "report.html")
    first, *said, last = told.stdout.splitlines()
    assert first.startswith("chinchilla on 25 runs: ")
    assert any("- loss " in line and "Forecast of loss" in line for line in said)
    assert last == "The report is in report.html."
    assert told.exit_code == 0
    assert (place / "report.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")
