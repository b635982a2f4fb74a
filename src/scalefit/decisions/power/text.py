"""What a planned ladder would tell, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalefit.objectives import Scale
from scalefit.wording.amounts import count_of, percent
from scalefit.wording.digits import number, si
from scalefit.wording.said import Said, State

if TYPE_CHECKING:
    from scalefit.decisions.power.record import DesignPower

#: Of ladders, below which a design is doubtful, and not to be relied on.
MOSTLY, HALF = 0.9, 0.5
#: Targets whose numbers stand in the first sentence.
NAMED = 1


def said_of(told: DesignPower) -> Said:
    """Status, sentence, tables and where the numbers come from."""
    state: State = "good"
    if told.doubts:
        state = "bad" if told.identified < HALF else "doubtful"
    table = targets_table(told)
    return Said(state, headline(told), told.doubts, (table, noise_line(told)), (told.about, *told.notes))


def headline(told: DesignPower) -> str:
    """How well the first target would be known, and how often a lead would be claimed."""
    spent = f" ({number(told.flops, digits=2)} FLOP)" if math.isfinite(told.flops) else ""
    first = told.frame.iloc[0]
    with_runs = f"With {'this' if told.n_runs == 1 else 'these'} {count_of(told.n_runs, 'run')}{spent}"
    if math.isfinite(first["error"]):
        known = f"{told.target} {at(first.name)} would be known to {within(first['error'], told.on)}"
        sentence = f"{with_runs} the {known} in {percent(told.level)} of simulated ladders"
    else:
        sentence = f"{with_runs} the {told.target} {at(first.name)} would often have no estimate"
    if "claimed" in told.frame:
        sentence += f"; {claim_words(told)}"
    return sentence


def claim_words(told: DesignPower) -> str:
    """How often a true lead, or a crossover, would be claimed."""
    if math.isfinite(told.crossover):
        return f"that B is behind at one end and ahead at the other would be claimed in {percent(told.crossover)}"
    first = told.frame.iloc[0]
    if first["lead"] == 0:
        return f"a lead that is not there would be claimed in {percent(first['false_claims'])}"
    which = "lead of B" if first["lead"] > 0 else "lead of A over B"
    return f"a {size(abs(first['lead']), told.on)} {which} would be claimed in {percent(first['claimed'])}"


def targets_table(told: DesignPower) -> pd.DataFrame:
    """One row a target."""
    frame, on = told.frame, told.on
    columns = {
        told.target: [number(value, digits=4) for value in frame["truth"]],
        f"error in {percent(told.level)}": [within(value, on) for value in frame["error"]],
        "interval shown": [within(value, on) for value in frame["half_width"]],
        "holds the truth": [percent(value) for value in frame["coverage"]],
    }
    if frame["oracle"].notna().any():
        columns["at best"] = [within(value, on) for value in frame["oracle"]]
    if "claimed" in frame:
        columns["true lead of B"] = [size(value, on) for value in frame["lead"]]
        columns["claimed"] = [
            percent(value) if lead else "-" for value, lead in zip(frame["claimed"], frame["lead"], strict=True)
        ]
        columns["wrongly"] = [percent(value) for value in frame["wrong"]]
        columns["claimed of equals"] = [percent(value) for value in frame["false_claims"]]
    columns["beyond"] = [f"{value:.2g}x" if np.isfinite(value) else "-" for value in frame["beyond"]]
    return pd.DataFrame(columns, index=pd.Index(frame.index, name=None))


def noise_line(told: DesignPower) -> str:
    """What another noise would make of the first target."""
    first = told.noise[told.noise["target"] == told.frame.index[0]]
    parts = []
    for row in first.to_dict("records"):
        claimed = f" (claimed in {percent(row['claimed'])})" if "claimed" in row else ""
        parts.append(f"{within(row['error'], told.on)} with {si(row['factor'])} times the noise{claimed}")
    return f"{'at the first target ' if len(told.frame) > 1 else ''}{', '.join(parts)}" if parts else ""


def at(name: object) -> str:
    """A target in a sentence."""
    return f"at {name}"


def within(value: float, on: Scale) -> str:
    """A half-width; a dash where it is not known."""
    return f"±{size(value, on)}" if math.isfinite(value) else "-"


def size(value: float, on: Scale) -> str:
    """A share of the target in percent where it is fitted on the log scale, else in its own unit."""
    if not math.isfinite(value):
        return "-"
    return f"{number(100 * value, digits=2)} %" if on == "log" else number(value, digits=2)
