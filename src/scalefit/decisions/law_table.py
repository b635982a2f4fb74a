"""The table of a comparison of laws: where each law stands, and what it showed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scalefit.decisions.held_out import Evidence, Task
from scalefit.decisions.lead_noise import shares_behind
from scalefit.decisions.ranking import comparable_error, errors_of, order_of, reference_of
from scalefit.decisions.splits import Cut
from scalefit.result import Fit

#: Share of the cuts below which a law must converge to rank among the others.
ENOUGH = 0.5


@dataclass(frozen=True)
class Standing:
    """Where a law stands: 0 without doubt, 1 judged at few cuts, 2 not converged; and the doubt in words."""

    place: int
    doubt: str


def law_table(task: Task, found: Mapping[str, Evidence], seed: int) -> tuple[pd.DataFrame, int]:
    """One row a law, best first, and how many runs were held out."""
    n_cuts = len({cut for one in found.values() for cut in one.converged})
    standings = {law: standing_of(one, n_cuts) for law, one in found.items()}
    errors = errors_of({law: one.points for law, one in found.items()}, task.frame.index)
    aicc = {law: aicc_of(one.fit) for law, one in found.items()}
    order = order_of(errors, aicc, {law: standing.place for law, standing in standings.items()})
    reference = reference_of(errors, order)
    behind = shares_behind(task, found, errors, order[0], seed)
    rows: list[dict[str, Any]] = []
    for law in order:
        one, column = found[law], errors.laws.index(law)
        rows.append(
            {
                "law": law,
                "error": comparable_error(errors, reference, law),
                "behind": behind.get(law, float("nan")),
                "bias": errors.mean(errors.signed[:, column]),
                "coverage": errors.mean(errors.inside[:, column]),
                "aicc": aicc[law],
                "rms": one.fit.rms,
                "n_params": one.fit.coordinates.q,
                "n_cuts": len(one.converged),
                "n_points": len(one.points),
                "doubt": standings[law].doubt,
                "verdict": one.fit.verdict,
            }
        )
    return pd.DataFrame(rows), len(np.unique(errors.unit))


def standing_of(evidence: Evidence, n_cuts: int) -> Standing:
    """Where a law stands, given at how many cuts any law was judged."""
    if not evidence.fit.converged:
        return Standing(2, f"{evidence.fit.judgement.status} on all runs")
    judged = len(evidence.converged)
    if judged < ENOUGH * n_cuts:
        return Standing(1, f"judged at {judged} of {n_cuts} cuts")
    sound = sum(evidence.converged.values())
    if sound < ENOUGH * n_cuts:
        return Standing(2, f"not converged below {judged - sound} of {judged} cuts")
    return Standing(0, "")


def missing_evidence(law: str, evidence: Evidence, cuts: Iterable[Cut]) -> list[str]:
    """What is missing of a law at ``cuts``, those at which some law was judged: the others are no law's fault."""
    cuts = set(cuts)
    return [
        *(f"{law} was not judged at cut {cut:g}: {why}" for cut, why in evidence.skipped.items() if cut in cuts),
        *(f"{law} has no intervals at cut {cut:g}: {why}" for cut, why in evidence.no_interval.items()),
    ]


def aicc_of(fitted: Fit) -> float:
    """Akaike's criterion for normal residuals on the scale of the objective, corrected for few rows."""
    n, k = fitted.n_rows, fitted.coordinates.q + 1
    if n - k - 1 <= 0:
        return float("inf")
    return n * float(np.log(max(fitted.rms, 1e-300) ** 2)) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
