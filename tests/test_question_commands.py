"""The commands that decide print what the library answers, and one line where something is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import scalefit as sf
from scalefit.commands import app
from scalefit.decisions.allocation.budget import allocate
from scalefit.decisions.comparison.compare import compare
from scalefit.decisions.crossover.find import find_crossover
from scalefit.decisions.isoflop.analysis import isoflop

FAMILIES = {
    "a": {"E": 1.9, "A": 300.0, "alpha": 0.35, "B": 1200.0, "beta": 0.36},
    "b": {"E": 1.7, "A": 500.0, "alpha": 0.35, "B": 2000.0, "beta": 0.36},
}


@pytest.fixture(scope="module")
def runs():
    law, parts = sf.get_law("chinchilla"), []
    for seed, (name, values) in enumerate(FAMILIES.items()):
        design = sf.grid(params=np.geomspace(1e7, 1e9, 5), tokens=np.geomspace(1e9, 1e11, 5))
        scatter = np.random.default_rng(seed).standard_normal(len(design))
        parts.append(design.assign(family=name, loss=law(values, design) * np.exp(0.003 * scatter)))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def slices():
    """Seven sizes at each of three budgets."""
    law, parts = sf.get_law("chinchilla"), []
    for flops in (1e19, 1e20, 1e21):
        params = np.geomspace(0.1, 10, 7) * np.sqrt(flops / 120)
        parts.append(pd.DataFrame({"params": params, "tokens": flops / 6 / params, "flop_budget": flops}))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(loss=law(FAMILIES["b"], table), family="b")


@pytest.fixture(scope="module")
def place(tmp_path_factory, runs, slices):
    folder = tmp_path_factory.mktemp("questions")
    runs.to_csv(folder / "runs.csv", index=False)
    slices.to_csv(folder / "slices.csv", index=False)
    runs[runs.family == "b"].drop(columns="family").to_csv(folder / "only_b.csv", index=False)
    third = runs[runs.family == "a"].assign(family="c")
    pd.concat([runs, third]).to_csv(folder / "three.csv", index=False)
    runs.drop(columns="family").to_csv(folder / "no_family.csv", index=False)
    for name in FAMILIES:
        sf.fit(runs[runs.family == name], "chinchilla").bootstrap(30, rng=0).to_json(str(folder / f"{name}.json"))
    return folder


@pytest.fixture(autouse=True)
def _there(place, monkeypatch):
    monkeypatch.chdir(place)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def read(*arguments):
    """What a command that must succeed printed."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def close(table, expected, columns):
    pd.testing.assert_frame_equal(
        pd.DataFrame(table)[columns].reset_index(drop=True), expected[columns].reset_index(drop=True),
        check_dtype=False, rtol=1e-9,
    )  # fmt: skip


def test_compare_prints_what_the_library_says(runs):
    told = compare(runs, by="family", law="chinchilla", draws=30, rng=0)
    assert read("compare", "runs.csv", "--law", "chinchilla", "--draws", 30) == f"{told}\n"


def test_compare_prints_its_tables_as_json(runs):
    options = ("--law", "chinchilla", "--draws", 20, "--along", "tokens", "--at", "params=1e8", "--seed", 3, "--json")
    told = json.loads(read("compare", "runs.csv", *options, "--level", 0.5, "--fix", "E=1.8"))
    expected = compare(runs, by="family", law="chinchilla", draws=20, along="tokens", at={"params": 1e8}, rng=3,
                       level=0.5, fixed={"E": 1.8})  # fmt: skip
    assert (told["format"], told["status"]) == ("scalefit.compare", "doubtful")
    assert told["headline"] == str(expected).splitlines()[0]
    close(told["frames"]["multipliers"], expected.multipliers, ["loss", "estimate", "low", "high"])
    close(told["frames"]["differences"], expected.differences, ["tokens", "difference", "probability"])


