"""Ways to choose which runs to train, and what is known after them: for the benchmark and the study of planning."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import scalefit as sf
from scalefit.decisions.planning.beliefs import values_at
from scalefit.decisions.planning.plan import plan_runs
from scalefit.decisions.planning.record import RunPlan

#: Of what is left, the share that is spent before the losses are looked at and the rest is planned anew.
STAGE = 1 / 3
#: A geometric ladder takes one run a factor of so much.
RUNG = 3.0


@dataclass(frozen=True, eq=False)
class Task:
    """A pool of runs of which some are trained, and the rows to predict."""

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    cost: str
    by: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    laws: Any = None
    draws: int = 128
    noise: float | None = None

    @property
    def costs(self) -> pd.Series:
        """What each run of the pool costs."""
        return self.train.eval(self.cost).astype(float)

    def plan(self, known: pd.DataFrame | None, rest: pd.DataFrame, budget: float, seed: int) -> RunPlan:
        """A plan that has seen the losses of ``known`` only."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sf.ScalefitWarning)
            return plan_runs(
                known, self.laws, rest.drop(columns="loss"), budget=budget, target=self.test.drop(columns="loss"),
                by=self.by, cost=self.cost, columns=self.columns, draws=self.draws, noise=self.noise, rng=seed,
            )  # fmt: skip


Order = Callable[[Task, "pd.DataFrame | None", pd.DataFrame, float, np.random.Generator], list[Any]]


def planned(
    task: Task, known: pd.DataFrame | None, rest: pd.DataFrame, left: float, rng: np.random.Generator
) -> list[Any]:
    """The order of ``plan_runs``."""
    return list(task.plan(known, rest, left, int(rng.integers(2**31))).frame.index)


def random(
    task: Task, known: pd.DataFrame | None, rest: pd.DataFrame, left: float, rng: np.random.Generator
) -> list[Any]:
    """Any order."""
    return list(rng.permutation(rest.index))


def cheapest(
    task: Task, known: pd.DataFrame | None, rest: pd.DataFrame, left: float, rng: np.random.Generator
) -> list[Any]:
    """The cheapest first."""
    return list(task.costs[rest.index].sort_values(kind="stable").index)


def ladder(
    task: Task, known: pd.DataFrame | None, rest: pd.DataFrame, left: float, rng: np.random.Generator
) -> list[Any]:
    """One run each factor of three of cost, down from the largest that half of what is left can pay; then again."""
    costs = task.costs[rest.index]
    order: list[Any] = []
    top = left / 2
    while len(order) < len(costs):
        place = top
        before = len(order)
        while place >= costs.min() / RUNG:
            open_ = costs.drop(order)
            near = open_[(open_ <= place) & (open_ > place / RUNG)]
            if len(near):
                order.append(rng.choice(near.index.to_numpy()))
            place /= RUNG
        if len(order) == before:
            order += [one for one in costs.sort_values().index if one not in order]
    return order


def optimal(target: bool) -> Order:
    """D-optimal, or V-optimal with ``target``: greedy per cost, of the likeliest law linearised at its estimates."""

    def order(
        task: Task, known: pd.DataFrame | None, rest: pd.DataFrame, left: float, rng: np.random.Generator
    ) -> list[Any]:
        from scalefit.decisions.planning.plan import _know

        plan = task.plan(known, rest, left, int(rng.integers(2**31)))
        request = plan.request
        told = _know(request, request.outcomes())
        belief = told.beliefs[int(np.argmax(told.laws))]
        centre = belief.z.mean(axis=0, keepdims=True)

        def slopes(places: Any) -> Any:
            at, out = values_at(belief.prior, centre, places)[0], []
            for j in range(centre.size):
                moved = centre.copy()
                moved.reshape(-1)[j] += 1e-4
                out.append((values_at(belief.prior, moved, places)[0] - at) / 1e-4)
            return np.array(out).T / belief.noise

        J, T = slopes(request.places(request.candidates)), slopes(request.places(request.question.looked_at))
        S = np.eye(centre.size)
        if request.runs is not None:
            K = slopes(request.places(request.runs))
            S = np.linalg.inv(S + K.T @ K)
        costs, picks, spent = task.costs[rest.index].to_numpy(), [], 0.0
        free = np.ones(len(costs), bool)
        while True:
            free &= costs <= (left - spent) * (1 + 1e-12)
            if not free.any():
                return [rest.index[k] for k in picks]
            SJ = J @ S
            more = np.einsum("ij,ij->i", SJ, J)
            gain = np.sum((SJ @ T.T) ** 2, axis=1) / (1 + more) if target else np.log1p(more)
            pick = int(np.argmax(np.where(free, gain / costs, -np.inf)))
            S = S - np.outer(SJ[pick], SJ[pick]) / (1 + more[pick])
            free[pick], spent = False, spent + costs[pick]
            picks.append(pick)

    return order


