"""Best sizes for compute from raw runs: against published numbers, by method, and on runs whose truth is known.

    python docs/studies/isoflop.py --data PATH [--simulations 150]

``--data`` is a folder of public studies in the layout that ``scalefit.datasets`` names. Writes ``isoflop.md`` beside
this file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import platform
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import scipy

import scalefit as sf

HERE = Path(__file__).parent
#: Beck et al. 2025 (arXiv:2510.02228), notebooks isoflop_ctx_plots (vertices and losses, in the order of budgets) and
#: optimal_flop_param_token_tables (exponents of N_opt and D_opt, with the standard error of a plain line).
PUBLISHED = {
    ("transformer", 2048): ("1.758161 2.209757 4.222195", "3.141170 3.062585 2.894061", (0.553549, 0.0327), 0.422606),
    ("transformer", 8192): (
        "1.438397 1.904880 3.614962 7.180537", "3.240993 3.134498 2.959118 2.776128", (0.574909, 0.0030), 0.424271,
    ),
    ("transformer", 16384): ("1.248056 1.608860 3.090534", "3.322554 3.208236 3.008520", (0.569337, 0.0239), 0.432544),
    ("xlstm", 16384): ("2.136701 2.877336 5.305896", "3.126739 3.030105 2.862506", (0.566040, 0.0070), 0.385230),
}  # fmt: skip
SWAPPED = {"params": "tokens", "tokens": "params"}
BUDGETS = np.geomspace(6e18, 6e20, 5)


def table(rows: list[dict[str, object]]) -> str:
    """Rows as a Markdown table."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([str(row[name]) for name in head] for row in rows)]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def interval(told) -> str:
    """Such as ``0.554 (0.536 to 0.574)``."""
    return f"{told.estimate:.3f} ({told.low:.3f} to {told.high:.3f})"


def vertices(parabolas, akimas) -> str:
    """Each budget by both methods beside what was published."""
    rows = []
    for group, (places, losses, _, _) in PUBLISHED.items():
        ours, other = parabolas[group].frame, akimas[group].frame.set_index("flops")
        for row, place, loss in zip(ours.itertuples(), places.split(), losses.split(), strict=True):
            akima = other.loc[row.flops]
            rows.append(
                {
                    "family, context": f"{group[0]} {group[1]}", "budget": f"{row.flops:.0e}",
                    "published N": f"{place}e8",
                    "parabola N": f"{row.params / 1e8:.6f}e8", "published loss": loss, "loss": f"{row.loss:.6f}",
                    "parabola, 90 %": f"{row.params_low / 1e8:.2f} to {row.params_high / 1e8:.2f}",
                    "Akima N": f"{akima.params / 1e8:.2f}e8",
                    "Akima, 90 %": f"{akima.params_low / 1e8:.2f} to {akima.params_high / 1e8:.2f}",
                    "Akima / parabola": f"{akima.params / row.params:.2f}",
                }
            )  # fmt: skip
    return table(rows)


def exponents(runs, parabolas, akimas) -> str:
    """Powers of compute by both methods beside what was published."""
    rows = []
    for group, (_, _, (published, error), tokens) in PUBLISHED.items():
        told, akima = parabolas[group], akimas[group]
        part = runs[(runs.family == group[0]) & (runs.context_length == group[1])]
        over_tokens = sf.isoflop(part, method="parabola", columns=SWAPPED)
        rows.append(
            {
                "family, context": f"{group[0]} {group[1]}", "published a": f"{published} ± {error}",
                "plain line": f"{told.growth.unweighted['params']:.6f}", "isoflop, parabola": interval(told.exponent),
                "widened": f"{told.growth.params.widened:.2f}", "isoflop, akima": interval(akima.exponent),
                "published b": tokens, "plain line over tokens": f"{over_tokens.growth.unweighted['params']:.6f}",
                "tokens with N*": interval(told.tokens_exponent),
            }
        )  # fmt: skip
    return table(rows)


