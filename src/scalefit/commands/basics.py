"""Commands about laws and tables of runs: demo, laws, check."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalefit.commands.application import command
from scalefit.commands.options import Column, Seed, Table, complete_laws
from scalefit.commands.output import Shown, save_picture
from scalefit.commands.progress import working
from scalefit.commands.reading import STDIN, STDIN_NAME, read_names, readable
from scalefit.errors import DataError

if TYPE_CHECKING:
    from scalefit.checks import RunsCheck

#: Misleading only for laws of final losses: whoever means the curves has an ordinary log.
CURVES = "checkpoints"


@command(["scalefit demo", "scalefit demo --out demo.pdf"], json=False)
def demo(
    out: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("scalefit-demo.png"),
    seed: Seed = 0,
) -> Shown:
    """Fit, check and draw the real runs that come with the package."""
    from scalefit.reports.demo import describe_demo, draw_demo, run_demo

    with working("fitting the demonstration"):
        told = run_demo(seed=seed)
    save_picture(draw_demo(told), out)
    return Shown("", f"{describe_demo(told)}\n\nThe picture is in {out}.")


@command(["scalefit laws", "scalefit laws chinchilla", "scalefit laws --json"])
def laws(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="A law, to see all that is known about it.", autocompletion=complete_laws
        ),
    ] = None,
) -> Shown:
    """List the laws, or describe one."""
    from scalefit.laws import get_law, list_laws
    from scalefit.reports.laws import describe_law, describe_laws

    listed = list_laws()
    listed.index.name = "law"
    if name is not None:
        law = get_law(name)
        text, listed = describe_law(law), listed.loc[[law.name]]
    else:
        text = describe_laws()
    return Shown(text.partition("\n")[0], text, frames={"laws": listed})


@command(
    [
        "scalefit check runs.csv",
        "scalefit check logs/ --column run=experiment --report check.html",
        "scalefit check 'logs/*/metrics.jsonl' --pattern '{family}/metrics.jsonl' --no-laws",
        "zcat runs.csv.gz | scalefit check - --json",
    ]
)
def check(
    file: Table,
    column: Column = None,
    pattern: Annotated[
        str | None, typer.Option(help="What the parts of paths are, such as '{family}/{run}.csv'.")
    ] = None,
    laws: Annotated[bool, typer.Option(help="Fit the laws, to say which the runs can identify: seconds each.")] = True,
    report: Annotated[Path | None, typer.Option(help="Write the check with pictures into this HTML file.")] = None,
) -> Shown:
    """Say what a table of runs holds, what is wrong with it and how to repair it.

    Ends with code 0 where the table can be fitted as it is, remarks or not; with code 3 where something would mislead
    the fit; and with code 2 where a fit would refuse it or it cannot be read. A log of training curves is not
    misleading by itself.
    """
    from scalefit.checks import check_runs

    with readable(file) as path, working("checking"):
        checked = check_runs(path, columns=read_names(column, "--column"), laws=laws, pattern=pattern, progress=False)
    if file == STDIN:
        checked = replace(checked, name=STDIN_NAME)
    text = checked.text(commands=True)
    if report is not None:
        checked.to_html(report, commands=True)
        text += f"\n\nThe report is in {report}."
    return of_check(checked, text)


def refusal(checked: RunsCheck) -> str:
    """Why a fit would refuse the table; nothing where it would not."""
    try:
        checked.raise_problems()
    except DataError as error:
        return str(error)
    return ""


def of_check(checked: RunsCheck, text: str) -> Shown:
    """A check as an answer: its findings, columns and families are tables."""
    import pandas as pd

    told = json.loads(checked.to_json())
    findings = [one for one in checked.findings if one.severity != "remark"]
    misleading = [one for one in findings if one.kind != CURVES]
    return Shown(
        checked.status,
        text,
        "bad" if misleading else "doubtful" if findings else "good",
        doubts=tuple(f"{one.text} {one.command}".strip() for one in findings),
        notes=checked.notes,
        frames={name: pd.DataFrame(told.pop(name)).astype(object) for name in ("findings", "columns", "families")},
        more={name: told[name] for name in ("name", "rows", "runs", "run_column", "can_be_fitted", "unknown", "laws")},
        refused=refusal(checked),
    )
