"""Where the larger real runs lie, for tests that skip where they do not."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(name: str) -> Path:
    """The path of a file of the shared data, such as ``"chinchilla_besiroglu/runs.csv"``; skips where it is absent."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"needs ../shared/data/{name}, which is not here")
    return path