def bias(runs) -> str:
    """What each method does to losses of a fitted law on these very runs."""
    rows = []
    for family, context in PUBLISHED:
        told = sf.compare_approaches(runs[(runs.family == family) & (runs.context_length == context)])
        akima, parabola = ("; ".join(f"{value:.2f}" for value in told.bias[name]) for name in ("akima", "parabola"))
        rows.append(
            {
                "family, context": f"{family} {context}",
                **{name: f"{row.params:.3f} ({row.params_low:.3f} to {row.params_high:.3f})"
                   for name, row in told.exponents.iterrows()},
                "agree": "yes" if told.agree else f"no, {len(told.disagreements)} places",
                "akima / optimum": akima, "parabola / optimum": parabola,
                "adds to a": f"{told.exponent_bias['akima']:+.3f}; {told.exponent_bias['parabola']:+.3f}",
            }
        )  # fmt: skip
    return table(rows)


def ladder() -> str:
    """The bundled ladder, whose logs pass common budgets."""
    rows = []
    logs = sf.datasets.load("microlm")
    for family, part in logs.groupby("family"):
        told = sf.compare_approaches(part, budget=np.geomspace(5e10, 5e12, 5))
        for name, row in told.exponents.iterrows():
            rows.append(
                {"family": family, "approach": name,
                 "a": f"{row.params:.3f} ({row.params_low:.3f} to {row.params_high:.3f})",
                 "disagreements": len(told.disagreements)}
            )  # fmt: skip
    return table(rows)


def design(law, truth, window):
    """Runs at five budgets: sizes around each optimum, or the same sizes for all."""
    parts = []
    for flops in BUDGETS:
        optimum = float(law.derived["params_optimal"](truth, {"flops": flops}))
        low, high, count = window
        middle = float(law.derived["params_optimal"](truth, {"flops": 6e19})) if low is None else optimum
        params = middle * (np.geomspace(1 / 12, 12, count) if low is None else np.geomspace(low, high, count))
        parts.append(pd.DataFrame({"flop_budget": flops, "params": params, "tokens": flops / 6 / params}))
    return pd.concat(parts, ignore_index=True)


def simulate(simulations: int) -> str:
    """How often 90 % intervals hold, and what the method alone does without noise."""
    law = sf.get_law("chinchilla")
    centred = {"7 sizes, 1/4 to 4 of the best": (0.25, 4.0, 7), "15 sizes, 1/4 to 4 of the best": (0.25, 4.0, 15)}
    away = {"7 sizes, 1/2 to 16 of the best": (0.5, 16.0, 7), "the same 9 sizes for all": (None, None, 9)}
    rows = []
    for constants, designs in (("besiroglu2024", centred | away), ("hoffmann2022", away)):
        truth = dict(law.published[constants].values)
        right = truth["beta"] / (truth["alpha"] + truth["beta"])
        for name, window in designs.items():
            runs = design(law, truth, window)
            exact = law(truth, runs)
            for method in ("akima", "parabola"):
                bare = sf.isoflop(runs.assign(loss=exact), method=method, noise=0, draws=20)
                factors = bare.frame.params / law.derived["params_optimal"](truth, {"flops": bare.frame.flops})
                held = simulated(law, truth, right, runs, exact, method, simulations)
                rows.append(
                    {"constants": constants, "design": name, "method": method, **held,
                     "without noise: N / optimum": f"{factors.min():.2f} to {factors.max():.2f}",
                     "error of a": f"{bare.exponent.estimate - right:+.4f}"}
                )  # fmt: skip
                print(rows[-1], flush=True)
    return table(rows)


def simulated(law, truth, right, runs, exact, method, simulations) -> dict[str, str]:
    """Coverage of the exponent and of the best sizes, with a noise of 0.004 nats."""
    held, sizes, widths, refused = [], [], [], 0
    for seed in range(simulations):
        scatter = np.random.default_rng(seed).standard_normal(len(runs))
        told = sf.isoflop(runs.assign(loss=exact + 0.004 * scatter), method=method, draws=200, rng=seed)
        if told.growth.params is None:
            refused += 1
            continue
        held.append(told.exponent.low <= right <= told.exponent.high)
        widths.append(told.exponent.high - told.exponent.low)
        best = law.derived["params_optimal"](truth, {"flops": told.frame.flops.to_numpy(float)})
        sizes.append(((told.frame.params_low <= best) & (best <= told.frame.params_high)).mean())
    out = {"a held": f"{100 * np.mean(held):.0f} %", "width": f"{np.median(widths):.3f}"}
    return {**out, "N held": f"{100 * np.mean(sizes):.0f} %", "no exponent": str(refused)}


