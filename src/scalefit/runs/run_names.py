"""What a run is called by where its log lies, and what a pattern reads from there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from scalefit.errors import DataError

#: Endings of logs, which are no part of a name.
ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".txt", ".log", ".wandb")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_PIECE = re.compile(r"\{(?P<field>[^{}]*)\}|(?P<folders>\*\*/)|(?P<any>\*)|(?P<one>\?)|(?P<text>[^{}*?]+)")

Parts = tuple[str, ...]


def run_names(paths: Sequence[Parts]) -> list[str]:
    """Name runs by their paths, without what all of these share.

    Parameters
    ----------
    paths : the parts of each path below a common folder, at least one for each; no two the same.

    Returns
    -------
    list of str
        As many names, no two the same.

    Examples
    --------
    >>> run_names([("small", "metrics.jsonl"), ("large", "metrics.jsonl")])
    ['small', 'large']
    >>> run_names([("a", "1.csv"), ("a", "2.csv"), ("b", "1.csv")])
    ['a/1', 'a/2', 'b/1']
    """
    whole = ["/".join((*parts[:-1], _stem(parts[-1]))) for parts in paths]
    if len(set(whole)) < len(whole):  # a.csv beside a.jsonl
        twice = {name for name, times in Counter(whole).items() if times > 1}
        whole = ["/".join(parts) if name in twice else name for name, parts in zip(whole, paths, strict=True)]
    names = [name.split("/") for name in whole]
    if len(names) > 1:
        for at in (0, -1):
            while min(map(len, names)) > 1 and len({name[at] for name in names}) == 1:
                for name in names:
                    name.pop(at)
    return ["/".join(name) for name in names]


def _stem(name: str) -> str:
    bare = name.removesuffix(".gz")
    ending = next((end for end in ENDINGS if bare.lower().endswith(end) and len(bare) > len(end)), "")
    return bare[: len(bare) - len(ending)]


class Pattern:
    """A path with names in braces, such as ``{family}/{params}/{run}.csv``.

    Parameters
    ----------
    text : each name in braces stands for some text without a slash; ``*`` and ``?`` for any text and any one character
        without a slash, ``**/`` for any folders.

    Raises
    ------
    DataError
        If there is no name in it, one twice, or a brace that is not closed.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.fields: list[str] = []
        expression, end = "", 0
        for piece in _PIECE.finditer(text):
            if piece.start() != end:
                break
            end = piece.end()
            expression += self._expression(piece)
        if end != len(text) or not self.fields or len(set(self.fields)) < len(self.fields) or "" in self.fields:
            raise DataError(
                f"pattern={text!r} must name what parts of a path are, each once and in braces, "
                f"such as pattern='{{family}}/{{params}}/{{run}}.csv'."
            )
        self._whole = re.compile(expression, re.DOTALL)
        self._tail = re.compile(f"(?:.*/)?{expression}", re.DOTALL)

    def _expression(self, piece: re.Match[str]) -> str:
        if piece["field"] is not None:
            self.fields.append(piece["field"])
            return "([^/]+)"
        if piece["text"] is not None:
            return re.escape(piece["text"])
        return "(?:[^/]+/)*" if piece["folders"] else "[^/]*" if piece["any"] else "[^/]"

    def values(self, path: str, *, tail: bool) -> dict[str, str] | None:
        """What the names stand for in a path; None where it does not fit.

        Parameters
        ----------
        path : with slashes.
        tail : whether the pattern may fit the end of the path only, from some slash on.
        """
        found = (self._tail if tail else self._whole).fullmatch(path)
        return dict(zip(self.fields, found.groups(), strict=True)) if found else None


def values_of(name: str, texts: Sequence[str]) -> list[Any]:
    """What a pattern read, as numbers where all of them are numbers; names of runs stay text.

    Examples
    --------
    >>> values_of("params", ["1e6", "2e6"]), values_of("params", ["1M", "20"]), values_of("run", ["007"])
    ([1000000.0, 2000000.0], ['1M', '20'], ['007'])
    """
    if name == "run" or not all(map(_NUMBER.fullmatch, texts)):
        return list(texts)
    return [int(text) for text in texts] if all(map(_WHOLE.fullmatch, texts)) else [float(text) for text in texts]


def distinct_runs(runs: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, set[Any]]:
    """For each log, by the name of its path, the names of its own runs that another log has too."""
    times = Counter(value for values in runs.values() for value in set(values))
    return {name: {value for value in set(values) if times[value] > 1} for name, values in runs.items()}


def posix(parts: Parts) -> str:
    """The path with slashes."""
    return str(PurePosixPath(*parts)) if parts else "."
