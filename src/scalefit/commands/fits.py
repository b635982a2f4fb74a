"""Commands about one fit: fit, predict, report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalefit.commands.application import command
from scalefit.commands.families import fit_table, only_family
from scalefit.commands.options import Fixed, LawName, Level, OneFamily, Points, SavedFit, Seed, Single, Table
from scalefit.commands.output import Shown
from scalefit.commands.progress import watched, working
from scalefit.commands.reading import STDOUT, read_fit, read_table

if TYPE_CHECKING:
    from scalefit.result import Fit

Bootstrap = Annotated[int, typer.Option(help="How many resamples to refit; 0 for none.", min=0)]


def fitted(
    file: str, command: str, law: str, data: Fixed, family: OneFamily, along: str | None, bootstrap: int, seed: int
) -> Fit:
    """The fit that the options ask for."""
    with working("fitting"):
        runs = only_family(read_table(file, command), family, command)
        fit = fit_table(runs, law, along, data)
    return fit.bootstrap(bootstrap, rng=seed, progress=watched()) if bootstrap else fit


@command(
    [
        "scalefit fit runs.csv --law chinchilla",
        "scalefit fit runs.csv --law chinchilla --bootstrap 1000 --out fit.json --plot fit.png",
        "scalefit fit runs.csv --law power_offset --along flops --fix E=1.7",
        "cat runs.jsonl | scalefit fit - --law chinchilla --out - | scalefit allocate - --flops 1e21",
    ],
    plot=True,
)
def fit(
    file: Table,
    *,
    law: LawName,
    along: Single = None,
    family: OneFamily,
    data: Fixed,
    bootstrap: Bootstrap = 0,
    seed: Seed = 0,
    out: Annotated[
        str | None, typer.Option(help="Write the fit as JSON, for `scalefit predict`; - for stdout, in place of text.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a report with pictures into this HTML file.")] = None,
) -> Shown:
    """Fit a law to a table of runs."""
    told = fitted(file, "fit", law, data, family, along, bootstrap, seed)
    if report is not None:
        told.report(report, rng=seed, progress=watched())
    if out == STDOUT:
        return replace(of_fit(told, text=told.to_json()), document=True)
    if out is not None:
        told.to_json(out)
    return of_fit(told, text=str(told))


@command(
    [
        "scalefit predict fit.json --at params=7e10 --at tokens=1e12,2e12",
        "scalefit predict fit.json --points planned.csv --level 0.5 --json",
    ]
)
def predict(
    file: SavedFit,
    points: Points,
    level: Level = 0.9,
    one_run: Annotated[
        bool, typer.Option("--one-run", help="Intervals for one new run, not for the mean of many.")
    ] = False,
) -> Shown:
    """Predict with a fit that was saved."""
    from scalefit.reports.predictions import describe_predictions

    frame = points.read("predict")
    saved = read_fit(file)
    predicted = saved.predict(frame, level=level, interval="run" if one_run else "mean")
    count = f"{len(frame)} point{'s' if len(frame) != 1 else ''}"
    far = predicted["beyond"].max()
    return Shown(
        f"{saved.target} at {count} by {saved.law.name}, {100 * level:g} % intervals",
        describe_predictions(predicted, level),
        "bad" if not saved.converged else "doubtful" if far > 1 else "good",
        doubts=(
            *(() if saved.converged else (f"{saved.law.name} is {saved.verdict}",)),
            *((f"up to {far:.3g} times past the fitted range",) if far > 1 else ()),
        ),
        frames={"predictions": predicted},
    )


@command(["scalefit report runs.csv --law chinchilla --out report.html"], json=False)
def report(
    file: Table,
    *,
    law: LawName,
    along: Single = None,
    family: OneFamily,
    data: Fixed,
    bootstrap: Bootstrap = 1000,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("report.html"),
) -> Shown:
    """Fit a law and write all about it into one HTML page that needs nothing from outside."""
    told = fitted(file, "report", law, data, family, along, bootstrap, seed)
    told.report(out, rng=seed, progress=watched())
    shown = of_fit(told, text="")
    return Shown(shown.headline, f"{shown.headline}\nThe report is in {out}.", shown.state)


def of_fit(fit: Fit, *, text: str) -> Shown:
    """A fit as an answer: its parameters are a table."""
    from scalefit.reports.content import content_of
    from scalefit.reports.text import formula_of

    told = content_of(fit, formula_of(fit, latex=False))
    parameters = fit.summary()
    parameters.index.name = "parameter"
    return Shown(
        told.head,
        text,
        told.state,
        doubts=told.cautions,
        notes=told.facts,
        frames={"parameters": parameters},
        more={"law": fit.law.name, "equation": told.equation, "target": fit.target, "rows": fit.n_rows},
        draw=fit.plot,
    )
