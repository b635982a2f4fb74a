"""How often the probabilities of stop_or_go come true, beside rules that extrapolate the last losses.

    python docs/studies/stopping.py --out docs/studies/stopping.md

A live run is seen up to a quarter, a half and three quarters of its steps, and asked whether it ends below some
losses. ``microlm``: each of seven schedules at two sizes is the live run, and the losses to beat are the final ones of
the other six. With a law (``lr_annealing``, whose decay is the rule of ``forecast_curves``: a fortieth of the longest
run) fitted to two of the others, each next to the other in the list. ``simulation``: truths of ``lr_annealing`` and
``mpl``, the law of annealing fitted to a constant and a cosine run, so that half of it has the wrong law; the losses to
beat are the cosine run's, and 1 and 2 % to either side. Only bundled data; about a minute.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import platform
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from curves import ROW, RUN, drawn_law, schedules_microlm
from scipy.special import ndtr

import scalefit as sf
from scalefit.decisions.schedules.stopping import stop_or_go

SEEN = (0.25, 0.5, 0.75)
#: Of the rows seen, the last share that the line of the naive rule goes through.
LAST = 0.2
CONFIDENT = 0.9
BINS = (0.0, 0.1, 0.3, 0.7, 0.9, 1.0)
#: Of simulated runs.
PEAK, WARMUP, STEPS = 3e-4, 500, 24_000
OFFSETS = (-0.02, -0.01, 0.0, 0.01, 0.02)

Rows = list[dict[str, object]]


def naive(log: pd.DataFrame, end: int, below: float) -> dict[str, float]:
    """Probabilities of simple rules: a line through the last losses, log against log; the last losses as they are."""
    few = log.sort_values("step").tail(max(int(LAST * len(log)), 5))
    x, y = np.log(few["step"].to_numpy(float)), np.log(few["loss"].to_numpy(float))
    slope, level = np.polyfit(x - x.mean(), y, 1)
    there = np.log(end) - x.mean()
    spread = np.std(y - level - slope * (x - x.mean()), ddof=2)
    wide = spread * np.sqrt(1 + 1 / len(x) + there**2 / np.sum((x - x.mean()) ** 2))
    away = np.log(below) - level - slope * there
    return {
        "line": float(ndtr(away / wide)),
        "line, yes or no": float(away > 0),
        "last loss, yes or no": float(y[-5:].mean() < np.log(below)),
    }


def asked(part: str, log: pd.DataFrame, plan: sf.Schedule, bars: list[float], fit: sf.Fit) -> Rows:
    """Each bar at each share of one live run: what was said, and what came."""
    end, out = int(log.step.max()), []
    final = float(log.sort_values("step").loss.iloc[-1])
    for share in SEEN:
        seen = log[log.step <= share * end]
        live = sf.forecast_rest(seen[["step", "loss"]], plan, fit=fit, points=1)
        for bar in bars:
            told = stop_or_go(live, bar, confident=CONFIDENT)
            told_any = {"part": part, "seen": share, "trusted": not told.doubts, "stop_or_go": told.probability}
            told_any["decision"] = told.decision
            out.append({**told_any, **naive(seen, end, bar), "came": final < bar})
    return out


def microlm() -> Iterator[Rows]:
    """The questions on the two sizes of microlm."""
    logs = sf.datasets.load("microlm", part="schedules")
    for _, size in logs[logs.step > 200].groupby("width"):
        size = size.assign(run=size.schedule)
        plans = schedules_microlm(float(size.lr.max()))
        finals = size.sort_values("step").groupby("run").loss.last()
        for pair in itertools.pairwise([*plans, next(iter(plans))]):
            fit = _fit(size[size.run.isin(pair)], plans, 2000)
            for name in plans:
                if name not in pair:
                    bars = finals.drop(name).tolist()
                    yield asked("microlm", size[size.run == name], plans[name], bars, fit)


def _fit(rows: pd.DataFrame, plans: dict[str, sf.Schedule], steps: int) -> sf.Fit:
    law = sf.get_law("lr_annealing").with_settings(decay=1 - 40 / steps)
    return sf.fit(rows, law, schedules={name: plans[name] for name in rows.run.unique()})


def simulation(count: int) -> Iterator[Rows]:
    """The questions on simulated runs."""
    common = {"steps": STEPS, "peak": PEAK, "warmup": WARMUP}
    plans = {
        "constant": sf.Schedule.constant(**common),
        "cosine": sf.Schedule.cosine(**common, end=PEAK / 10),
        "linear": sf.Schedule.linear(**common),
        "wsd": sf.Schedule.wsd(**common, decay_start=20_000),
        "step": sf.Schedule.multistep(**common, milestones=[12_000], values=[0.3 * PEAK]),
    }
    for seed in range(count):
        rng = np.random.default_rng([20263, seed])
        name = ("mpl", "lr_annealing")[seed % 2]
        law, values = drawn_law(name, rng)
        table = pd.concat([_simulated(law, values, run, plan, rng) for run, plan in plans.items()])
        fit = _fit(table[table.run.isin(["constant", "cosine"])], plans, STEPS)
        final = float(table[table.run == "cosine"].loss.iloc[-1])
        bars = [final * (1 + offset) for offset in OFFSETS]
        for run in ("linear", "wsd", "step"):
            part = f"simulation, truth {name}"
            yield asked(part, table[table.run == run], plans[run], bars, fit)


def _simulated(law: sf.Law, values: list[float], run: str, plan: sf.Schedule, rng: np.random.Generator) -> pd.DataFrame:
    steps = np.linspace(WARMUP + 80, plan.steps, 80).round().astype(int)
    columns = law.derive.function(plan.rates, steps, **law.derive.settings)
    loss = law.value(np.array([values]), tuple(columns[name] for name in law.inputs))[0]
    noise = ROW * rng.standard_normal(len(steps)) + RUN * rng.standard_normal()
    return pd.DataFrame({"run": run, "step": steps, "loss": loss * np.exp(noise)})


def scores(table: pd.DataFrame) -> str:
    """Brier scores by part and share seen, and how often a decision was right."""
    rules = ["stop_or_go", "line", "line, yes or no", "last loss, yes or no"]
    rows = []
    for (part, share), some in table.groupby(["part", "seen"], sort=False):
        came = some.came.to_numpy(float)
        known = some.stop_or_go.fillna(0.5)
        clear = (known >= CONFIDENT) | (known <= 1 - CONFIDENT)
        decided = some.decision.isin(["go on", "stop"])
        right = ((some.decision == "go on") == some.came)[decided]
        doubted = (~some.trusted & clear).to_numpy()
        held = ((known > 0.5) == some.came)[doubted]
        rows.append({
            "questions": part,
            "seen": f"{100 * share:g} %",
            "number": len(some),
            "it came": f"{came.mean():.0%}".replace("%", " %"),
            **{rule: f"{np.mean((some[rule].fillna(0.5) - came) ** 2):.3f}" for rule in rules},
            "decided": f"{100 * decided.mean():.0f} %",
            "of these right": f"{100 * right.mean():.1f} %" if len(right) else "",
            "with doubts": f"{100 * (1 - some.trusted.mean()):.0f} %",
            "of these clear": f"{100 * doubted.sum() / max((~some.trusted).sum(), 1):.0f} %",
            "and right": f"{100 * held.mean():.1f} %" if len(held) else "",
        })  # fmt: skip
    return _markdown(pd.DataFrame(rows))


def calibration(table: pd.DataFrame, rule: str) -> str:
    """How often it came, by what was said."""
    table = table.assign(kind=table.part.str.partition(",")[0])
    rows = []
    for (kind, share), some in table.groupby(["kind", "seen"], sort=False):
        bins = pd.cut(some[rule], BINS, include_lowest=True, labels=False)
        cells = {}
        for k in range(len(BINS) - 1):
            own = some[bins == k]
            name = f"said {100 * BINS[k]:.0f} to {100 * BINS[k + 1]:.0f} %"
            cells[name] = f"{100 * own.came.mean():.0f} % of {len(own)}" if len(own) else "-"
        rows.append({"questions": kind, "seen": f"{100 * share:g} %", **cells})
    return _markdown(pd.DataFrame(rows))


def _markdown(frame: pd.DataFrame) -> str:
    rows = [list(frame.columns), ["---"] * len(frame.columns), *frame.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows) + "\n"


def page(table: pd.DataFrame, command: str) -> str:
    """The study as a page."""
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}"
    return f"""# How often the probabilities of a live run come true