def main() -> None:
    """All tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--simulations", type=int, default=150)
    told = parser.parse_args()
    warnings.simplefilter("ignore", sf.ScalefitWarning)
    runs = pd.read_csv(told.data / "xlstm_vs_llama/runs.csv")
    runs = runs[(runs.in_paper_fit == 1) & (runs.experiment == "isoflop")]
    parabolas, akimas = (
        sf.isoflop(runs, budget="flop_budget", method=method, by=["family", "context_length"])
        for method in ("parabola", "akima")
    )
    versions = f"scalefit {sf.__version__}, numpy {np.__version__}, scipy {scipy.__version__}, pandas {pd.__version__}"
    date = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {versions}, Python {platform.python_version()}."
    page = TEXT.format(
        date=date, vertices=vertices(parabolas, akimas), exponents=exponents(runs, parabolas, akimas), bias=bias(runs),
        ladder=ladder(), simulations=told.simulations, simulated=simulate(told.simulations),
    )  # fmt: skip
    (HERE / "isoflop.md").write_text(page)


TEXT = """# Best sizes for compute, from raw runs

{date} Made by `python docs/studies/isoflop.py --data PATH`. All intervals are 90 %.

## Vertices against published ones

Runs of Beck et al. 2025 ("xLSTM Scaling Laws", arXiv:2510.02228), `in_paper_fit` 1, `method="parabola"`,
`budget="flop_budget"`. All are equal but for one unit of the last digit printed in two of them (ours are 1.43839636e8
and 3.20823652 there). Akima splines of the same runs beside them.

{vertices}

The two methods differ by up to 31 %, and Akima's intervals are several times as wide: these budgets have 14 to 36
sizes with a scatter of about 0.01 nats, and a spline that goes through every point has its minimum wherever the scatter
puts the lowest of many. With sizes this dense the parabola, which averages, is the better instrument.

## Exponents

Theirs are plain lines through the vertices over the mean compute of each budget's runs. Ours weigh each vertex by its
variance (at least a third of the distance of neighbouring sizes, squared), so the estimate may differ in the third
digit; the plain line, `growth.unweighted`, gives theirs. The published ± is the standard error of a line through three
or four points, from their own scatter: with so few it ranges from 0.003 to 0.033. Ours is the noise of the losses,
widened where the vertices scatter by more ("widened": how many times).

b is the exponent of tokens. The published one comes from parabolas over log10 D, which `columns={{"params": "tokens",
"tokens": "params"}}` repeats. The last column are the tokens that a run of size N* had: a pair that was bought by one
budget.

{exponents}

## All three approaches, and what the methods do by themselves

`sf.compare_approaches` on the same runs; the envelope takes each size as a curve through the budgets. The last three
columns are `.bias`: the losses of the fitted law, without noise, on the very same runs. Akima's is up to 28 % here
although there is no noise: the compute of the runs differs by some per cent within a budget, tokens being whole
batches, and the spline takes the jagged line of losses for the curve.

{bias}

## The bundled ladder

microlm, logs read at five budgets from 5e10 to 5e12 FLOP by `slice_isoflops`. Most of these losses lie in the middle of
a run, above what a run made for the budget would reach, and sizes are few: intervals are wide, and say so.

{ladder}

## Runs whose truth is known

Chinchilla surfaces with published constants, five budgets from 6e18 to 6e20 FLOP, noise of 0.004 nats that the analysis
has to find from the residuals, {simulations} simulations, 200 draws each. "a held" is how often the interval of the
exponent held the true one; "N held" the share of the budgets whose interval held the true best size. The last two
columns are the same designs without noise: what the method does by itself.

{simulated}

Akima has no bias and wide intervals; the parabola's are three to eleven times as narrow. Exponents are held in 87 to
99 % of the simulations by both. Where every budget has its sizes around its own optimum the parabola's vertices are
right to a per cent; off the centre they are moved: by one factor at all budgets if the window moves along, which
leaves the exponent alone, and by another factor at each if all budgets share their sizes, which moves it by up to
0.010 here. Its intervals hold noise and its own misfit, not that bias: the best sizes themselves were held in 44 to
93 %, and in 85 to 87 % where the sizes were centred. `compare_approaches` measures the bias on your own sizes.
"""

if __name__ == "__main__":
    main()
