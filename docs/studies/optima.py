"""Published constants beside the optimum of the objective that they are said to minimise.

    SCALEFIT_DATA=PATH python docs/studies/optima.py

``PATH`` is a folder of public studies in the layout that ``scalefit.datasets`` names. Writes ``optima.md`` beside this
file.
"""

from __future__ import annotations

import datetime as dt
import platform
import warnings
from pathlib import Path

import numpy as np
import scipy
from scipy.optimize import minimize

import scalefit as sf

HERE = Path(__file__).parent
HUBER = sf.Huber(1e-3)
#: The budget that Chinchilla was trained with: 70e9 parameters on 1.4e12 tokens.
BUDGET = 6 * 70e9 * 1.4e12
#: Starts of the published grid that are followed, drawn with seed 0.
STARTS = 200
#: The grid of Besiroglu et al. 2024: log A, log B, log E, alpha, beta.
GRID = (np.arange(0, 26, 5.0), np.arange(0, 26, 5.0), np.arange(-1, 1.1, 0.5), np.arange(0, 2.1, 0.5),
        np.arange(0, 2.1, 0.5))  # fmt: skip
#: The curves that the authors of the Multi-Power Law fitted, with their schedules: the log has a row every 128 steps.
THREE = {
    "cosine_24000": sf.Schedule.cosine(steps=24000, peak=3e-4, warmup=2160, end=3e-5),
    "constant_24000": sf.Schedule.constant(steps=24000, peak=3e-4, warmup=2160),
    "wsdcon_9": sf.Schedule.multistep(steps=16000, peak=3e-4, warmup=2160, milestones=[8000], values=[9e-5]),
}
HEAD = """# Published constants beside the optimum

{about}

Each table puts constants as they were published beside the lowest value that we find of the objective that they are
said to minimise, on the runs that the authors or others released. *excess* is how far the objective lies above ours,
relative to it. What follows from this is on the page [Published fits that were not at their
optimum](../explanation/published-fits.md).

"""


