"""What the functions of this room ask of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from scalefit.fitting.coordinates import Coordinates
from scalefit.fitting.problem import Array, Problem
from scalefit.law import Law
from scalefit.uncertainty.resampling import Plan
from scalefit.uncertainty.units import DrawnKind, Units


class Fitted(Protocol):
    """A fit: the law, its problem, where it ended, and what is independent of what. See :class:`scalefit.Fit`."""

    @property
    def law(self) -> Law:
        """The law fitted."""
        ...

    @property
    def problem(self) -> Problem:
        """The law and its n rows as arrays."""
        ...

    @property
    def coordinates(self) -> Coordinates:
        """How the q free parameters move."""
        ...

    @property
    def u(self) -> Array:
        """(q,) where the fit ended."""
        ...

    @property
    def theta(self) -> Array:
        """(1, p) the estimates."""
        ...

    @property
    def basins(self) -> Array:
        """(M, q) minima nearly as good as the best."""
        ...

    @property
    def weights(self) -> Array:
        """(n,) how often each row counts."""
        ...

    @property
    def units(self) -> Units:
        """What is drawn as one piece unless asked otherwise."""
        ...

    @property
    def unit_names(self) -> tuple[str, ...]:
        """One name a unit, or a row for blocks."""
        ...

    @property
    def data(self) -> pd.DataFrame:
        """The rows fitted, under their own labels."""
        ...

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Where the fit comes from."""
        ...

    @property
    def coordinate_covariance(self) -> Array:
        """(q, q) covariance of the coordinates."""
        ...

    @property
    def covariance(self) -> pd.DataFrame:
        """Covariance of the parameters in raw units."""
        ...

    @property
    def draws(self) -> pd.DataFrame | None:
        """One row a draw, or None before a bootstrap."""
        ...

    @property
    def draws_theta(self) -> Array:
        """(draws, p) refits, or draws of the covariance."""
        ...

    @property
    def plan(self) -> Plan | None:
        """What the draws were made of."""
        ...

    @property
    def drawn(self) -> DrawnKind | None:
        """What was drawn as one piece."""
        ...
