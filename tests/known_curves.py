"""Training curves simulated from a law with known parameters, for tests of plans and forecasts."""

import numpy as np
import pandas as pd

import scalefit as sf

ANNEALING = {"L0": 2.0, "A": 0.3, "alpha": 0.5, "C": 1.0}
LAW = sf.get_law("lr_annealing").with_settings(decay=0.99)
STEPS, PEAK, WARMUP = 2000, 2e-3, 50


def plans():
    frame = {"steps": STEPS, "peak": PEAK, "warmup": WARMUP}
    return {
        "constant": sf.Schedule.constant(**frame),
        "cosine": sf.Schedule.cosine(**frame, end=PEAK / 10),
        "linear": sf.Schedule.linear(**frame),
        "wsd": sf.Schedule.wsd(**frame, decay_start=1600),
    }


def true_loss(schedule, steps):
    areas = LAW.derive.function(schedule.rates, np.asarray(steps), **LAW.derive.settings)
    return LAW(ANNEALING, areas)


def simulated(schedules, *, noise=0.002, rng=0, every=25, first=100, shift=None):
    """One row a checkpoint; ``shift`` is run -> how far its log loss lies above the law."""
    rng, rows = np.random.default_rng(rng), []
    for run, plan in schedules.items():
        steps = np.arange(first, plan.steps + 1, every)
        scatter = noise * rng.standard_normal(len(steps)) + (shift or {}).get(run, 0.0)
        rows.append(pd.DataFrame({"run": run, "step": steps, "loss": true_loss(plan, steps) * np.exp(scatter)}))
    return pd.concat(rows, ignore_index=True)
