"""What stands in place of a part that could not be made."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from scalefit.errors import ScalefitError


def why(error: Exception) -> str:
    """In place of what could not be made: the reason."""
    said = str(error) if isinstance(error, ScalefitError) else f"{type(error).__name__}: {error}"
    return f'<p class="absent">Not made: {escape(said)}</p>'


def told_or_why(make: Callable[[], str]) -> str:
    """HTML, or the reason why there is none."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001 one part that fails must not take the page with it
        return why(error)
