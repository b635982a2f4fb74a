"""Commands about which law to choose: suggest-laws, compare-laws."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from scalefit.commands.application import command
from scalefit.commands.families import only_family
from scalefit.commands.options import Columns, Cuts, Level, OneFamily, Ordered, Seed, Single, SomeLaws, Table
from scalefit.commands.output import Shown, State, shown
from scalefit.commands.progress import working
from scalefit.commands.reading import read_list, read_table
from scalefit.commands.words import one_line
from scalefit.errors import listing

if TYPE_CHECKING:
    import pandas as pd


@command(
    [
        "scalefit suggest-laws runs.csv",
        "scalefit suggest-laws runs.csv --law chinchilla --law kaplan_nd",
    ]
)
def suggest_laws(
    file: Table,
    *,
    law: SomeLaws = None,
    along: Single = None,
    family: OneFamily,
    data: Columns,
) -> Shown:
    """Say which laws the runs can identify, and why not the others."""
    from scalefit.decisions.suggestions import suggest_laws as suggest

    with working("fitting laws"):
        told = suggest(
            only_family(read_table(file, "suggest-laws"), family, data, "suggest-laws"), law or None,
            target=data.target, columns=data.names or None, along=along,
        )  # fmt: skip
    names = list(told.index[told["identified"]])
    headline = f"{len(names)} of {len(told)} laws can be identified{': ' if names else ''}{listing(names)}"
    state: State = "good" if names else "doubtful"
    return Shown(headline, f"{headline}\n\n{reasons(told)}".rstrip(), state, frames={"laws": told})


def reasons(told: pd.DataFrame) -> str:
    """Why the other laws cannot be identified, those with one reason together."""
    others = told[~told["identified"]]
    groups = others.groupby("why", sort=False).groups.items()
    lines = [f"{one_line(str(why)).rstrip('.')}: {listing(names)}" for why, names in groups]
    return "\n".join(textwrap.fill(line, 100, subsequent_indent="  ", break_on_hyphens=False) for line in lines)


@command(
    [
        "scalefit compare-laws runs.csv --law chinchilla --law kaplan_nd",
        "scalefit compare-laws runs.csv --family gpt --cuts 0.5,0.7 --json",
    ]
)
def compare_laws(
    file: Table,
    *,
    law: SomeLaws = None,
    along: Ordered = "flops",
    cuts: Cuts = "0.5,0.6,0.7,0.8",
    family: OneFamily,
    data: Columns,
    draws: Annotated[int, typer.Option(help="How many resamples to refit below each cut.", min=0)] = 100,
    seed: Seed = 0,
    level: Level = 0.9,
) -> Shown:
    """Say which law predicts the larger runs best from the smaller ones, and how sure that is."""
    from scalefit.decisions.law_comparison import compare_laws as compare

    with working("comparing laws"):
        told = compare(
            only_family(read_table(file, "compare-laws"), family, data, "compare-laws"), law or None,
            target=data.target, columns=data.names or None, along=along, level=level,
            cuts=read_list(cuts, "--cuts"), draws=draws, rng=seed,
        )  # fmt: skip
    return shown(told, laws=told.frame, points=told.points)
