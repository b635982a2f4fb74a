"""Settings that stand beside a log."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import scalefit as sf
from mutations import damaged
from scalefit.errors import ScalefitError
from scalefit.runs.side_files import read_settings


def said(runs):
    return runs.attrs["scalefit_notes"]


def refused(runs):
    return dict(runs.attrs["scalefit_refused"])


def test_settings_next_to_a_log_are_constant_columns(write):
    write("logs/a/m.csv")
    write(
        "logs/a/config.json",
        json.dumps({"lr": 3e-4, "loss": "nll", "model": {"layers": 4, "sizes": [1, 2]}, "x": None}),
    )
    write("logs/b/m.csv", "step,loss\n1,2\n")
    write("logs/b/hparams.json", '{"lr": {"value": 0.001, "desc": null}, "wandb_version": 1}')
    write("logs/c/m.csv", "step,loss\n1,2\n")
    runs = sf.read_runs("logs")
    assert runs["lr"].fillna(0).tolist() == [3e-4, 3e-4, 1e-3, 0]
    assert runs["model.layers"].fillna(0).tolist() == [4, 4, 0, 0]
    assert runs["config.loss"].fillna("").tolist() == ["nll", "nll", "", ""]
    assert runs["model.sizes"].iloc[0] == "[1, 2]"
    assert not {"x", "wandb_version"} & set(runs)
    assert "settings of 1 log read from config.json next to it" in said(runs)


@pytest.mark.parametrize("setting", ["lr", "learning_rate", "train/lr"])
@pytest.mark.parametrize("column", ["lr", "learning_rate", "train/learning_rate"])
def test_a_setting_never_hides_what_was_logged_under_another_name(write, setting, column):
    write("logs/a/m.csv", f"step,{column}\n1,3\n2,2.5\n")
    write("logs/a/config.json", json.dumps({setting: 9.0, "width": 64}))
    runs = sf.read_runs("logs")
    assert runs["lr"].tolist() == [3.0, 2.5]
    assert runs[f"config.{setting}"].tolist() == [9.0, 9.0]
    assert runs["width"].tolist() == [64, 64]
    if setting != column:
        renamed = "settings of a quantity that was logged under another name renamed"
        assert f"{renamed}: config.{setting} beside {column!r}" in said(runs)


def test_a_setting_does_not_hide_what_another_run_of_the_table_logged(write):
    for run, content in (("a", "step,learning_rate\n1,3\n"), ("b", "step,loss\n1,3\n")):
        write(f"logs/{run}/m.csv", content)
        write(f"logs/{run}/config.json", '{"lr": 9.0}')
    runs = sf.read_runs("logs")
    assert runs["lr"].fillna(0).tolist() == [3.0, 0.0]
    assert runs["config.lr"].tolist() == [9.0, 9.0]


def test_settings_in_yaml_are_read_and_so_are_those_of_hydra(write):
    pytest.importorskip("yaml")
    write("logs/a/m.csv", "step,loss\n1,2\n")
    write("logs/a/hparams.yaml", "lr: 3e-4\nmodel: {layers: 8}\ndate: 2024-01-01\nname: 1e3x\n")
    write("logs/b/m.csv", "step,loss\n1,2\n")
    write("logs/b/.hydra/config.yaml", "lr: 1.0e-3\n")
    runs = sf.read_runs("logs")
    assert runs["lr"].tolist() == [3e-4, 1e-3]
    assert runs["model.layers"].iloc[0] == 8
    assert runs["name"].iloc[0] == "1e3x"


def test_yaml_runs_no_code_and_does_not_grow_without_end(write):
    pytest.importorskip("yaml")
    trap = "!!python/object/apply:os.system ['touch was_here']\n"
    laughs = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    for i, text in enumerate([trap, laughs, "[" * 5000, "- 1\n", "a: !!int ''\n", "a: 9999-99-99 99:99:99\n"]):
        write(f"logs/{i}/m.csv", "step,loss\n1,2\n")
        write(f"logs/{i}/config.yaml", text)
    runs = sf.read_runs("logs")
    assert list(runs) == ["run", "step", "loss"]
    assert not Path("was_here").exists()
    assert [note for note in said(runs) if note.startswith("settings not read")][-1] == "settings not read of 3 more"


def test_without_pyyaml_the_log_is_read_and_it_is_said_what_to_install(write, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    write("logs/a/m.csv")
    write("logs/a/config.yaml", "lr: 1\n")
    (note,) = [note for note in said(sf.read_runs("logs")) if "not read" in note]
    assert "needs PyYAML: pip install 'scalefit[yaml]'" in note


@pytest.mark.parametrize(
    "content", ["{", "[1]", "3", "", '{"a": 1, "a": 2}', "[" * 10**5, json.dumps({"a": "x" * 2**21})]
)
def test_a_side_file_that_cannot_be_read_costs_nothing_but_itself(write, content):
    write("logs/a/m.csv")
    write("logs/a/config.json", content)
    runs = sf.read_runs("logs")
    assert len(runs) == 2
    assert any(note.startswith("settings not read: config.json next to a/m.csv") for note in said(runs))


def test_settings_are_not_read_beside_a_single_file(write):
    path = write("logs/a/m.csv")
    write("logs/a/config.json", '{"lr": 1}')
    assert list(sf.read_runs(path)) == ["step", "loss"]


SETTINGS = [
    json.dumps({"lr": 3e-4, "model": {"layers": 4, "sizes": [1, 2]}, "x": None}).encode(),
    b"lr: 3e-4\nm: {a: [1, 2]}\n",
]


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    data=st.one_of(
        damaged(SETTINGS),
        st.binary(max_size=100),
        st.text("{}[]:,-&*!|>#'\"%@ \n\tab1.e_", max_size=60).map(str.encode),
    )
)
@pytest.mark.parametrize("ending", [".json", ".yaml"])
def test_noise_beside_a_log_gives_settings_or_one_error(data, ending, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"config{ending}"
    path.write_bytes(data)
    try:
        found = read_settings(path)
    except ScalefitError:
        return
    assert all(isinstance(name, str) for name in found)
    assert all(np.ndim(value) == 0 for value in found.values())
