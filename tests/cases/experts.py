"""Rows of the laws in experts.py: mixtures of experts."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cases.case import Case, Check, DerivedCheck

CLARK = "Clark et al. 2022, Table 3, rounded"
S_BASE = {"a": -0.082, "b": -0.108, "c": 0.009, "d": 1.104, "E_start": 1.847, "E_max": 314.478}
RL_R = {"a": -0.083, "b": -0.126, "c": 0.012, "d": 1.111, "E_start": 1.880, "E_max": 469.982}
# Slopes of a tenth, and experts that count as they are: powers of ten come out even.
EVEN = {"a": -0.1, "b": -0.1, "c": 0.01}
KRAJEWSKI = {"c": 0.47, "g": 2.1, "gamma": 0.58, "a": 18.1, "alpha": 0.115, "b": 30.8, "beta": 0.147}
LUDZIEJEWSKI = {
    "a": 35.91,
    "alpha": -0.1889,
    "delta": -0.2285,
    "gamma": 0.0098,
    "b": 35.98,
    "beta": -0.1775,
    "omega": 0.5529,
    "zeta": -0.0259,
    "c": 1.3637,
    "E_start": 2.0732,
    "E_max": 290.4521,
}
ABNAR = {
    "a": 16612.50,
    "alpha": 0.5962,
    "b": 5455.67,
    "beta": 0.3954,
    "c": 0.4598,
    "lambda_": -0.1666,
    "d": 17.26,
    "delta": 0.1603,
    "gamma": 0.1595,
    "e": 0.94,
}
# One expert (dense) to very many.
FROM_DENSE = {"experts": (1.0, 1e5)}


def routed() -> pd.DataFrame:
    """Six sizes, each dense and with 2 to 512 experts."""
    params, experts = np.meshgrid(np.geomspace(1.5e7, 1.5e9, 6), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
    return pd.DataFrame({"params": params.ravel(), "experts": experts.ravel()})


def granular() -> pd.DataFrame:
    """Five sizes at five numbers of tokens, cut 1 to 16 times."""
    params, tokens, cuts = np.meshgrid(np.geomspace(5e7, 4e9, 5), np.geomspace(2e9, 2e11, 5), [1, 2, 4, 8, 16])
    return pd.DataFrame({"params_active": params.ravel(), "tokens": tokens.ravel(), "granularity": cuts.ravel()})


def routed_over_tokens() -> pd.DataFrame:
    """Five active sizes at five tokens per parameter, dense and with 2 to 256 experts."""
    params, ratio, experts = np.meshgrid(
        np.geomspace(5e7, 5e9, 5), np.geomspace(3, 300, 5), [1, 2, 4, 8, 16, 64, 128, 256]
    )
    tokens = params * ratio
    return pd.DataFrame({"params_active": params.ravel(), "tokens": tokens.ravel(), "experts": experts.ravel()})


def sparse_over_tokens() -> pd.DataFrame:
    """Six sizes at six tokens per parameter, dense to 98 % inactive."""
    params, ratio, inactive = np.meshgrid(
        np.geomspace(5e7, 2e10, 6), np.geomspace(1, 300, 6), [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98]
    )
    tokens = params * ratio
    return pd.DataFrame({"params_total": params.ravel(), "tokens": tokens.ravel(), "sparsity": inactive.ravel()})


def _at(experts: float) -> dict[str, float]:
    return {"params_active": 1e9, "tokens": 2e10, "experts": experts}


CASES: Mapping[str, Case] = {
    "moe_clark": Case(
        true=S_BASE,
        design=routed,
        checks=(
            Check(S_BASE, {"params": 1.3e9, "experts": 1.0}, 2.2374, CLARK, 3e-5),
            Check(S_BASE, {"params": 1.3e9, "experts": 64.0}, 2.0498, CLARK, 3e-5),
        ),
        derived=(
            DerivedCheck("largest_routed_params", S_BASE, {}, 1e12, "Clark et al. 2022, Table 3: 10^(0.108/0.009)"),
            DerivedCheck("largest_routed_params", RL_R, {}, 10**10.5, "Clark et al. 2022, Table 3: 10^(0.126/0.012)"),
            DerivedCheck(
                "dense_equivalent_params",
                EVEN | {"E_start": 1.0, "E_max": 1e18},
                {"params": 1e5, "experts": 10.0},
                10**5.5,
                "by hand: (1e5)^0.9 * 10",
                1e-12,
            ),
            DerivedCheck(
                "dense_equivalent_params", S_BASE, {"params": 1.3e9, "experts": 1.0}, 1.3e9, "one expert is dense"
            ),
        ),
        extremes=FROM_DENSE,
    ),
    "moe_clark_floor": Case(
        true={"L_inf": 1.4, "A": 25.0, "a": -0.17, "b": -0.2, "c": 0.013},
        design=routed,
        checks=(
            Check(
                EVEN | {"L_inf": 1.5, "A": 10.0},
                {"params": 1e8, "experts": 100.0},
                1.5 + 10**0.16,
                "by hand: 1.5 + 10 * (1e8)^-0.08 * 100^-0.1",
                1e-14,
            ),
        ),
        derived=(
            DerivedCheck("largest_routed_params", EVEN, {}, 1e10, "by hand: 10^(0.1 / 0.01)", 1e-12),
            DerivedCheck(
                "dense_equivalent_params",
                EVEN,
                {"params": 1e5, "experts": 10.0},
                10**5.5,
                "by hand: (1e5)^0.9 * 10",
                1e-12,
            ),
        ),
        extremes=FROM_DENSE,
    ),
    "moe_clark_saturated_floor": Case(
        true={"L_inf": 1.4, "A": 25.0, "a": -0.17, "b": -0.2, "c": 0.013, "E_start": 2.0, "E_max": 400.0},
        design=routed,
        checks=(
            Check(
                EVEN | {"L_inf": 1.5, "A": 10.0, "E_start": 1.0, "E_max": 1e18},
                {"params": 1e8, "experts": 100.0},
                1.5 + 10**0.16,
                "by hand, experts as they are: 1.5 + 10 * (1e8)^-0.08 * 100^-0.1",
                1e-12,
            ),
            Check(
                {name: value for name, value in S_BASE.items() if name != "d"} | {"L_inf": 0.0, "A": 10**1.104},
                {"params": 1.3e9, "experts": 64.0},
                2.0498,
                f"{CLARK}; without a floor it is moe_clark",
                3e-5,
            ),
        ),
        extremes=FROM_DENSE,
    ),
    "moe_finegrained": Case(
        true=KRAJEWSKI,
        design=granular,
        checks=(
            Check(
                KRAJEWSKI,
                {"params_active": 1e9, "tokens": 2e10, "granularity": 1.0},
                3.27613,
                "Krajewski et al. 2024, Table 1",
            ),
            Check(
                KRAJEWSKI,
                {"params_active": 1e9, "tokens": 2e10, "granularity": 16.0},
                3.12119,
                "Krajewski et al. 2024, Table 1",
            ),
        ),
        derived=(
            DerivedCheck(
                "granularity_multiplier",
                {"g": 3.0, "gamma": 0.5, "a": 1.0, "alpha": 0.5},
                {"granularity": 9.0},
                4.0,
                "by hand: (4 / 2)^2",
                1e-14,
            ),
        ),
        extremes={"granularity": (1.0, 1e3)},
    ),
    "moe_joint": Case(
        true=LUDZIEJEWSKI,
        design=routed_over_tokens,
        checks=(
            Check(LUDZIEJEWSKI, _at(1.0), 2.57760, "Ludziejewski et al. 2025, Table 3"),
            Check(LUDZIEJEWSKI, _at(8.0), 2.50878, "Ludziejewski et al. 2025, Table 3"),
        ),
        # Table 4 is from unrounded constants, Table 1 has two or three digits.
        derived=(
            *(
                DerivedCheck(
                    name, LUDZIEJEWSKI, {"experts": experts}, expected, "Ludziejewski et al. 2025, Table 4", 3e-3
                )
                for experts, row in {
                    1.0: (30.3640, -0.1817, 53.9838, -0.1965),
                    8.0: (21.8330, -0.1676, 119.9126, -0.2338),
                    32.0: (16.5424, -0.1557, 234.6726, -0.2652),
                }.items()
                for name, expected in zip(
                    ("size_coefficient", "size_exponent", "data_coefficient", "data_exponent"), row, strict=True
                )
            ),
            *(
                DerivedCheck(
                    "optimal_params_active",
                    LUDZIEJEWSKI,
                    {"flops": flops, "experts": experts},
                    expected,
                    "Ludziejewski et al. 2025, Table 1",
                    3e-2,
                )
                for flops, experts, expected in (
                    (1e20, 1.0, 1.7e9),
                    (1e20, 8.0, 9.9e8),
                    (1e20, 32.0, 6.69e8),
                    (1e22, 1.0, 1.88e10),
                    (1e22, 32.0, 1.22e10),
                )
            ),
        ),
        extremes=FROM_DENSE,
    ),
    "moe_sparsity_abnar": Case(
        true=ABNAR,
        design=sparse_over_tokens,
        checks=(
            Check(ABNAR, {"params_total": 1e9, "tokens": 2e10, "sparsity": 0.0}, 2.56568, "Abnar et al. 2025, Table 3"),
            Check(
                ABNAR, {"params_total": 1e9, "tokens": 2e10, "sparsity": 0.75}, 2.62843, "Abnar et al. 2025, Table 3"
            ),
        ),
    ),
}
