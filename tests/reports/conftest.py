"""Fits of known content, so that what is compared is the report and not the fitter."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from scalefit.fitting.verdict import Verdict

STORED = Path(__file__).parent / "stored"
LAW = sf.get_law("chinchilla")
TRUTH = {"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 410.0, "beta": 0.28}
AGREED = Verdict("converged", (), starts=8, agreeing=8, second=None, at_bound=(), condition=30.0, gradient=1e-20)


def design(sizes=(1e7, 1e8, 1e9, 1e10), ratios=(5.0, 20.0, 80.0, 320.0)):
    """Runs of a known law with 1 % of scatter that is the same on every machine."""
    params, ratio = (axis.ravel() for axis in np.meshgrid(sizes, ratios))
    runs = pd.DataFrame({"params": params, "tokens": params * ratio})
    return runs.assign(loss=LAW(TRUTH, runs) * (1 + 0.01 * np.sin(7.0 * np.arange(len(runs)) ** 2)))


@pytest.fixture(scope="session")
def runs():
    return design()


@pytest.fixture(scope="session")
def fit(runs):
    """A fit without draws, as the fitter left it."""
    return sf.fit(runs, "chinchilla", objective=sf.Square())


@pytest.fixture(scope="session")
def believed(fit):
    """Converged, with 99 draws that are the same on every machine."""
    draws = fit.theta[0] * (1 + 0.1 * np.linspace(-1, 1, 99)[:, None] * np.array([0.1, 2.0, 0.4, 4.0, 0.5]))
    frame = pd.DataFrame(draws, columns=list(LAW.param_names), index=pd.RangeIndex(99, name="draw"))
    return replace(fit, judgement=AGREED, draws=frame, n_failed=1)


@pytest.fixture(scope="session")
def doubtful(believed):
    """Converged, but the floor sits on its bound and other things should be known."""
    draws = believed.draws.assign(E=0.0)
    constraints = replace(believed.constraints, tie={"beta": "alpha"}, prior={"A": (400.0, 50.0)})
    verdict = replace(AGREED, agreeing=5, second=0.034, reasons=("E at a bound",), at_bound=("E",))
    notes = ("params read from column 'N'",)
    u = believed.coordinates.from_params(np.array([[0.0, 400.0, 0.34, 410.0, 0.28]]))[0]
    return replace(believed, u=u, judgement=verdict, draws=draws, constraints=constraints, notes=notes)


@pytest.fixture(scope="session")
def unidentified(fit):
    """A ladder of one size, as the verdict words it."""
    reasons = ("the data leave E and A free to trade off", "every row has params = 1e+09: add runs with other params")
    verdict = replace(AGREED, status="not identified", reasons=reasons, condition=np.inf)
    return replace(fit, judgement=verdict)


@pytest.fixture
def same_as_stored():
    """Compare with a stored copy; with SCALEFIT_REWRITE=1 in the environment the copy is written anew."""

    def compare(name, text):
        path = STORED / name
        if os.environ.get("SCALEFIT_REWRITE") == "1":
            path.write_text(text + "\n", encoding="utf-8")
        assert text + "\n" == path.read_text(encoding="utf-8")

    return compare
