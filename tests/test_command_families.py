"""Families, columns and larger runs on the command line: what is named goes through, and a repair can be typed."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import scalefit as sf
from scalefit.commands import app
from scalefit.commands.fits import page_of
from scalefit.commands.options import Fixed, OneFamily
from scalefit.reports.page import report as pages
from scalefit.reports.page.parts import sentence

FAMILIES = {
    "A": {"E": 1.9, "A": 300.0, "alpha": 0.35, "B": 1200.0, "beta": 0.36},
    "B": {"E": 1.7, "A": 500.0, "alpha": 0.35, "B": 2000.0, "beta": 0.36},
}
MAPPED = ("--column", "loss=final_val_loss", "--column", "tokens=D_tokens")


@pytest.fixture(scope="module")
def runs():
    """A table as others have it: no column has the name that the package knows but the size."""
    law, parts = sf.get_law("chinchilla"), []
    for seed, (name, values) in enumerate(FAMILIES.items()):
        design = sf.grid(params=np.geomspace(1e7, 1e9, 4), tokens=np.geomspace(1e9, 1e11, 4))
        loss = law(values, design) * np.exp(0.003 * np.random.default_rng(seed).standard_normal(len(design)))
        parts.append(design.assign(model=name, final_val_loss=loss, note=[f"{name}{k}" for k in range(len(design))]))
    return pd.concat(parts, ignore_index=True).rename(columns={"tokens": "D_tokens"})


@pytest.fixture(autouse=True)
def _there(tmp_path, monkeypatch, runs):
    monkeypatch.chdir(tmp_path)
    runs.to_csv("sweep.csv", index=False)


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fit", "sweep.csv", *MAPPED, "--law", "chinchilla", "--family", "A"), "say --by model."),
        (("crossover", "sweep.csv", *MAPPED, "--law", "chinchilla", "--along", "flops"), "say --by model."),
        (("compare", "sweep.csv", *MAPPED, "--law", "chinchilla"), "say --by model."),
        (("report", "sweep.csv", *MAPPED, "--law", "chinchilla", "--by", "arch"), "say --by model."),
        (("fit", "sweep.csv", *MAPPED, "--law", "chinchila"), "Did you mean 'chinchilla'? `scalefit laws` shows"),
        (("forecast", "sweep.csv", "--times", "10"), "pass --column tokens=D_tokens."),
        (("forecast", "sweep.csv", "--at", "params=1e9"), "pass --column loss=final_val_loss."),
        (("forecast", "sweep.csv"), "forecast takes --times 10, or --at"),
        (("forecast", "sweep.csv", "--times", "10", "--at", "params=1e9"), "--times takes the place of --at"),
        (("forecast", "sweep.csv", *MAPPED, "--times", "0"), "must be a number above zero, such as 10; got 0."),
    ],
)  # fmt: skip
def test_the_repair_can_be_typed(arguments, said):
    result = run(*arguments)
    (line,) = result.stderr.splitlines()
    assert (result.exit_code, said in line, line) == (2, True, line)


def test_a_column_of_families_may_be_named_either_way():
    options = ("--law", "chinchilla", "--family", "A", "--json")
    by, column = (
        json.loads(run("fit", "sweep.csv", *MAPPED, *way, *options).stdout)
        for way in (("--by", "model"), ("--column", "family=model"))
    )
    assert by["rows"] == column["rows"] == 16
    assert by["frames"] == column["frames"]


def test_what_only_explains_a_fit_is_a_note_and_no_doubt():
    told = json.loads(run("fit", "sweep.csv", *MAPPED, "--law", "chinchilla", "--by", "model", "--family", "A",
                          "--json").stdout)  # fmt: skip
    assert (told["status"], told["doubts"]) == ("good", [])
    assert "tokens read from column 'D_tokens'" in told["notes"]
    assert any(note.startswith("intervals: ") for note in told["notes"])


def test_what_speaks_against_a_fit_is_a_doubt():
    sf.grid(params=[1e7, 1e8, 1e9], tokens=[1e9, 1e10]).assign(
        loss=lambda t: sf.get_law("chinchilla")(FAMILIES["A"], t) * (1 + 0.003 * np.sin(7.0 * np.arange(6) ** 2))
    ).to_csv("few.csv", index=False)
    told = json.loads(run("fit", "few.csv", "--law", "chinchilla", "--json").stdout)
    assert any("more row" in doubt for doubt in told["doubts"]) or told["status"] == "bad"
    assert told["status"] != "good"
    assert told["doubts"]


def test_a_run_far_off_is_a_doubt_of_the_fit_and_no_note(runs):
    one = runs[runs.model == "A"].reset_index(drop=True)
    one.assign(final_val_loss=one.final_val_loss.where(one.index != 9, 9.9)).to_csv("diverged.csv", index=False)
    told = json.loads(run("fit", "diverged.csv", *MAPPED, "--law", "chinchilla", "--json").stdout)
    assert told["status"] != "good"
    assert any("off the law" in doubt for doubt in told["doubts"])
    assert not any("off the law" in note for note in told["notes"])


def test_ten_times_the_largest_keeps_its_tokens_per_parameter():
    told = run("forecast", "sweep.csv", *MAPPED, "--by", "model", "--family", "A", "--times", 10, "--law", "chinchilla",
               "--law", "kaplan_nd", "--draws", 10, "--json")  # fmt: skip
    (row,) = json.loads(told.stdout)["frames"]["forecast"]
    assert row["params"] == pytest.approx(1e9 * 10**0.5, rel=5e-3)
    assert row["tokens"] == pytest.approx(1e11 * 10**0.5, rel=5e-3)
    assert row["low"] < row["estimate"] < row["high"]


def test_a_page_of_a_table_compares_the_families_that_are_named(runs):
    columns = {"loss": "final_val_loss", "tokens": "D_tokens"}
    fit = sf.fit(runs, "chinchilla", columns=columns)
    made = pages.make_page(
        fit, runs=runs, by="model", draws=20, commands=True,
        skip=["forecast", "backtest", "allocation", "pictures", "checklist"],
    )  # fmt: skip
    assert made.pooled == "one law for 2 families together, A (16) and B (16)"
    assert f"<h1>chinchilla on 32 runs: {made.pooled}</h1>" in made.html
    compared, crossing = made.sentences
    assert " times the compute of " in compared
    assert " A is ahead below " in crossing
    assert re.search(r">model</td><td[^>]*>A 16, B 16</td>", made.html)


def test_the_report_hands_on_the_families_of_the_table(runs, monkeypatch):
    handed = {}
    monkeypatch.setattr(pages, "make_page", lambda fit, **more: handed.update(more) or SimpleNamespace())
    for family, data, by in (
        (OneFamily(by="model"), Fixed(), "model"),
        (OneFamily(), Fixed(column=["family=model"]), "model"),
        (OneFamily(), Fixed(), None),
    ):
        page_of(None, runs, family, data, 0)
        assert (handed["by"], handed["runs"] is None, handed["commands"]) == (by, by is None, True)


def test_labels_that_fit_by_chance_name_no_families(runs):
    fit = sf.fit(runs[runs.model == "A"], "chinchilla", columns={"loss": "final_val_loss", "tokens": "D_tokens"})
    other = runs.assign(final_val_loss=runs.final_val_loss + 1)
    make = {"by": "model", "at": None, "flops": None, "draws": 20, "answers": {}, "seed": 0}
    assert pages.Subject(fit, runs, **make).families.unique().tolist() == ["A"]
    assert pages.Subject(fit, other, **make).families is None


def test_what_is_missing_on_a_page_is_said_in_options(runs):
    fit = sf.fit(runs, "chinchilla", columns={"loss": "final_val_loss", "tokens": "D_tokens"})
    subject = pages.Subject(fit, None, None, None, None, 20, {}, 0, True)
    with pytest.raises(sf.FitError, match="add --by COLUMN to compare them"):
        _ = subject.family_table


def test_in_short_a_forecast_says_its_number_and_its_first_doubt(runs):
    told = sf.forecast(runs[runs.model == "A"], sf.grid(params=[1e12], tokens=[1e14]), laws=["chinchilla"], draws=10,
                       columns={"loss": "final_val_loss", "tokens": "D_tokens"}, rng=0)  # fmt: skip
    state, said = sentence(told)
    assert state == "bad"
    assert re.match(r"loss \S+ \(90 %: .* at params 1e12, ", said)
    assert said.endswith(told.doubts[0])
