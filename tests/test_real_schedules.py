"""Schedules of real schedulers and of real runs, recognised from their logs."""

from pathlib import Path

import pandas as pd
import pytest

import scalefit as sf
from scalefit.schedules import recognize_schedule, recognize_schedules
from shared_data import shared

#: Written by ``write_logs.py`` beside them.
SAMPLES = Path(__file__).parent / "samples" / "schedules"

TORCH = {
    "cosine": ("cosine", 100, 100, 2000),
    "linear": ("linear", 100, 100, 2000),
    "constant": ("constant", 100, None, None),
    "exponential": ("wsd", 100, 100, 2000),
    "multistep": ("multistep", 0, None, None),
    "quadratic": ("unknown", 0, None, None),
    "restarts": ("unknown", 0, None, None),
    "one-cycle": ("cosine", 499, 499, 2000),
}
TRANSFORMERS = {
    "linear": ("linear", 100, 100, 2000),
    "cosine": ("cosine", 100, 100, 2000),
    "constant": ("constant", 0, None, None),
    "constant-warm": ("constant", 100, None, None),
    "inverse-sqrt": ("inverse_sqrt", 100, 100, None),
    "cosine-min": ("cosine", 100, 100, 2000),
    "restarts": ("unknown", 120, None, None),
    "wsd-linear": ("wsd", 100, 1600, 2000),
    "wsd-cosine": ("wsd", 100, 1600, 2000),
    "wsd-1-sqrt": ("wsd", 100, 1600, 2000),
}


@pytest.mark.parametrize(("file", "truth"), [("torch", TORCH), ("transformers", TRANSFORMERS)])
def test_the_schedulers_of_a_library_are_recognised(file, truth):
    found = recognize_schedules(pd.read_csv(SAMPLES / f"{file}.csv"))
    told = {
        run: (row.kind, row.warmup, *(None if pd.isna(step) else step for step in (row.decay_start, row.decay_end)))
        for run, row in found.iterrows()
    }
    assert told == truth
    exact = found[(found.kind != "unknown") & (found.index != "one-cycle")]
    assert exact.deviation.max() < 1e-9
    for run, row in found.iterrows():
        if run.startswith("wsd"):
            assert row["shape"] == run.removeprefix("wsd-")


def test_a_warm_up_in_a_wave_is_no_line():
    log = pd.read_csv(SAMPLES / "torch.csv").query("run == 'one-cycle'")
    assert any(note.startswith("the warm-up is not a straight line") for note in recognize_schedule(log).notes)


TRUTH = {
    "constant": ("constant", None, None),
    "cosine": ("cosine", 64, 2000),
    "cosine-half": ("cosine", 64, 1000),
    "linear": ("linear", 64, 2000),
    "wsd-60": ("wsd", 1200, 2000),
    "wsd-80": ("wsd", 1600, 2000),
    "step": ("multistep", None, None),
}


def test_the_schedules_of_the_bundled_runs_are_recognised():
    runs = sf.datasets.load("microlm", part="schedules")
    found = recognize_schedules(runs)
    truth = runs.groupby("run").schedule.first()
    for run, row in found.iterrows():
        kind, start, end = TRUTH[truth[run]]
        assert (row.kind, row.warmup) == (kind, 64)
        assert (row.decay_start, row.decay_end) == (start, end) or pd.isna(row.decay_start)
    assert found.deviation.max() < 2e-6
    assert found.milestones[truth.index[truth == "step"]].tolist() == [(1001,)] * 2


MPL = {  # the schedules of Luo et al. 2025, arXiv:2503.12811; their warm-up of 2,160 steps is not in the rows
    "constant_24000": ("constant", 0, None, None),
    "constant_72000": ("constant", 0, None, None),
    "cosine_24000": ("cosine", 2160, 2160, 24_000),
    "cosine_72000": ("cosine", 2160, 2160, 72_000),
    "wsd_20000_24000": ("wsd", 0, 20_000, 24_000),
    "wsdld_20000_24000": ("wsd", 0, 20_000, 24_000),
    "wsdcon_3": ("multistep", 0, None, None),
    "wsdcon_9": ("multistep", 0, None, None),
    "wsdcon_18": ("multistep", 0, None, None),
}


@pytest.mark.parametrize("schedule", MPL)
def test_the_schedules_of_a_published_study_are_recognised(schedule):
    log = pd.read_csv(shared("lr_annealing_gpt/mpl_100m.csv")).query("schedule == @schedule")
    found = recognize_schedule(log, steps=int(log.total_steps.iloc[0]))
    assert (found.kind, found.warmup, found.decay_start, found.decay_end) == MPL[schedule]
    assert found.deviation < 1e-8
    if found.kind == "wsd":
        assert found.end == pytest.approx(3e-5)
    if found.kind == "multistep":
        assert found.milestones == (8000,)


def test_the_schedules_of_a_study_that_logged_every_step_are_recognised():
    runs = pd.read_parquet(shared("lr_annealing_gpt/gpt100m_20b.parquet"))
    found = recognize_schedules(runs[["run", "step", "lr"]])
    assert found.kind.to_dict() == {"gpt100m_811": "multistep", "gpt100m_wsd": "wsd", "gpt100m_cosine": "cosine"}
    assert found.milestones["gpt100m_811"] == (27_126, 30_517)
    assert (found.decay_start["gpt100m_wsd"], found["shape"]["gpt100m_wsd"]) == (27_126, "exp")
    assert (found.deviation < 2e-4).all()
