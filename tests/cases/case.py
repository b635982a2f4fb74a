"""What the tests need to know of a law, and the designs of runs that several laws share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

import scalefit as sf


@dataclass(frozen=True)
class Check:
    """A number that the law must give: parameter values, one point, the number and where it comes from."""

    values: Mapping[str, float]
    point: Mapping[str, Any]
    expected: float
    source: str
    tolerance: float = 3e-6  # relative: six printed digits


@dataclass(frozen=True)
class DerivedCheck:
    """A number that a derived quantity must give: its name, parameter values, what is asked, the number, its source."""

    name: str
    values: Mapping[str, float]
    at: Mapping[str, float]
    expected: float
    source: str
    tolerance: float = 3e-6


@dataclass(frozen=True)
class Case:
    """What the tests need to know of one law.

    Parameters
    ----------
    true : the parameters from which noise-free runs are made and which a fit must find again.
    design : makes the runs, without the output.
    checks : numbers to reproduce.
    schedules : run -> Schedule, for laws of training curves.
    columns : where the inputs stand in the design, if not under their names.
    derived : numbers that derived quantities must give.
    extremes : input -> two far values at which the law must stay finite, where 1e3 and 1e15 are outside its meaning;
        of a history two lists.
    """

    true: Mapping[str, float]
    design: Callable[[], pd.DataFrame]
    checks: Sequence[Check]
    schedules: Mapping[str, sf.Schedule] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    derived: Sequence[DerivedCheck] = ()
    extremes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def fit(self, law: sf.Law, runs: pd.DataFrame, **options: object) -> sf.Fit:
        """A fit of the law to runs of this case's kind."""
        schedules = self.schedules or None
        return sf.fit(runs, law, columns=self.columns or None, schedules=schedules, **options)  # type: ignore[arg-type]

    def runs(self, law: sf.Law, noise: float = 0.0, seed: int = 0) -> pd.DataFrame:
        """The design with the law's output, times a normal factor of relative size ``noise``."""
        table = self.design()
        columns = {name: table[self.columns.get(name, name)] for name in law.inputs if name not in derived_by(law)}
        inputs = columns | (self.areas(law, table) if law.derive else {})
        factor = np.exp(noise * np.random.default_rng(seed).standard_normal(len(table)))
        return table.assign(**{law.output: law(self.true, inputs) * factor})

    def areas(self, law: sf.Law, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """The derived inputs at each row, straight from the schedules; runs stand one after the other."""
        assert law.derive is not None
        parts = [
            law.derive_inputs(self.schedules[run].rates, rows["step"].to_numpy())
            for run, rows in table.groupby("run", sort=False)
        ]
        return {name: stacked([part[name] for part in parts]) for name in law.derive.columns}


def stacked(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Values of several runs one after the other; histories that are shorter end in zeros."""
    if parts[0].ndim == 1:
        return np.concatenate(parts)
    width = max(part.shape[1] for part in parts)
    return np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in parts])


def derived_by(law: sf.Law) -> tuple[str, ...]:
    """The inputs that follow from a schedule."""
    return law.derive.columns if law.derive else ()


def one_axis() -> pd.DataFrame:
    """Ten sizes over three decades."""
    return pd.DataFrame({"flops": np.geomspace(1e18, 1e21, 10)})


def sizes_and_tokens() -> pd.DataFrame:
    """Six sizes, each at six numbers of tokens per parameter: 36 runs off any ray."""
    params, ratio = np.meshgrid(np.geomspace(2e7, 5e9, 6), np.geomspace(2, 600, 6))
    return pd.DataFrame({"params": params.ravel(), "tokens": (params * ratio).ravel()})


def encoders_and_decoders() -> pd.DataFrame:
    """Five encoders with each of five decoders: off the symmetric diagonal."""
    encoder, decoder = np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(2e7, 5e8, 5))
    return pd.DataFrame({"params_encoder": encoder.ravel(), "params_decoder": decoder.ravel()})


CURVES = {
    "cosine": sf.Schedule.cosine(steps=4000, peak=1e-3, warmup=100, end=1e-4),
    "constant": sf.Schedule.constant(steps=4000, peak=1e-3, warmup=100),
    "wsd": sf.Schedule.wsd(steps=4000, peak=1e-3, warmup=100, decay_start=3000, end=1e-5),
}


def training_curves() -> pd.DataFrame:
    """Thirty checkpoints of each of three schedules."""
    steps = np.linspace(200, 4000, 30).astype(int)
    return pd.concat([pd.DataFrame({"run": name, "step": steps}) for name in CURVES], ignore_index=True)
