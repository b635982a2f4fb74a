"""How pandas is told to read a number to its last bit."""

from __future__ import annotations

from typing import Literal

import pandas as pd


def float_precision() -> Literal["round_trip"] | None:
    """Give the option with which pandas reads a number to its last bit.

    From pandas 3.1 on the default does so, and naming an option warns; before, the default rounds.
    """
    major, minor = (int(part) for part in pd.__version__.split(".")[:2])
    return None if (major, minor) >= (3, 1) else "round_trip"
