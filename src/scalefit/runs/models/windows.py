"""Sliding windows: which layers look back only so far."""

from __future__ import annotations

from dataclasses import dataclass

from scalefit.runs.models.config import Config

Spans = tuple[tuple[int, int | None], ...]


@dataclass(frozen=True)
class WindowStyle:
    """Where the layers of one family have windows.

    Attributes
    ----------
    field : str
        The field with the width of a window; empty if there are none.
    default : int or None
        What the family takes if the config does not say.
    every : int or None
        Every so manieth layer sees everything; None: no layer does.
    asked : bool
        Whether windows are used only if ``use_sliding_window`` says so, from ``max_window_layers`` on.
    """

    field: str = ""
    default: int | None = None
    every: int | None = None
    asked: bool = False


def split_by_window(config: Config, style: WindowStyle, layers: int) -> Spans:
    """Numbers of layers by their window, None where they see everything.

    Raises
    ------
    DataError
        If a field that says where the windows are is out of its range.
    """
    window = _window(config, style)
    if window is None:
        return ((layers, None),)
    full = 0 if style.every is None else layers // config.count("sliding_window_pattern", style.every)
    if style.asked:
        full = min(config.count("max_window_layers", layers, least=0), layers)
    types = config.value("layer_types")
    if types is not None:
        known = isinstance(types, list | tuple) and len(types) == layers
        if not known or any(kind not in ("full_attention", "sliding_attention") for kind in types):
            config.refuse("layer_types", types, f"'full_attention' or 'sliding_attention' for each of {layers} layers")
        full = sum(kind == "full_attention" for kind in types)
    return tuple((count, seen) for count, seen in ((full, None), (layers - full, window)) if count)


def _window(config: Config, style: WindowStyle) -> int | None:
    """The width of the windows; None without any."""
    if not style.field or (style.asked and not config.flag("use_sliding_window", False)):
        return None
    if style.field in config.fields:
        return config.optional_count(style.field)  # null: none
    return style.default
