"""Runs at common budgets whose best sizes are known."""

import numpy as np
import pandas as pd

import scalefit as sf

LAW = sf.get_law("chinchilla")
#: Besiroglu et al. 2024: best size ∝ flops^0.5126.
TRUTH = dict(LAW.published["besiroglu2024"].values)
EXPONENT = TRUTH["beta"] / (TRUTH["alpha"] + TRUTH["beta"])
BUDGETS = (6e18, 3e19, 1.5e20, 7.5e20)


def best_size(flops):
    """The true best size for a budget of 6 N D."""
    return LAW.derived["params_optimal"](TRUTH, {"flops": flops})


def isoflop_runs(*, low=0.25, high=4.0, sizes=7, budgets=BUDGETS, noise=0.0, seed=0):
    """Sizes from ``low`` to ``high`` times the best one at each budget, with the losses of a known law."""
    parts = []
    for flops in budgets:
        params = float(best_size(flops)) * np.geomspace(low, high, sizes)
        parts.append(pd.DataFrame({"flop_budget": flops, "params": params, "tokens": flops / 6 / params}))
    runs = pd.concat(parts, ignore_index=True)
    scatter = np.random.default_rng(seed).standard_normal(len(runs))
    return runs.assign(loss=LAW(TRUTH, runs) + noise * scatter)