def test_crossover_of_a_table_fits_each_family(runs):
    options = ("--law", "chinchilla", "--along", "flops", "--draws", 30, "--seed", 5, "--independent")
    told = json.loads(read("crossover", "runs.csv", *options, "--json"))
    fits = [sf.fit(runs[runs.family == name], "chinchilla").bootstrap(30, rng=5 + k) for k, name in enumerate(FAMILIES)]
    expected = find_crossover(*fits, along="flops", names=list(FAMILIES))
    assert told["headline"] == str(expected).splitlines()[0]
    close(told["frames"]["crossings"], expected.frame, ["location", "low", "high", "probability", "direction", "where"])
    assert len(told["frames"]["crossings"]) == 1


@pytest.mark.parametrize(("option", "paired"), [("--paired", True), ("--independent", False)])
def test_compare_and_crossover_pair_families_where_they_are_asked_to(runs, option, paired):
    options = ("--law", "chinchilla", "--draws", 20, option)
    compared = compare(runs, law="chinchilla", draws=20, rng=0, paired=paired)
    assert read("compare", "runs.csv", *options) == f"{compared}\n"
    crossed = read("crossover", "runs.csv", *options, "--along", "flops")
    assert ("paired" if paired else "independent") in crossed
    if paired:  # the same resamples as those of compare
        plan = next(iter(compared.fits.values())).plan
        fits = [sf.fit(runs[runs.family == name], "chinchilla").bootstrap(20, plan=plan) for name in FAMILIES]
        assert f"{find_crossover(*fits, along='flops', names=list(FAMILIES))}\n" == crossed


def test_crossover_pairs_by_the_rule_of_compare_where_nothing_is_said(runs, place):
    table = runs.assign(pair=[*range(25), *range(25)])
    table.to_csv(place / "pairs.csv", index=False)
    options = ("--law", "chinchilla", "--along", "flops", "--draws", 20)
    assert read("crossover", "pairs.csv", *options) == read("crossover", "pairs.csv", *options, "--paired")
    table.iloc[1:].to_csv(place / "lone.csv", index=False)
    assert read("crossover", "lone.csv", *options) == read("crossover", "lone.csv", *options, "--independent")
    refused = run("crossover", "lone.csv", *options, "--paired")
    assert refused.exit_code == 2
    assert "--independent" in refused.stderr


def test_crossover_of_two_saved_fits_is_named_after_the_files(place):
    fits = [sf.load_fit(str(place / f"{name}.json")) for name in FAMILIES]
    expected = find_crossover(*fits, along="tokens", ratio=20.0, names=list(FAMILIES))
    options = ("--along", "tokens", "--ratio", 20)
    assert read("crossover", "a.json", "b.json", *options) == f"{expected}\n"


def test_crossover_takes_two_of_three_families(runs):
    options = ("--law", "chinchilla", "--along", "flops", "--draws", 20)
    told = read("crossover", "three.csv", *options, "--family", "b", "--family", "a")
    assert told == read("crossover", "runs.csv", *options, "--family", "b", "--family", "a")


def test_the_cost_of_a_run_may_be_read_off_the_table(runs, place):
    runs.assign(flops=12 * runs.params * runs.tokens).to_csv(place / "dear.csv", index=False)
    options = ("--law", "chinchilla", "--draws", 5, "--json")
    plain, dear = (
        json.loads(read("crossover", name, "--along", "flops", *options, *more))["frames"]["crossings"][0]["location"]
        for name, more in (("runs.csv", ()), ("dear.csv", ("--cost", "runs")))
    )
    assert dear == pytest.approx(2 * plain, rel=1e-3)
    a, b = (
        json.loads(read("allocate", name, "--flops", 1e22, *options, *more))["frames"]["budgets"][0]["params"]
        for name, more in (
            ("dear.csv", ("--family", "a", "--cost", "12 * params * tokens")),
            ("dear.csv", ("--family", "a", "--cost", "runs")),
        )
    )
    assert a == pytest.approx(b, rel=1e-3)


