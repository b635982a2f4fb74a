"""Commands about one fit: fit, predict, report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalefit.commands.application import command
from scalefit.commands.families import FAMILY, families_of, family_column, fit_table, only_family
from scalefit.commands.options import Fixed, LawName, Level, OneFamily, Points, SavedFit, Seed, Single, Table
from scalefit.commands.output import Shown, State
from scalefit.commands.progress import watched, working
from scalefit.commands.reading import STDOUT, read_fit, read_table
from scalefit.commands.words import one_line

if TYPE_CHECKING:
    import pandas as pd

    from scalefit.reports.page.report import Page
    from scalefit.result import Fit

#: Beginnings of what a fit says of itself that speaks neither for it nor against it.
NOTES = ("note: ", "intervals: ", "intervals are of this law only")

Bootstrap = Annotated[int, typer.Option(help="How many resamples to refit; 0 for none.", min=0)]


def fitted(
    file: str, command: str, law: str, data: Fixed, family: OneFamily, along: str | None, bootstrap: int, seed: int
) -> tuple[Fit, pd.DataFrame]:
    """The fit that the options ask for, and the whole table."""
    runs = read_table(file, command)
    if family.by != FAMILY:
        families_of(runs, family.by, command, [])
    with working("fitting"):
        fit = fit_table(only_family(runs, family, data, command), law, along, data)
    return (fit.bootstrap(bootstrap, rng=seed, progress=watched()) if bootstrap else fit), runs


def page_of(fit: Fit, runs: pd.DataFrame, family: OneFamily, data: Fixed, seed: int) -> Page:
    """The report of a fit, with the families of its table compared."""
    from scalefit.reports.page.report import make_page

    by = family_column(family.by, data)
    several = by in runs.columns and runs[by].nunique() > 1
    return make_page(
        fit, runs=runs if several else None, by=by if several else None, rng=seed, progress=watched(), commands=True
    )


@command(
    [
        "scalefit fit runs.csv --law chinchilla",
        "scalefit fit runs.csv --law chinchilla --bootstrap 1000 --out fit.json --plot fit.png",
        "scalefit fit runs.csv --law chinchilla --by model --family A",
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
    told, runs = fitted(file, "fit", law, data, family, along, bootstrap, seed)
    if report is not None:
        page_of(told, runs, family, data, seed).write(report)
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


@command(
    [
        "scalefit report runs.csv --law chinchilla --out report.html",
        "scalefit report runs.csv --law chinchilla --by model",
    ],
    json=False,
)
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
    told, runs = fitted(file, "report", law, data, family, along, bootstrap, seed)
    page = page_of(told, runs, family, data, seed)
    page.write(out)
    shown = of_fit(told, text="")
    headline = f"{shown.headline}; {page.pooled}" if page.pooled else shown.headline
    text = "\n".join([headline, *(f"  - {one_line(said)}" for said in page.sentences), f"The report is in {out}."])
    return Shown(headline, text, shown.state)


def of_fit(fit: Fit, *, text: str) -> Shown:
    """A fit as an answer: its parameters are a table."""
    from scalefit.reports.content import content_of, reservations
    from scalefit.reports.text import formula_of

    told = content_of(fit, formula_of(fit, latex=False))
    parameters = fit.summary()
    parameters.index.name = "parameter"
    against = reservations(fit)
    notes = [said for said in told.cautions if said.startswith(NOTES) and said.removeprefix("note: ") not in against]
    others = (said for said in told.cautions if not said.startswith(NOTES))
    doubts = (*fit.judgement.reasons, *against, *others)
    state: State = "doubtful" if told.state == "good" and doubts else told.state
    return Shown(
        told.head,
        text,
        state,
        doubts=doubts,
        notes=(*told.facts, *(said.removeprefix("note: ") for said in notes)),
        frames={"parameters": parameters},
        more={"law": fit.law.name, "equation": told.equation, "target": fit.target, "rows": fit.n_rows},
        draw=fit.plot,
    )
