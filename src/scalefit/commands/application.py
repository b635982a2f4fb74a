"""The application that commands belong to: how a command answers, warns, fails and ends."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from inspect import Signature
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from scalefit.commands.output import Shown, answer_json, error_json, save_picture
from scalefit.commands.parameters import by_name, flat, gathered
from scalefit.commands.words import one_line
from scalefit.errors import FitError, ScalefitError, ScalefitWarning

#: How a command ends; a fault of the program itself ends it with 1, as Python does.
NO_ANSWER, UNRELIABLE, INTERRUPTED, READER_GONE = 2, 3, 130, 141

EPILOG = """\b
Examples:
  scalefit demo
  scalefit check runs.csv
  scalefit fit runs.csv --law chinchilla --bootstrap 1000 --out fit.json
  scalefit predict fit.json --at params=7e10 --at tokens=1.4e12

\b
A file called - is standard input. With --json an answer is one JSON object.
A command ends with
  0    an answer
  2    no answer: options or data are wrong; one line on stderr says what to type
  3    an answer whose first line says not to rely on it
  130  interrupted
  141  whoever read the answer went away
"""

app = typer.Typer(
    help="Fit scaling laws to training runs, say how sure the fit is, and decide with it.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 100},
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Plot = Annotated[Path | None, typer.Option("--plot", help="Draw the answer into this file.")]

Answering = TypeVar("Answering", bound=Callable[..., Shown])


def command(examples: Sequence[str], *, plot: bool = False, json: bool = True) -> Callable[[Answering], Answering]:
    """Make a command of a function that returns what is shown.

    Parameters
    ----------
    examples : what to type, shown below the help.
    plot, json : whether the command has ``--plot`` and ``--json``.
    """

    def register(function: Answering) -> Answering:
        name = function.__name__.replace("_", "-")
        more: dict[str, Any] = ({"plot": Plot} if plot else {}) | ({"as_json": AsJson} if json else {})
        added = [by_name(key, None if key == "plot" else False, kind) for key, kind in more.items()]

        def call(**given: Any) -> None:
            picture, as_json = given.pop("plot", None), bool(given.pop("as_json", False))
            answer(name, lambda: function(**gathered(function, given)), picture, as_json=as_json)

        parameters = [*flat(function), *added]
        call.__doc__ = function.__doc__
        call.__annotations__ = {one.name: one.annotation for one in parameters}
        setattr(call, "__signature__", Signature(parameters))  # noqa: B010 - where inspect looks for it
        shown = "\n".join(f"  {example}" for example in examples)
        app.command(name, epilog=f"\b\nExamples:\n{shown}")(call)
        return function

    return register


def answer(name: str, ask: Callable[[], Shown], picture: Path | None, *, as_json: bool) -> None:
    """Print an answer, and end the command with the code that says how it went.

    Warnings and expected errors are one line each on stderr; with ``--json`` an error is an object on stdout too.
    """
    failure, shown = "", None
    with warnings.catch_warnings(record=True) as seen:
        warnings.filterwarnings("always", category=ScalefitWarning)
        try:
            shown = ask()
            if shown.document and as_json:
                raise FitError("--out - takes the place of --json: leave out one of them.")
            if picture is not None:
                save_picture(shown.drawn(), picture)
        except (ScalefitError, OSError) as error:
            failure = one_line(str(error))
    if shown is None or failure:  # alone: what it warned of on the way is mostly the same fault
        typer.echo(f"scalefit: {failure}", err=True)
        if as_json:
            say(error_json(name, failure))
        raise typer.Exit(NO_ANSWER)
    warned = list(dict.fromkeys(one_line(str(warning.message)) for warning in seen))
    for text in warned:
        typer.echo(f"scalefit: warning: {text}", err=True)
    if shown.refused:
        typer.echo(f"scalefit: {one_line(shown.refused)}", err=True)
    say(answer_json(name, shown, warned) if as_json else shown.text)
    if shown.ends_with(NO_ANSWER, UNRELIABLE):
        raise typer.Exit(shown.ends_with(NO_ANSWER, UNRELIABLE))


def say(text: str) -> None:
    """Print to stdout; where its reader is gone, end without a word."""
    try:
        typer.echo(text, nl=not text.endswith("\n"))
    except BrokenPipeError:
        # Python flushes stdout once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(READER_GONE) from None


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Print the version where it is asked for."""
    if version:
        from scalefit import __version__

        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    app(prog_name="scalefit")