def test_allocate_takes_a_saved_fit(place):
    expected = allocate(sf.load_fit(str(place / "a.json")), flops=[1e20, 1e21], level=0.5)
    told = json.loads(read("allocate", "a.json", "--flops", "1e20,1e21", "--level", 0.5, "--json"))
    assert told["headline"] == str(expected).splitlines()[0]
    close(told["frames"]["budgets"], expected.frame, ["flops", "params", "params_low", "tokens_high", "loss"])
    assert read("allocate", "a.json", "--flops", "1e20,1e21", "--level", 0.5) == f"{expected}\n"


def test_allocate_of_a_table_fits_the_law(runs):
    fit = sf.fit(runs[runs.family == "b"], "chinchilla").bootstrap(10, rng=2)
    options = ("--law", "chinchilla", "--flops", 1e21, "--draws", 10, "--seed", 2, "--json")
    told = json.loads(read("allocate", "runs.csv", *options, "--family", "b"))
    close(told["frames"]["budgets"], allocate(fit, flops=[1e21]).frame, ["params", "params_low", "params_high"])
    alone = json.loads(read("allocate", "only_b.csv", *options))
    assert alone == told


def test_isoflop_prints_what_the_library_says(slices):
    options = ("--method", "parabola", "--draws", 50, "--seed", 1, "--noise", 0.002)
    expected = isoflop(slices, method="parabola", draws=50, rng=1, noise=0.002)
    assert read("isoflop", "slices.csv", *options) == f"{expected}\n"
    told = json.loads(read("isoflop", "slices.csv", *options, "--json"))
    close(told["frames"]["budgets"], expected.frame, ["flops", "params", "params_low", "params_high", "loss"])
    assert told["frames"]["exponents"][0]["estimate"] == pytest.approx(expected.exponent.estimate)


def test_isoflop_of_groups_answers_for_each(slices):
    told = json.loads(read("isoflop", "slices.csv", "--by", "family", "--draws", 20, "--json"))
    assert told["frames"]["exponents"][0]["family"] == "b"