def table(rows):
    """Rows as a Markdown table."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([row[name] for name in head] for row in rows)]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def objective(law, values, runs):
    """The sum over rows of the Huber loss of the residual of the log."""
    return float(HUBER.parts(np.log(law(values, runs) / runs["loss"].to_numpy()))[0].sum())


def share(value, best):
    """How far above the best, as a percentage; of the rounding of the last digits nothing is said."""
    return f"{100 * (value / best - 1):,.4g} %" if value / best - 1 > 5e-6 else "0"


def chinchilla_runs():
    """The 240 runs of Besiroglu et al. 2024."""
    runs = sf.datasets.load("chinchilla_besiroglu")
    return runs[runs["outlier"] == 0]


def chinchilla(runs, fit):
    """Objective and best size of each set of constants."""
    rows = []
    sets = {name: constants.values for name, constants in fit.law.published.items() if name != "muennighoff2023"}
    for name, values in {**sets, "our optimum": fit.estimates}.items():
        value = objective(fit.law, values, runs)
        best = fit.law.derived["params_optimal"](values, {"flops": BUDGET})
        rows.append(
            {
                "constants": f"`{name}`" if name in sets else name,
                "objective": f"{value:.6e}",
                "excess": share(value, fit.objective),
                "best size at 5.88e23 FLOP": f"{best / 1e9:.0f}e9",
                "tokens per parameter there": f"{BUDGET / 6 / best**2:.0f}",
            }
        )
    return table(rows)


def stopped(runs, fit):
    """What L-BFGS-B with its default tolerance makes of the sum and of the mean of the same losses."""
    params, tokens, loss = (runs[name].to_numpy(float) for name in ("params", "tokens", "loss"))

    def total(logs):
        terms = [logs[0] - logs[3] * np.log(params), logs[1] - logs[4] * np.log(tokens), np.full_like(params, logs[2])]
        return float(HUBER.parts(np.logaddexp.reduce(terms) - np.log(loss))[0].sum())

    rng = np.random.default_rng(0)
    starts = np.column_stack([rng.choice(values, STARTS) for values in GRID])
    rows = []
    for what, scale in (("the sum over runs", 1), ("the mean over runs", len(runs))):
        ends = [minimize(lambda logs, scale=scale: total(logs) / scale, start, method="L-BFGS-B") for start in starts]
        excess = np.array([total(end.x) for end in ends]) / fit.objective - 1
        said = np.array([end.success for end in ends])
        rows.append(
            {
                "minimised": what,
                "say success": f"{said.sum()} of {STARTS}",
                "of these within 0.1 % of the optimum": f"{(excess[said] < 1e-3).sum()}",
                "best excess": f"{excess.min():.1e}",
                "median excess of those that say success": f"{100 * np.median(excess[said]):.0f} %",
            }
        )
    return table(rows)


def curves():
    """The Multi-Power Law on the three curves that its authors fitted."""
    runs = sf.datasets.load("lr_annealing_gpt", part="mpl_100m")
    runs = runs[runs["schedule"].isin(THREE)]
    schedules = {str(run): THREE[name] for run, name in runs.groupby("run")["schedule"].first().items()}
    law = sf.get_law("mpl")
    fit = sf.fit(runs, law, schedules=schedules)
    published = law.published["luo2025_100M"].values
    near = sf.fit(runs, law, schedules=schedules, starts=sf.Starts(given=[published], own=0))
    rows = [
        {"constants": "`luo2025_100M`", "objective": "2.75e-04", "excess": share(2.75e-4, fit.objective)},
        *(
            {"constants": what, "objective": f"{one.objective:.4e}", "excess": share(one.objective, fit.objective)}
            for what, one in (("followed from there", near), ("our optimum, from no guess", fit))
        ),
    ]
    return table(rows)


def repeated():
    """The second stage of Muennighoff et al. 2023: two constants of repetition, the rest held."""
    runs = sf.datasets.load("data_constrained")
    runs = runs[runs["in_fit"] == 1]
    law = sf.get_law("data_constrained")
    published = law.published["muennighoff2023"].values
    two = ("R_D_star", "R_N_star")
    held = {name: value for name, value in published.items() if name not in two}
    fit = sf.fit(runs, law, fixed=held)
    near = sf.fit(runs, law, fixed=held, starts=sf.Starts(own=0, given=[{name: published[name] for name in two}]))
    low, high = fit.summary().loc["R_D_star", ["low", "high"]]
    rows = [
        {"constants": what, "R_D_star": f"{values['R_D_star']:.3g}", "R_N_star": f"{values['R_N_star']:.3g}",
         "objective": f"{value:.8f}", "excess": share(value, fit.objective)}
        for what, values, value in (
            ("`muennighoff2023`", published, objective(law, published, runs)),
            ("followed from there", near.estimates, near.objective),
            ("our optimum, from no guess", fit.estimates, fit.objective),
        )
    ]  # fmt: skip
    return table(rows) + f"\n\nThe 90 % interval of `R_D_star` at our optimum: {low:.3g} to {high:.3g}."


def routed():
    """Rounded constants of Clark et al. 2022: root mean square of the residual of log10 of the loss."""
    runs = sf.datasets.load("moe_routing")
    runs = runs[runs["in_main_fit"] == 1]
    law, rows = sf.get_law("moe_clark"), []
    for family, name in (("S-Base", "s_base"), ("RL-R", "rl_r"), ("Hash", "hash")):
        own = runs[runs["family"].isin(["Dense", family])]
        values = law.published[f"clark2022_{name}"].values
        away = np.log10(law(values, own) / own["loss"].to_numpy())
        fit = sf.fit(own, law)
        rows.append(
            {
                "routing": family,
                "printed constants": f"{np.sqrt(np.mean(away**2)):.5f}",
                "our optimum": f"{fit.rms / np.log(10):.5f}",
            }
        )
    return table(rows)


def main():
    """Write the page."""
    warnings.simplefilter("ignore", sf.ScalefitWarning)
    runs = chinchilla_runs()
    fit = sf.fit(runs, "chinchilla")
    about = (
        f"{dt.datetime.now(dt.UTC).date()}, scalefit {sf.__version__}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, SciPy {scipy.__version__}. "
        "Made by `SCALEFIT_DATA=PATH python docs/studies/optima.py`."
    )
    parts = [
        "## Chinchilla: size and tokens",
        "The 240 runs that Besiroglu et al. 2024 (arXiv:2404.10102) read off a figure of Hoffmann et al. 2022 "
        "(arXiv:2203.15556). Objective: the sum of Huber(1e-3) of the residual of the log.",
        chinchilla(runs, fit),
        "## The same objective as a sum and as a mean",
        f"SciPy's L-BFGS-B as it comes, from {STARTS} starts of the published grid. It stops when a step lowers the "
        "objective by less than 2.2e-9, whatever the size of an objective below one.",
        stopped(runs, fit),
        "## Multi-Power Law: whole training curves",
        "Three curves, 451 rows, of Luo et al. 2025 (arXiv:2503.12811). The first objective is the one that the "
        "authors' log states.",
        curves(),
        "## Repeated data",
        "182 runs of Muennighoff et al. 2023 (arXiv:2305.16264), first stage held as published.",
        repeated(),
        "## Routed models",
        "163 runs of Clark et al. 2022 (arXiv:2202.01169); their table prints three digits. Root mean square of the "
        "residual of log10 of the loss.",
        routed(),
    ]
    (HERE / "optima.md").write_text(HEAD.format(about=about) + "\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
