"""The study of docs/studies: a part that is stored is not made again, and the page says what the numbers are."""

import importlib
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "studies"


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module("coverage_cells")
    assert "right-gaussian-40" in module.CELLS
    return importlib.import_module("coverage")


def numbers(page):
    """The tables without the line of what it cost."""
    return [line for line in page.splitlines() if line.startswith("|")]


def run(study, folder, sims, out):
    study.main(["--sims", str(sims), "--draws", "20", "--cells", "wrong-gaussian-40", "--store", str(folder),
                "--out", str(out)])  # fmt: skip
    return out.read_text()


def test_a_study_that_was_stopped_goes_on_and_ends_as_if_it_had_not(study, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(study, "PART", 2)
    whole = run(study, tmp_path / "whole", 4, tmp_path / "whole.md")
    run(study, tmp_path / "parts", 2, tmp_path / "first.md")
    (first,) = (tmp_path / "parts").rglob("*.json")
    before = first.stat().st_mtime_ns
    told = run(study, tmp_path / "parts", 4, tmp_path / "both.md")
    assert first.stat().st_mtime_ns == before
    assert numbers(told) == numbers(whole)
    assert "4 simulations" in told
    assert "(2 of 2 parts" in capsys.readouterr().out
    assert len(json.loads(first.read_text())["simulations"]["low"]) > 0
    assert (tmp_path / "both.csv").read_text().startswith("method,quantity,coverage,")