def test_the_seed_decides_the_intervals():
    first, again, other = (
        read("allocate", "only_b.csv", "--law", "chinchilla", "--flops", 1e21, "--draws", 10, "--seed", seed)
        for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize(
    "arguments",
    [
        ("compare", "runs.csv", "--law", "chinchilla", "--draws", 5),
        ("crossover", "a.json", "b.json", "--along", "flops"),
        ("allocate", "a.json", "--flops", "1e21"),
        ("isoflop", "slices.csv", "--draws", 20),
        ("isoflop", "slices.csv", "--draws", 20, "--by", "family"),
    ],
    ids=lambda arguments: " ".join(arguments[:1]),
)
def test_each_writes_a_picture(arguments, place):
    picture = place / "picture.png"
    read(*arguments, "--plot", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    picture.unlink()


CROSS = ("crossover", "runs.csv", "--law", "chinchilla", "--draws", 5)
BAD = {
    "a held input without a value": ((*CROSS, "--along", "tokens", "--at", "params"), "--at takes name=value"),
    "a held input that is no number": (
        (*CROSS, "--along", "tokens", "--at", "params=big"),
        "params needs a number",
    ),
    "a held input without end": ((*CROSS, "--along", "tokens", "--at", "params=inf"), "--at params needs a finite"),
    "a held input given twice": (
        (*CROSS, "--along", "tokens", "--at", "params=1e8", "--at", "params=2e8"),
        "--at gives 'params' twice",
    ),
    "an input left open": ((*CROSS, "--along", "tokens"), "give --at params=…, or --ratio … for tokens per parameter"),
    "an input that the law has not": ((*CROSS, "--along", "tokens", "--at", "width=3"), "'width'"),
    "something to go along that is not there": ((*CROSS, "--along", "step"), "must be one of flops"),
    "a cost of other things": ((*CROSS, "--along", "flops", "--cost", "6 * width"), "A cost is a formula of params"),
    "no column of families": (
        ("crossover", "no_family.csv", *CROSS[2:], "--along", "flops"),
        "a column 'family'",
    ),
    "three families": (("crossover", "three.csv", *CROSS[2:], "--along", "flops"), "a, b and c: say --family A"),
    "a family that is not there": (
        (*CROSS, "--along", "flops", "--family", "z"),
        "the families of 'family' are a and b",
    ),
    "a table without a law": (("crossover", "runs.csv", "--along", "flops"), "takes --law NAME"),
    "two fits and a law": (
        ("crossover", "a.json", "b.json", "--along", "flops", "--law", "power"),
        "2 files and --law",
    ),
    "three fits": (("crossover", "a.json", "b.json", "a.json", "--along", "flops"), "got 3 files"),
    "the cost of runs that are not there": (
        ("crossover", "a.json", "b.json", "--along", "flops", "--cost", "runs"),
        "saved fits need a formula",
    ),
    "one family to compare": (("compare", "slices.csv", "--law", "chinchilla"), "famil"),
    "no families to compare": (("compare", "no_family.csv", "--law", "chinchilla"), "a column 'family'"),
    "a level in percent": (("compare", "runs.csv", "--law", "chinchilla", "--level", "90"), "Did you mean 0.9?"),
    "a budget that is no number": (
        ("allocate", "a.json", "--flops", "1e21,lots"),
        "--flops needs a number; got 'lots'",
    ),
    "a budget of nothing": (("allocate", "a.json", "--flops", "0"), "above zero"),
    "a table to allocate without a law": (("allocate", "runs.csv", "--flops", "1e21"), "with --law NAME"),
    "a fit that is not there": (("allocate", "z.json", "--flops", "1e21"), "There is no file 'z.json'"),
    "several families to allocate": (
        ("allocate", "three.csv", "--law", "chinchilla", "--flops", "1e21"),
        "allocate is of one family, and 'family' has a, b and c: say --family a",
    ),
    "a family to allocate that is not there": (
        ("allocate", "three.csv", "--law", "chinchilla", "--flops", "1e21", "--family", "z"),
        "--family z: the families of 'family' are a, b and c",
    ),
    "a family of no table": (("allocate", "a.json", "--flops", "1e21", "--family", "a"), "a saved fit is of one"),
    "a saved fit and a law to allocate": (
        ("allocate", "a.json", "--law", "chinchilla", "--flops", "1e21"),
        "'a.json' is a saved fit, and allocate --law takes a table of runs: leave out --law",
    ),
    "a saved fit to compare": (("compare", "a.json", "--law", "chinchilla"), "'a.json' is a saved fit"),
    "a saved fit to cross with a law": (("crossover", "a.json", *CROSS[2:], "--along", "flops"), "is a saved fit"),
    "a saved fit to look for budgets in": (("isoflop", "a.json"), "is a saved fit"),
    "saved fits to pair": (
        ("crossover", "a.json", "b.json", "--along", "flops", "--paired"),
        "are for a table of runs",
    ),
    "a law without tokens": (("allocate", "only_b.csv", "--law", "power", "--flops", "1e21"), "power"),
    "no budgets": (("isoflop", "no_family.csv"), "budget"),
    "a column of budgets that is not there": (("isoflop", "slices.csv", "--budget", "cost"), "'cost'"),
}


@pytest.mark.parametrize(("arguments", "said"), BAD.values(), ids=BAD)
def test_bad_input_ends_with_code_2_and_one_line(arguments, said):
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("scalefit: ")
    assert said in line
    assert result.stdout == ""


def test_the_commands_run_in_a_process_of_their_own(place):
    environment = {**os.environ, "PYTHONPATH": str(Path(sf.__file__).resolve().parents[1])}
    told = subprocess.run(
        [sys.executable, "-m", "scalefit", "crossover", "a.json", "b.json", "--along", "flops"],
        capture_output=True, text=True, env=environment, cwd=place, check=True,
    )  # fmt: skip
    assert "a is ahead below 9.3" in told.stdout
    assert told.stderr == ""
