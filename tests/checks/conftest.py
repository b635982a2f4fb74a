"""Tables that are as they should be, from which the bad ones are made."""

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.checks import check_runs

LAW = sf.get_law("chinchilla")
TRUTH = LAW.published["besiroglu2024"].values
STEPS = 2000
BATCH = 500_000.0


def make_ladder():
    """25 finished runs of two families, one row each."""
    params, ratio = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 3e9, 5), [5.0, 10.0, 20.0, 40.0, 80.0]))
    runs = pd.DataFrame({"params": params.round(), "tokens": (params * ratio).round()})
    loss = LAW(TRUTH, runs) * np.exp(0.003 * np.random.default_rng(0).standard_normal(len(runs)))
    tables = [runs.assign(family=name, loss=factor * loss) for name, factor in (("gpt", 1.0), ("lstm", 1.05))]
    both = pd.concat(tables, ignore_index=True)
    return both.assign(run=[f"{name}-{k}" for k, name in enumerate(both.family)])


def make_logs():
    """8 runs of 4 sizes with 100 checkpoints each, under cosines that end with the run."""
    rng = np.random.default_rng(0)
    logs = []
    for number, params in enumerate(np.repeat([1e7, 1e8, 1e9, 1e10], 2)):
        total = STEPS * (1 + number % 2 * 10)
        step = np.linspace(total / 100, total, 100).round()
        plan = sf.Schedule.cosine(steps=total, peak=3e-4, warmup=100, end=3e-5)
        log = pd.DataFrame({"run": f"run-{number}", "step": step.astype(int), "lr": plan.rates[step.astype(int)]})
        log = log.assign(params=params, tokens=step * BATCH, batch_tokens=BATCH)
        logs.append(log.assign(loss=LAW(TRUTH, log) * np.exp(0.003 * rng.standard_normal(100))))
    return pd.concat(logs, ignore_index=True)


@pytest.fixture
def ladder():
    return make_ladder()


@pytest.fixture
def logs():
    return make_logs()


@pytest.fixture
def kinds():
    """The findings of a table by kind; laws are left out, since each fit takes a while."""

    def find(table, **options):
        told = check_runs(table, laws=False, **options).findings
        return {finding.kind: finding for finding in told}

    return find


@pytest.fixture
def shows(kinds):
    """Require a finding of a table, with its severity, words of its text and of what to type."""

    def require(table, kind, severity, words, repair):
        found = kinds(table)
        assert kind in found, f"no {kind} among {[one.text for one in found.values()]}"
        finding = found[kind]
        assert finding.severity == severity
        assert words in finding.text
        assert repair in finding.repair

    return require
