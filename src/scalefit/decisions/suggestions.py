"""Which laws a table of runs can identify, and why it cannot identify the others."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from scalefit.errors import ScalefitError, ScalefitWarning, listing
from scalefit.estimation import fit
from scalefit.law import Law
from scalefit.laws import catalogue, get_law
from scalefit.runs.columns import has_column
from scalefit.runs.frame import as_frame


def suggest_laws(
    runs: Any,
    laws: Iterable[Law | str] | None = None,
    *,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    along: str | None = None,
) -> pd.DataFrame:
    """Say which laws the columns and the spread of the runs can identify, and why the others cannot be.

    Each law whose columns are there is fitted: what its verdict says of the data is the answer.

    Parameters
    ----------
    runs : table or path, one row per run or checkpoint.
    laws : the laws to try; None is the whole catalogue.
    target : column to predict; None is each law's own output. Laws of a loss may be tried on any target.
    columns : input of a law -> column of ``runs``, where names differ.
    along : column of the input of laws in one variable; where it is left out, the only known column that varies.

    Returns
    -------
    DataFrame
        Indexed by law, those that can be identified first: ``identified``, ``why``, ``inputs``, and ``n_params``.

    Raises
    ------
    DataError
        If ``runs`` is no table, or a file that cannot be read.
    LawError
        If no law is called as one in ``laws``.

    Examples
    --------
    >>> import scalefit as sf
    >>> runs = sf.grid(params=[1e7, 1e8, 1e9], tokens=[1e9, 1e10, 1e11])
    >>> runs["loss"] = 1.7 + 400 / runs.params**0.35 + 2000 / runs.tokens**0.37
    >>> told = sf.suggest_laws(runs, ["chinchilla", "nmt_bivariate"])
    >>> told.identified.tolist(), told.why["nmt_bivariate"]
    ([True, False], 'needs params_encoder and params_decoder')
    """
    frame = as_frame(runs)
    chosen = [get_law(law) for law in (catalogue() if laws is None else laws)]
    rows = []
    for law in chosen:
        good, why = _identify(frame, law, target, dict(columns or {}), along)
        rows.append((law.name, good, why, ", ".join(law.inputs), len(law.params)))
    told = pd.DataFrame(rows, columns=["law", "identified", "why", "inputs", "n_params"]).set_index("law")
    return told.sort_values("identified", ascending=False, kind="stable")


def _identify(
    frame: pd.DataFrame, law: Law, target: str | None, columns: dict[str, str], along: str | None
) -> tuple[bool, str]:
    """Whether a law can be identified, and why or why not."""
    wanted = target or law.output
    if target is not None and law.output not in ("loss", target):
        return False, f"predicts {law.output}, not {target}"
    if law.derive is not None:
        plain = [name for name in law.inputs if name not in law.derive.columns]
        read = ("run", "step", "lr", *plain, wanted)
        needed = [name for name in read if not has_column(frame, name, columns=columns)]
    else:
        named = [name for name in law.inputs if name != "x" and name != "flops"]
        needed = [name for name in (*named, wanted) if not has_column(frame, name, columns=columns)]
    if needed:
        return False, f"needs {listing(needed)}"
    single = law.inputs == ("x",)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ScalefitWarning)
            told = fit(frame, law, target=target, columns=columns or None, along=along if single else None)
    except ScalefitError as error:
        return False, str(error)
    if told.converged:
        return True, "identified"
    return False, told.verdict
