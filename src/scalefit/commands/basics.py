"""Commands about laws and tables of runs: demo, laws, check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalefit.commands.application import app, one_line, reported
from scalefit.commands.options import AsJson, Seed, read_names
from scalefit.commands.output import save_picture
from scalefit.errors import ScalefitError


@app.command()
@reported()
def demo(
    out: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("scalefit-demo.png"),
    seed: Seed = 0,
) -> None:
    """Fit, check and draw the real runs that come with the package."""
    from scalefit.reports.demo import describe_demo, draw_demo, run_demo

    shown = run_demo(seed=seed)
    typer.echo(describe_demo(shown))
    save_picture(draw_demo(shown), out)
    typer.echo(f"\nThe picture is in {out}.")


@app.command()
@reported()
def laws(
    name: Annotated[str | None, typer.Argument(help="A law, to see all that is known about it.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the laws, or describe one."""
    from scalefit.laws import get_law, list_laws
    from scalefit.reports.laws import describe_law, describe_laws

    if name is not None:
        law = get_law(name)
        typer.echo(list_laws().loc[law.name].to_json() if as_json else describe_law(law))
    else:
        typer.echo(list_laws().to_json(orient="index") if as_json else describe_laws())


@app.command()
@reported()
def check(
    file: Annotated[str, typer.Argument(help="A file, folder or glob of runs or logs, of any format that is known.")],
    column: Annotated[
        list[str] | None, typer.Option(help="Where a quantity stands, such as run=name; may be repeated.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="What the parts of paths are, such as '{family}/{run}.csv'.")
    ] = None,
    laws: Annotated[bool, typer.Option(help="Fit the laws, to say which the runs can identify: seconds each.")] = True,
    report: Annotated[Path | None, typer.Option(help="Write the check with pictures into this HTML file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a table of runs holds, what is wrong with it and how to repair it.

    Ends with code 0 where the table can be fitted as it is, remarks or not; with code 1 where something would mislead
    the fit; and with code 2 where a fit would refuse it or it cannot be read. Where it cannot be read, --json prints
    the error as JSON.
    """
    from scalefit.checks import check_runs
    from scalefit.checks.check import error_to_json

    try:
        checked = check_runs(file, columns=read_names(column, "--column"), laws=laws, pattern=pattern)
    except (ScalefitError, OSError) as error:
        if as_json:
            typer.echo(error_to_json(one_line(str(error))))
        raise
    typer.echo(checked.to_json() if as_json else checked.text(commands=True))
    if report is not None:
        checked.to_html(report, commands=True)
        if not as_json:
            typer.echo(f"\nThe report is in {report}.")
    checked.raise_problems()
    if checked.of("misleading"):
        raise typer.Exit(1)
