"""The bar that shows how far reading is."""

from __future__ import annotations

import warnings
from typing import Any


def pick_bar() -> Any:
    """The bar of tqdm that suits the place: a widget in a notebook, text elsewhere.

    In a notebook without ipywidgets tqdm goes back to text, and warns of it when it is loaded, which is at the first
    table that is read, small ones without a bar included. That warning is left out.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm
    return tqdm
