"""Tables of many small groups, and calls of groups that workers can be sent."""

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd

import scalefit as sf
from scalefit.many.fitting import fit_many

#: The seed of the noise, not of any call.
SEED = 20


def many_tasks(count, rows=30):
    """Groups t0, t1, … of simulated runs of one law, each with a floor of its own, and runs of the same names."""
    rng = np.random.default_rng(SEED)
    tables = []
    for number in range(count):
        params = np.repeat(np.logspace(6, 9, 6), rows // 6)
        tokens = params * np.tile(np.logspace(0.5, 2, rows // 6), 6)
        loss = (1.5 + 0.02 * number + 400 / params**0.34 + 410 / tokens**0.28) * np.exp(0.003 * rng.normal(size=rows))
        names = [f"run {i}" for i in range(rows)]
        table = pd.DataFrame({"task": f"t{number}", "run": names, "params": params, "tokens": tokens, "loss": loss})
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def with_bad_groups(runs):
    """The same with a group of two rows, and one of a single size, which identifies no exponent."""
    few = runs[runs.task == "t0"].head(2).assign(task="few")
    flat = runs[runs.task == "t1"].assign(task="flat", params=1e7)
    return pd.concat([runs, few, flat], ignore_index=True)


def same(left, right):
    """Whether two answers of fit_many have the same bits, draws and all."""
    pd.testing.assert_frame_equal(left.frame, right.frame, check_exact=True)
    assert list(left) == list(right)
    for group in left:
        a, b = left[group], right[group]
        assert a.u.tobytes() == b.u.tobytes(), group
        assert (a.draws is None) is (b.draws is None)
        if a.draws is not None:
            pd.testing.assert_frame_equal(a.draws, b.draws, check_exact=True)
    return True


def dying_once(flag):
    """A law whose function kills the process that first computes it for a table of more than the flag says, once."""
    text, first = str(flag), os.getpid()

    def function(N, D, E, A, alpha, B, beta):
        file = Path(text)
        if os.getpid() != first and not file.exists():
            file.write_text("died here")
            os.kill(os.getpid(), signal.SIGKILL)
        return E + A / N**alpha + B / D**beta

    chinchilla = sf.get_law("chinchilla")
    made = sf.define_law(inputs=chinchilla.inputs, output="loss", linear=chinchilla.linear, params=chinchilla.params)
    return made(function)


def run_script(folder):
    """What the tests of interruptions start in a process of its own."""
    import joblib

    with joblib.parallel_config("loky", n_jobs=2):
        return fit_many(many_tasks(36), "chinchilla", "task", bootstrap=40, rng=0, path=folder)
