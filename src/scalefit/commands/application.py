"""The application that commands belong to: what all of them do with warnings, errors and the version."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from scalefit.errors import ScalefitError, ScalefitWarning

app = typer.Typer(
    help="Fit scaling laws to training runs, say how sure the fit is, and decide with it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

#: How Python is told something, and how the command line is.
_OPTIONS = (
    (re.compile(r"\bat=\{'(\w+)': ([^{}]*)\}"), r"--at \1=\2"),
    (re.compile(r"\bfixed=\{'(\w+)': ([^{}]*)\}"), r"--fix \1=\2"),
    (re.compile(r"\bpaired=False\b"), "--independent"),
    (re.compile(r"\bpaired=True\b"), "--paired"),
    (re.compile(r"\b(ratio|along|target|budget|method|level|by)='?(…|[\w.]+)'?"), r"--\1 \2"),
)


@contextmanager
def reported() -> Iterator[None]:
    """Warnings and expected errors as one line each on stderr; an error ends the command with code 2."""
    failure = ""
    with warnings.catch_warnings(record=True) as seen:
        warnings.filterwarnings("always", category=ScalefitWarning)
        try:
            yield
        except BrokenPipeError:
            raise
        except (ScalefitError, OSError) as error:
            failure = str(error)
    if failure:  # alone: what it warned of on the way is mostly the same fault
        typer.echo(f"scalefit: {one_line(failure)}", err=True)
        raise typer.Exit(2)
    for text in dict.fromkeys(one_line(str(warning.message)) for warning in seen):
        typer.echo(f"scalefit: warning: {text}", err=True)


def one_line(text: str) -> str:
    """The text without line breaks, in the words of the command line.

    Examples
    --------
    >>> one_line("chinchilla leaves params open: give at={'params': …}, or ratio=… for tokens per parameter.")
    'chinchilla leaves params open: give --at params=…, or --ratio … for tokens per parameter.'
    """
    from scalefit.checks.finding import in_options

    text = in_options(" ".join(text.split()).removeprefix("runs: "))
    for python, option in _OPTIONS:
        text = python.sub(option, text)
    return text


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Print the version where it is asked for."""
    if version:
        from scalefit import __version__

        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    app()
