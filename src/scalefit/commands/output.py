"""What a command shows: text, one JSON object, a picture."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scalefit.errors import FitError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: Of the JSON that commands print: raised where a key changes its meaning.
SCHEMA = 2
State = Literal["good", "doubtful", "bad"]
#: First lines that say it themselves.
_UNRELIABLE = re.compile(r"\bdo not (rely|believe)\b|\bnot to be relied on\b", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Shown:
    """What a command prints.

    Parameters
    ----------
    headline : the answer in one line.
    text : all of it.
    state : "good", "doubtful", or "bad": not to be relied on.
    doubts, notes : what speaks against it, and where it comes from.
    frames : the tables of the answer, for ``--json``.
    more : other keys of the JSON object.
    draw : what draws it, for ``--plot``.
    refused : why there is no answer after all, though there is something to read.
    document : whether the text is a file by itself, which ``--json`` cannot stand beside.
    """

    headline: str
    text: str
    state: State = "good"
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    draw: Callable[[], Axes | Figure] | None = None
    refused: str = ""
    document: bool = False

    def drawn(self) -> Figure | SubFigure:
        """The picture of the answer."""
        figure = None if self.draw is None else self.draw().figure
        if figure is None:
            raise FitError("There is no picture of this answer: leave out --plot.")
        return figure

    def ends_with(self, refused: int, unreliable: int) -> int:
        """The code that the command ends with, from those for no answer and for one not to be relied on."""
        return refused if self.refused else unreliable if self.state == "bad" else 0


def shown(told: Any, **frames: pd.DataFrame) -> Shown:
    """An answer of the library with its tables."""
    text = str(told)
    if hasattr(told, "said"):
        said = told.said()
        headline, state, doubts, notes = said.headline, said.state, said.doubts, said.notes
    else:
        headline, doubts, notes = text.partition("\n")[0], _doubts(told), getattr(told, "notes", ())
        state = _state(told, headline, doubts)
    return Shown(headline, text, state, tuple(doubts), tuple(notes), frames, draw=getattr(told, "plot", None))


def _doubts(told: Any) -> tuple[str, ...]:
    return (*getattr(told, "grave", ()), *getattr(told, "doubts", ()))


def _state(told: Any, headline: str, doubts: Iterable[str]) -> State:
    """The state of an answer that does not say it: whether its fit is one, and what its first line says."""
    fit = getattr(told, "fit", None)
    believed = getattr(told, "converged", True) and getattr(fit, "converged", True) and not getattr(told, "grave", ())
    if not believed or _UNRELIABLE.search(headline):
        return "bad"
    return "doubtful" if any(doubts) else "good"


def answer_json(command: str, shown: Shown, warned: Iterable[str] = ()) -> str:
    """An answer as JSON text: what is not a finite number is null.

    Examples
    --------
    >>> print(answer_json("compare", Shown("a is ahead", "")))
    {"format": "scalefit.compare", "schema": 2, "status": "good", "headline": "a is ahead", "doubts": [], "notes": [],
     "warnings": [], "frames": {}}
    """
    document = {
        **_head(command, shown.state, shown.headline),
        "doubts": shown.doubts,
        "notes": shown.notes,
        "warnings": list(warned),
        "frames": {name: records(frame) for name, frame in shown.frames.items()},
        **shown.more,
    }
    return json.dumps(plain(document), ensure_ascii=False, allow_nan=False)


def error_json(command: str, error: str) -> str:
    """What stands in place of an answer, as JSON text, where there is none."""
    empty: dict[str, Any] = {"doubts": [], "notes": [], "warnings": [], "frames": {}}
    return json.dumps({**_head(command, "error", error), **empty}, ensure_ascii=False)


def _head(command: str, status: str, headline: str) -> dict[str, Any]:
    return {"format": f"scalefit.{command}", "schema": SCHEMA, "status": status, "headline": headline}


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each with what names it."""
    named = frame.reset_index() if any(frame.index.names) else frame
    return [{str(name): value for name, value in row.items()} for row in named.to_dict("records")]


def plain(value: Any) -> Any:
    """Numbers, text, lists and dictionaries only; a number that is not finite, and what is missing, is None."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    if hasattr(value, "tolist"):  # NumPy's
        return plain(value.tolist())
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if value != value else str(value)


def save_picture(figure: Figure | SubFigure, path: Path) -> None:
    """Write a picture in the format that the name of the file says."""
    from matplotlib import pyplot as plt

    try:
        figure.figure.savefig(path, dpi=150)
    except ValueError as error:
        raise FitError(f"The picture cannot be written to {str(path)!r}: {error}") from error
    finally:
        plt.close(figure.figure)
