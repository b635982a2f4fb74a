"""Tables of numbers and words as aligned text."""

from __future__ import annotations

from collections.abc import Sequence


def columns_text(rows: Sequence[Sequence[str]], *, indent: str = "  ", gap: str = "  ") -> str:
    """Rows of cells, each column as wide as its widest cell.

    Examples
    --------
    >>> print(columns_text([["law", "runs"], ["power", "7"]], indent=""))
    law    runs
    power  7
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (gap.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join((indent + line).rstrip() for line in lines)
