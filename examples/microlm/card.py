"""The tables of the data card, computed from the packed parts and written between their marks.

    python card.py

Needs scalefit, not PyTorch. A table stands between ``<!-- name -->`` and ``<!-- end -->`` in the card.
"""

import gzip
import hashlib
import re
import warnings
from importlib import resources
from pathlib import Path

import pandas as pd

import scalefit as sf

FOLDER = resources.files("scalefit.datasets").joinpath("microlm")
CARD = FOLDER.joinpath("CARD.md")
PARTS = ("ladder", "schedules", "encoder_decoder", "repetition")
LEVEL = 0.9
DRAWS = 1000
BURN_IN = 200  # updates left out of whole curves: the warm-up and what it leaves behind
FITTED_CURVES = ("constant", "cosine")


def final_rows(part):
    return sf.datasets.load("microlm", part=part).groupby("run", as_index=False).last()


def files():
    """The tables, how much is in them, and their hashes."""
    rows = []
    for part in PARTS:
        text = gzip.decompress(FOLDER.joinpath(f"{part}.csv.gz").read_bytes())
        runs = sf.datasets.load("microlm", part=part).run.nunique()
        rows.append((f"`{part}`", f"`{part}.csv.gz`", f"{runs} runs, {text.count(10) - 1:,} rows",
                     f"`{hashlib.sha256(text).hexdigest()}`"))  # fmt: skip
    return ("part", "table, one row per checkpoint", "holds", "sha256 of the uncompressed table"), rows


def sizes():
    """Every shape with its parameters and its peak rate."""
    rows = []
    for part in PARTS:
        logs = sf.datasets.load("microlm", part=part)
        shape = [name for name in logs if name.startswith(("width", "layers"))]
        for (family, params, *numbers), group in logs.groupby(["family", "params", *shape]):
            named = ", ".join(
                f"{name.replace('_', ' of the ')} {number}" for name, number in zip(shape, numbers, strict=True)
            )
            rows.append((part, family, named, f"{params:,.0f}", f"{group.lr.max():.3g}"))
    return ("part", "family", "shape", "parameters", "peak rate"), rows


def tuning():
    """Loss by peak rate, a row a size."""
    table = pd.read_csv(Path(__file__).with_name("tune.csv"))
    used = sf.datasets.load("microlm").groupby(["family", "width", "layers"]).lr.max()
    rates = sorted(table.peak_lr.unique())
    rows = []
    for (family, width, layers), size in table.groupby(["family", "width", "layers"], sort=False):
        losses = size.set_index("peak_lr").loss
        cells = [f"{losses[rate]:.3f}" if rate in losses else "" for rate in rates]
        best = rates.index(losses.idxmin())
        cells[best] = f"**{cells[best]}**"
        rows.append((f"{family}, width {width}, depth {layers}", *cells, f"{used[family, width, layers]:.3g}"))
    return ("", *(f"{rate:g}" for rate in rates), "used"), rows


def schedule_losses():
    """The last loss of each curve."""
    runs = final_rows("schedules")
    table = runs.pivot(index="schedule", columns="params", values="loss").sort_values(runs.params.max())
    steps = runs.groupby("schedule").step.max()
    rows = [
        (f"`{name}`", steps[name], *(f"{loss:.4f}" for loss in losses))
        for name, losses in zip(table.index, table.to_numpy(), strict=True)
    ]
    return ("schedule", "steps", *(f"{params:,.0f} parameters" for params in table)), rows


def repetition_losses():
    """The loss at the end of each number of passes."""
    runs = final_rows("repetition")
    table = runs.pivot(index=["params", "unique_tokens"], columns="epochs", values="loss")
    rows = [
        (f"{params:,.0f}", f"{unique:,.0f}", *(f"{loss:.3f}" for loss in losses))
        for (params, unique), losses in zip(table.index, table.to_numpy(), strict=True)
    ]
    return ("parameters", "unique tokens", *(f"{epochs:g} epochs" for epochs in table)), rows