{dt.datetime.now(dt.UTC).date()}, scalefit {sf.__version__}, {versions}. Made by `{command}`.

A live run is seen up to a quarter, a half and three quarters of its steps, and `sf.stop_or_go` says how likely it ends
below a loss. On microlm each of seven schedules at two sizes is the live run, and it is to beat the final losses of the
other six; the law (`lr_annealing`, its decay not tuned) is fitted to two of the others, in seven choices of the two. In
simulation the truth is `lr_annealing` or `mpl`, and the law fitted is always `lr_annealing`. Every forecast counts,
also those with doubts, for which `.decision` asks of a forecast twice as wide.

Beside it: a line through the last fifth of the losses, log against log, extrapolated to the end, with the error of such
a line as a probability, or as yes or no; and the last losses as they are. The score is Brier's, the mean square of what
was said less what came: 0 is perfect, 0.25 is what "50 %" earns every time.

{scores(table)}
"Decided" are those for which `.decision` is "go on" or "stop": above {100 * CONFIDENT:g} % or below
{100 * (1 - CONFIDENT):.0f} %, with doubts in a forecast twice as wide too. "Clear" are those with doubts that are so
without being widened.

## What was said and what came

How often a run ended below, of the questions that were answered in each range, by `stop_or_go`:

{calibration(table, "stop_or_go")}
and by the line with its error:

{calibration(table, "line")}
On microlm what was said came about as often as it was said; in simulation it was too careful: laws erred by less than
the fifth of the remaining fall that is allowed for. Doubts there are that a rate falls below all fitted ones: odds
with them came true nearly as often as others, and asking for twice the width costs decisions more than it gains here.
It stays, since other doubts are not tried.

Questions of one live run share its luck, and the runs of microlm are fourteen: its rows say less than their number.
The spread of such laws in how far a loss falls (20 %) was first set on schedules of microlm, so on them this is no
independent test; the simulations had no part in it.
"""


def main() -> None:
    """Ask, and write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--truths", type=int, default=40)
    given = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.ScalefitWarning)
        parts = itertools.chain(microlm(), simulation(given.truths))
        table = pd.DataFrame(list(itertools.chain.from_iterable(parts)))
    text = page(table, "python docs/studies/stopping.py --out docs/studies/stopping.md")
    if given.out is None:
        sys.stdout.write(text)
    else:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
