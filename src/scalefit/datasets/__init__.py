"""Real runs: those that come with the package, and public studies, fetched from their homes at first use."""

from __future__ import annotations

from importlib import resources

import pandas as pd

from scalefit.datasets.download import fetch_tidy, is_kept
from scalefit.datasets.registry import STUDIES, Part, Study
from scalefit.datasets.storage import DATA, check_tidy, data_folder, has_pooch, tidy_path
from scalefit.errors import DataError, did_you_mean, listing
from scalefit.runs.columns import with_large_as_floats
from scalefit.runs.frame import as_frame

__all__ = ["list_datasets", "load"]


def load(name: str, *, part: str | None = None) -> pd.DataFrame:
    """Load real runs: bundled ones, or those of a public study.

    The bundled ``microlm`` holds one row per checkpoint. Runs of one size share a common trunk, so they share their
    first rows: for one row per run, take the last row of each, ``runs.groupby("run").last()``. How the runs were made,
    and their known flaws, stand in the data card ``CARD.md`` beside the table.

    A public study is looked for in the folder that the environment variable ``SCALEFIT_DATA`` names, laid out as
    ``<study>/<table>``; then nothing is fetched. Without that variable, what the study published is fetched from its
    home at the first call (needs ``scalefit[datasets]``), converted to a tidy table, and kept (``SCALEFIT_CACHE``, else
    the cache folder of the system). In both cases the sha256 of the tidy table is checked.

    Parameters
    ----------
    name : str
        Such as ``"microlm"`` or ``"chinchilla_besiroglu"``; :func:`list_datasets` lists them.
    part : str, optional
        A table of the data set; None is its first, for microlm ``"ladder"``.

    Returns
    -------
    DataFrame
        For ``microlm``: ``run, family, params`` (outside the embeddings), ``tokens`` (bytes), ``flops, step, lr,
        loss`` (held-out, nats per token), ``train_loss, seed, width, layers``, and by part: ``held_back`` (ladder: the
        two largest sizes of a family, kept as targets of extrapolation), ``schedule`` (schedules), ``unique_tokens,
        epochs`` (repetition), ``params_encoder, params_decoder, source_tokens`` and the shape of each side
        (encoder_decoder, whose tokens are operations). For a study: its own columns under known names, in absolute
        units; ``attrs["scalefit_notes"]`` says whose they are, under which licence, and what vouches for them.

    Raises
    ------
    DataError
        If there is no such data set or part (the message lists what there is); if a table is missing, cannot be
        fetched, or is not the one that is meant (the message says what to download, and where to put it).

    Examples
    --------
    >>> runs = load("microlm")
    >>> sorted(runs["family"].unique())
    ['lstm', 'transformer']
    """
    if name not in STUDIES:
        raise DataError(
            f"No data set is called {name!r}; there is {listing(STUDIES)}.{did_you_mean(str(name), STUDIES)}"
        )
    study = STUDIES[name]
    parts = {there.name: there for there in study.parts}
    wanted = study.parts[0].name if part is None else part
    if wanted not in parts:
        raise DataError(
            f"Part {wanted!r} of {name} is not part of this release; there is {listing(parts)}."
            f"{did_you_mean(str(wanted), parts)}"
        )
    return _bundled(study, parts[wanted]) if study.bundled else _public(study, parts[wanted])


def list_datasets() -> pd.DataFrame:
    """List the data sets and their parts.

    Returns
    -------
    DataFrame
        Indexed by ``dataset`` and ``part``: ``about`` (one sentence), ``rows``, ``licence``, ``citation``, ``home``,
        and ``available``: ``"bundled"``, ``"in SCALEFIT_DATA"``, ``"fetched before"``, ``"can be fetched"``, or what
        it takes.

    Examples
    --------
    >>> listed = list_datasets()
    >>> listed.loc["microlm"].index.tolist()
    ['ladder', 'schedules', 'encoder_decoder', 'repetition']
    >>> listed.loc["moe_routing", "rows"].to_dict()
    {'runs': 223, 'checkpoints': 5799}
    """
    rows = [
        {
            "dataset": study.name,
            "part": part.name,
            "about": part.about,
            "rows": part.rows,
            "licence": study.licence,
            "citation": study.citation,
            "home": study.home,
            "available": _available(study, part),
        }
        for study in STUDIES.values()
        for part in study.parts
    ]
    return pd.DataFrame(rows).set_index(["dataset", "part"])


def _bundled(study: Study, part: Part) -> pd.DataFrame:
    with resources.as_file(resources.files(__name__).joinpath(study.name, part.file)) as path:
        return with_large_as_floats(as_frame(path, what=f"the table {part.name} of {study.name}"))


def _public(study: Study, part: Part) -> pd.DataFrame:
    folder = data_folder()
    if folder is not None:
        path, told = tidy_path(folder, study, part), f"read from {DATA}"
        if not path.is_file():
            raise DataError(_not_there(study, part, str(path)))
        check_tidy(path, part)
    elif not part.origins:
        raise DataError(_not_there(study, part, f"<your folder>/{study.name}/{part.file}"))
    else:
        path = fetch_tidy(study, part)
        known = all(origin.sha256 for origin in part.origins)
        vouched = "" if known else "; the sha256 of the published file is not known, its commit alone is pinned"
        told = f"fetched from {part.origins[0].url} and converted{vouched}"
    frame = with_large_as_floats(as_frame(path, what=f"the table {part.name} of {study.name}"))
    notes = (f"{study.name}: {study.citation}", f"licence: {study.licence}", f"{told}; the tidy table has its sha256")
    frame.attrs["scalefit_notes"] = (*frame.attrs.get("scalefit_notes", ()), *notes)
    return frame


def _not_there(study: Study, part: Part, path: str) -> str:
    """What to do about a table that is not in ``SCALEFIT_DATA``."""
    missing = f"The table {part.name!r} of {study.name} belongs at {path!r}"
    if data_folder() is None:
        return (
            f"{study.name} cannot be fetched: {part.kept}. Its home is {study.home}. {missing}: set {DATA} to that "
            f"folder, with a tidy table of sha256 {part.sha256[:16]}…."
        )
    elsewhere = f"unset {DATA} to fetch it from {study.home}" if part.origins else f"its home is {study.home}"
    return (
        f"{missing}, and is not there: {DATA} is set, so nothing is fetched. Put the tidy table there, or {elsewhere}."
    )


def _available(study: Study, part: Part) -> str:
    if study.bundled:
        return "bundled"
    folder = data_folder()
    if folder is not None:
        return f"in {DATA}" if tidy_path(folder, study, part).is_file() else f"no: not in {DATA}"
    if not part.origins:
        return f"no: only through {DATA}"
    if is_kept(study, part):
        return "fetched before"
    return "can be fetched" if has_pooch() else "can be fetched after pip install 'scalefit[datasets]'"
