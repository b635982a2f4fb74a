"""What commands write besides text: pictures and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scalefit.errors import FitError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure, SubFigure


def save_picture(figure: Figure | SubFigure, path: Path) -> None:
    """Write a picture in the format that the name of the file says."""
    try:
        figure.figure.savefig(path, dpi=150)
    except ValueError as error:
        raise FitError(f"The picture cannot be written to {str(path)!r}: {error}") from error


def answer_json(command: str, told: object, tables: Mapping[str, pd.DataFrame]) -> str:
    """An answer as JSON: its first line, then its tables; what is not finite is null."""
    shown = {name: json.loads(table.to_json(orient="records", double_precision=15)) for name, table in tables.items()}
    answer = str(told).partition("\n")[0]
    return json.dumps({"format": f"scalefit.{command}", "schema": 1, "answer": answer, **shown}, ensure_ascii=False)