def seed_scatter():
    """Spread of the final loss over seeds, by part, size and budget."""
    runs = pd.concat([final_rows("ladder"), final_rows("encoder_decoder")])
    rows = []
    same = ["family", "params", "params_encoder", runs.tokens.round(-5)]  # pairs differ in length from seed to seed
    for (family, params, *_), group in runs.groupby(same, sort=False, dropna=False):
        if len(group) > 1:
            spread = group.loss.std()
            rows.append((family, f"{params:,.0f}", f"{group.tokens.mean():,.0f}", len(group),
                         f"{group.loss.mean():.4f}", f"{spread:.4f}", f"{spread / group.loss.mean():.2%}"))  # fmt: skip
    return ("family", "parameters", "tokens", "seeds", "mean loss", "standard deviation", "relative"), rows


def fits_and_targets():
    """Every law on its part: what it was fitted to, its parameters, and its errors on what was held back."""
    rows = [row for tasks in (_ladder_rows, _curve_rows, _grid_rows) for row in tasks()]
    return ("law", "fitted to", "parameters, 90 % intervals", "rms", "judged on", "mean error", "worst", "inside"), rows


def _ladder_rows():
    runs = final_rows("ladder")
    for family, group in runs.groupby("family"):
        longest = group[(group.tokens == group.tokens.max()) & (group.seed == 0)]
        yield _judged(f"{family}, longest budget", longest, "power_offset", along="params")
    for family, group in runs.groupby("family"):
        yield _judged(family, group, "chinchilla")


def _curve_rows():
    logs = sf.datasets.load("microlm", part="schedules")
    logs = logs[logs.step > BURN_IN]
    for params, curves in logs.groupby("params"):
        about = f"schedules, {params:,.0f} parameters: {' and '.join(FITTED_CURVES)}"
        known = curves.schedule.isin(FITTED_CURVES)
        shared = curves.duplicated(["step", "lr", "loss"], keep=False) & ~known  # curves of one trunk, up to the branch
        yield _judged(about, curves.assign(held_back=~known), "lr_annealing", shared=shared)


def _grid_rows():
    runs = final_rows("encoder_decoder")
    sizes = runs[["params_encoder", "width_decoder"]].max()
    outer = (runs.params_encoder == sizes.params_encoder) | (runs.width_decoder == sizes.width_decoder)
    yield _judged("encoder–decoder, all but the largest sides", runs.assign(held_back=outer), "nmt_bivariate")


def _judged(about, runs, law, along=None, shared=None):
    """A row of the table; ``shared`` marks targets that equal a fitted row and are predicted but not judged."""
    fitted, targets = runs[~runs.held_back], runs[runs.held_back]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.FitWarning)  # few runs, unverified formula: both are said in the card
        fit = sf.fit(fitted.drop(columns="held_back"), law, along=along).bootstrap(DRAWS, rng=0)
        told = fit.predict(targets.drop(columns="held_back"), level=LEVEL, interval="run")
    if shared is not None:
        told = told[~shared[told.index]]
    errors = ((told.estimate - told.loss) / told.loss).abs()
    inside = ((told.low <= told.loss) & (told.loss <= told.high)).sum()
    summary = fit.summary(LEVEL)
    parameters = "; ".join(
        f"{name} {row.estimate:.4g} ({row.low:.4g} to {row.high:.4g})" for name, row in summary.iterrows()
    )
    return (f"`{law}`", f"{about} ({fit.n_rows} rows)", f"{parameters}; {fit.verdict}", f"{fit.rms:.2%}",
            f"{len(told)} rows", f"{errors.mean():.2%}", f"{errors.max():.2%}", f"{inside} of {len(told)}")  # fmt: skip


TABLES = {
    "files": files,
    "sizes": sizes,
    "tuning": tuning,
    "schedules": schedule_losses,
    "repetition": repetition_losses,
    "seed scatter": seed_scatter,
    "fits": fits_and_targets,
}


def markdown(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def filled(text, tables=None):
    """The card with its tables computed anew."""
    for name, compute in (tables or TABLES).items():
        block = f"<!-- {name} -->\n\n{markdown(*compute())}\n\n<!-- end -->"
        text, found = re.subn(rf"<!-- {name} -->.*?<!-- end -->", lambda _, block=block: block, text, flags=re.DOTALL)
        if found != 1:
            raise SystemExit(f"the card has {found} places for the table {name!r}, expected one")
    return text


if __name__ == "__main__":
    with resources.as_file(CARD) as path:
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