DESIGNS: dict[str, Order] = {
    "random": random, "cheapest first": cheapest, "geometric ladder": ladder,
    "D-optimal": optimal(False), "V-optimal": optimal(True), "planned": planned,
}  # fmt: skip


def play(task: Task, order: Order, budget: float, seed: int) -> tuple[pd.DataFrame, RunPlan]:
    """Choose runs in stages within a budget; the chosen rows and what is then known of the test rows."""
    rng = np.random.default_rng(seed)
    costs = task.costs
    taken: list[Any] = []
    left = budget
    while True:
        rest = task.train.drop(index=taken)
        rest = rest[costs[rest.index] <= left * (1 + 1e-12)]
        if not len(rest):
            break
        known = task.train.loc[taken] if taken else None
        spent, before = 0.0, len(taken)
        for one in order(task, known, rest, left, rng):
            if spent + costs[one] > left * (1 + 1e-12):
                continue
            taken.append(one)
            spent += costs[one]
            if spent >= STAGE * left:
                break
        left -= spent
        if len(taken) == before:
            break
    known = task.train.loc[taken] if taken else None
    return task.train.loc[taken], task.plan(known, task.train, max(left, 1e-300), seed)


def campaign(
    task: Task,
    order: Order,
    tranches: list[float],
    begun: list[Any],
    seed: int,
    *,
    goal: float = 0.0,
    looks: Sequence[float] = (),
) -> list[tuple[float, RunPlan]]:
    """What is known after each tranche of money, and what was spent by then; ends once the half-width is at the goal.

    ``begun`` are rows whose losses are known at no cost. Within a tranche the losses are looked at, and the rest is
    planned anew, once each of the shares ``looks`` of what is left has been spent.
    """
    rng, costs = np.random.default_rng(seed), task.costs
    taken, spent, out = list(begun), 0.0, []
    for tranche in tranches:
        for share in (*looks, 1.0):
            left = tranche - spent
            rest = task.train.drop(index=taken)
            rest = rest[costs[rest.index] <= left * (1 + 1e-12)]
            if not len(rest):
                break
            paid = 0.0
            for one in order(task, task.train.loc[taken] if taken else None, rest, left, rng):
                if paid >= share * left:
                    break
                if paid + costs[one] <= left * (1 + 1e-12):
                    taken.append(one)
                    paid += costs[one]
            spent += paid
            if not paid:
                break
        out.append((spent, task.plan(task.train.loc[taken], task.train, tranches[-1], seed)))
        if out[-1][1].half_width <= goal:
            break
    return out


def microlm(folder: Path) -> list[Task]:
    """Both families: the runs held back are predicted from the others."""
    runs = sf.datasets.load("microlm").groupby("run").last()
    out = []
    for family, rows in runs.groupby("family"):
        rows = rows[["params", "tokens", "flops", "loss", "held_back"]].reset_index(drop=True)
        back, rows = rows["held_back"].astype(bool), rows.drop(columns="held_back")
        out.append(Task(f"microlm {family}", rows[~back].reset_index(drop=True), rows[back], cost="flops"))
    return out


def chinchilla(folder: Path) -> list[Task]:
    """The tenth of the runs with most compute is predicted from those with at most a tenth of their least."""
    runs = pd.read_csv(folder / "chinchilla_besiroglu" / "runs.csv")
    runs = runs[runs["outlier"] == 0][["params", "tokens", "flops", "loss"]]
    top = runs["flops"].quantile(0.9)
    below = runs[runs["flops"] <= top / 10].reset_index(drop=True)
    return [Task("chinchilla", below, runs[runs["flops"] >= top], cost="flops")]
