"""One row per built-in law: parameters, a design of runs that identifies them, and numbers to reproduce.

A new law is tested by adding its row here; tests/test_laws.py takes it from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

import scalefit as sf


@dataclass(frozen=True)
class Check:
    """A number that the law must give: parameter values, one point, the number and where it comes from."""

    values: Mapping[str, float]
    point: Mapping[str, float]
    expected: float
    source: str
    tolerance: float = 3e-6  # relative: six printed digits


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
    """

    true: Mapping[str, float]
    design: Callable[[], pd.DataFrame]
    checks: Sequence[Check]
    schedules: Mapping[str, sf.Schedule] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

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
        """The derived inputs at each row, straight from the schedules."""
        assert law.derive is not None
        out = {name: np.empty(len(table)) for name in law.derive.columns}
        for run, rows in table.groupby("run").indices.items():
            derived = law.derive.function(self.schedules[run].rates, **law.derive.settings)
            for name, values in derived.items():
                out[name][rows] = values[table["step"].to_numpy()[rows]]
        return out


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


HOFFMANN = {"E": 1.69, "A": 406.4, "alpha": 0.34, "B": 410.7, "beta": 0.28}
HOFFMANN_TEX = {
    "E": np.exp(0.5267228),
    "A": np.exp(6.0073404),
    "alpha": 0.33917084,
    "B": np.exp(6.0179186),
    "beta": 0.2849083,
}
BESIROGLU = {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658}
MUENNIGHOFF = {
    "E": np.exp(0.6254804),
    "A": np.exp(6.255414),
    "alpha": 0.3526596,
    "B": np.exp(7.3049974),
    "beta": 0.3526596,
}
BUSBRIDGE = {"E": 1.220, "A": 3355.0, "alpha": 0.408, "B": 18186.0, "beta": 0.431, "gamma": 0.452}
ANNEALING = {"L0": 2.6278, "A": 0.4297, "alpha": 0.5498, "C": 0.4108}
CHINCHILLA_70B = {"params": 7e10, "tokens": 1.4e12}
ONE_BILLION = {"params": 1e9, "tokens": 2e10}


CASES: Mapping[str, Case] = {
    "power": Case(
        true={"A": 25.0, "alpha": 0.05},
        design=one_axis,
        columns={"x": "flops"},
        checks=(
            Check({"A": 8.8e13**0.076, "alpha": 0.076}, {"x": 1e9}, 2.37564, "Kaplan et al. 2020, eq. 1.1"),
            Check({"A": 5.4e13**0.095, "alpha": 0.095}, {"x": 2e10}, 2.11826, "Kaplan et al. 2020, eq. 1.2"),
            Check({"A": 3.87, "alpha": 0.13}, {"x": 2.0**27}, 0.33970, "Hestness et al. 2017, composite NMT", 2e-5),
        ),
    ),
    "power_offset": Case(
        true={"E": 1.7, "A": 2000.0, "alpha": 0.17},
        design=one_axis,
        columns={"x": "flops"},
        checks=(
            Check(
                {"E": 0.39, "A": 41.2, "alpha": 0.36}, {"x": 2.0**27}, 0.43885, "Hestness et al. 2017, 208 units", 2e-5
            ),
            Check(
                {"E": 0.32, "A": 21.5, "alpha": 0.30}, {"x": 2.0**27}, 0.39836, "Hestness et al. 2017, 512 units", 2e-5
            ),
        ),
    ),
    "chinchilla": Case(
        true=BESIROGLU,
        design=sizes_and_tokens,
        checks=(
            Check(HOFFMANN, CHINCHILLA_70B, 1.93665, "Hoffmann et al. 2022, eq. 10"),
            Check(HOFFMANN, ONE_BILLION, 2.58005, "Hoffmann et al. 2022, eq. 10"),
            Check(HOFFMANN_TEX, CHINCHILLA_70B, 1.92085, "Hoffmann et al. 2022, unrounded"),
            Check(HOFFMANN_TEX, ONE_BILLION, 2.53067, "Hoffmann et al. 2022, unrounded"),
            Check(BESIROGLU, CHINCHILLA_70B, 1.97388, "Besiroglu et al. 2024, abstract"),
            Check(BESIROGLU, ONE_BILLION, 2.53005, "Besiroglu et al. 2024, abstract"),
            Check(MUENNIGHOFF, CHINCHILLA_70B, 2.02460, "Muennighoff et al. 2023, base law"),
            Check(MUENNIGHOFF, ONE_BILLION, 2.56464, "Muennighoff et al. 2023, base law"),
        ),
    ),
    "chinchilla_gamma": Case(
        true=BUSBRIDGE,
        design=sizes_and_tokens,
        checks=(Check(BUSBRIDGE, ONE_BILLION, 2.37469, "Busbridge et al. 2025, Table 6"),),
    ),
    "lr_annealing": Case(
        true=ANNEALING | {"A": 0.5},
        design=training_curves,
        schedules=CURVES,
        checks=(
            # By hand from the areas that the authors' example schedules have: 0.4297 * exp(-0.5498 ln S1), less C S2.
            Check(ANNEALING, {"S1": 2.0501, "S2": 0.197474}, 2.836246, "Tissue et al. 2024, cosine at its last step"),
            Check(ANNEALING, {"S1": 4.0002, "S2": 0.0}, 2.828312, "Tissue et al. 2024, constant at its last step"),
        ),
    ),
    "nmt_bivariate": Case(
        true={"alpha": 400.0, "p_e": 0.18, "p_d": 0.31, "L_inf": 1.2},
        design=encoders_and_decoders,
        checks=(
            # No constants of the paper could be read: powers that come out even.
            Check(
                {"alpha": 8.0, "p_e": 0.5, "p_d": 0.25, "L_inf": 1.5},
                {"params_encoder": 1e4, "params_decoder": 1e8},
                1.5008,
                "by hand: 8 / 100 / 100 + 1.5",
                1e-14,
            ),
        ),
    ),
}
