"""What the design of the runs cannot tell, whatever the losses: one size, one ray, a range under a decade."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from scalefit.checks.finding import Finding, a_few, found
from scalefit.checks.table import Floats, RunsTable
from scalefit.wording.digits import number

#: Sizes closer than this share are one.
ONE = 0.03
#: With fewer sizes a curve cannot be told from a line.
FEW_SIZES = 4
#: With fewer runs a law of five parameters has nothing to spare.
FEW_RUNS = 7
#: Tokens per parameter that all lie within this factor are one ray.
RAY = 1.3
#: A range below it tells little of an exponent.
DECADE = 10.0


def check_designs(table: RunsTable) -> Iterator[Finding]:
    """Findings about the sizes and budgets of the runs of each family, at most one for each fault."""
    if not table.has("params") and not table.has("tokens"):
        return
    if not table.has_checkpoints or len(table.names) > 1:
        yield from _few_runs(table)
    if table.has_checkpoints and len(table.names) < FEW_RUNS:
        return  # a few curves, each with many rows, are no design of final losses
    for name in ("params", "tokens"):
        if table.has(name):
            yield from _one_value(table, name)
    if table.has("params"):
        yield from _few_sizes(table)
    if table.has("params", "tokens"):
        yield from _one_ray(table)
    yield from _narrow(table)


def distinct(values: Floats) -> int:
    """How many values there are, near ones counted as one.

    Examples
    --------
    >>> distinct(np.array([1e6, 1.01e6, 2e6, np.nan]))
    2
    """
    logs = np.sort(np.log(values[np.isfinite(values) & (values > 0)]))
    count = place = 0
    while place < len(logs):  # each group is measured from its smallest: neighbours must not chain up
        place = int(np.searchsorted(logs, logs[place] + np.log1p(ONE), side="right"))
        count += 1
    return count


def span(values: Floats) -> float:
    """The largest over the smallest; 1 where there are none."""
    there = values[np.isfinite(values) & (values > 0)]
    return float(there.max() / there.min()) if len(there) else 1.0


def _each(table: RunsTable, tell: Callable[[np.ndarray], str]) -> tuple[list[str], list[int]]:
    """What is to be said of each family, with its runs; families of which nothing is are left out."""
    codes, names = table.families
    said: list[str] = []
    rows: list[int] = []
    for code, name in enumerate(names):
        runs = np.flatnonzero(codes == code)
        text = tell(runs)
        if text:
            said.append(f"{name} ({text})" if name else text)
            rows += list(table.last[runs])
    return said, rows


def _finding(
    table: RunsTable, kind: str, what: str, why: str, repair: str, each: tuple[list[str], list[int]]
) -> Iterator[Finding]:
    """One finding for all families that have a fault."""
    said, rows = each
    if not said:
        return
    alone = table.families[1] == ("",)
    text = f"{what}: {said[0]}; {why}." if alone else f"{what} in {a_few(said, width=100)}; {why}."
    yield found(
        kind, "remark", text, repair, rows=rows, columns=[name for name in ("params", "tokens") if table.has(name)]
    )


def _few_runs(table: RunsTable) -> Iterator[Finding]:
    def tell(runs: np.ndarray) -> str:
        return str(len(runs)) if len(runs) < FEW_RUNS else ""

    yield from _finding(
        table, "few_runs", "Few runs", "a law of five parameters has none to spare",
        "Add runs, or fix, tie or give a prior to parameters.", _each(table, tell),
    )  # fmt: skip


def _one_value(table: RunsTable, name: str) -> Iterator[Finding]:
    values = table.of_last(name)

    def tell(runs: np.ndarray) -> str:
        return f"{number(float(np.nanmax(values[runs])), digits=3)} in all" if distinct(values[runs]) == 1 else ""

    what = {"params": "One size", "tokens": "One number of tokens"}[name]
    kind = f"one_{'size' if name == 'params' else 'budget'}"
    yield from _finding(
        table, kind, what, f"nothing can be said of how the loss follows {name}",
        f"Add runs with other {name}, or fit a law without them.", _each(table, tell),
    )  # fmt: skip


def _few_sizes(table: RunsTable) -> Iterator[Finding]:
    values = table.of_last("params")

    def tell(runs: np.ndarray) -> str:
        count = distinct(values[runs])
        return f"{count} sizes" if 1 < count < FEW_SIZES else ""

    yield from _finding(
        table, "few_sizes", "Few sizes", "a floor of the loss cannot be told from a small exponent",
        "Add sizes, or fix E or alpha.", _each(table, tell),
    )  # fmt: skip


def _one_ray(table: RunsTable) -> Iterator[Finding]:
    params, tokens = table.of_last("params"), table.of_last("tokens")
    with np.errstate(all="ignore"):
        ratio = tokens / params

    def tell(runs: np.ndarray) -> str:
        if distinct(params[runs]) < 2 or distinct(tokens[runs]) < 2 or span(ratio[runs]) > RAY:
            return ""
        return f"{number(float(np.nanmedian(ratio[runs])), digits=2)} tokens per parameter"

    yield from _finding(
        table, "one_ray", "One ray of tokens per parameter",
        "size and tokens grow together, so their effects cannot be told apart",
        "Add runs of two sizes with four times more and fewer tokens; meanwhile fit the loss along flops.",
        _each(table, tell),
    )  # fmt: skip


def _narrow(table: RunsTable) -> Iterator[Finding]:
    """Ranges under a decade, of what varies at all."""
    names = [name for name in ("params", "tokens") if table.has(name)]

    def tell(runs: np.ndarray) -> str:
        spans = {name: span(table.of_last(name)[runs]) for name in names}
        small = [
            f"{name} by {number(value, digits=2)}"
            for name, value in spans.items()
            if value < DECADE and distinct(table.of_last(name)[runs]) > 1
        ]
        return " and ".join(small)

    yield from _finding(
        table, "narrow_range", "Sizes or tokens that differ by a factor under ten", "exponents will be badly known",
        "Add smaller runs, which cost little.", _each(table, tell),
    )  # fmt: skip
