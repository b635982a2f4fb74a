"""Train one job: a constant-rate trunk with a linear decay branched off it for each token budget."""

import copy
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
from corpus import WINDOW, read_text, training_order, validation_windows, windows
from models import FAMILIES, count_params
from plan import BATCH, DECAY_SHARE, STEP_TOKENS, WARMUP
from torch.nn import functional as F

SAVE_EVERY = 120.0  # seconds between checkpoints of the training state
DECAY_POINTS = 12


class Data:
    """Windows of the text in the order of one seed; validation windows are the same for all."""

    def __init__(self, seed):
        train, validation = read_text()
        rows = windows(train)
        self.rows, self.order = rows, training_order(len(rows), seed)
        self.validation = torch.from_numpy(validation_windows(validation).astype(np.int64))

    def batch(self, step):
        """The windows of update number ``step`` (1, 2, …), none of them seen before."""
        chosen = self.order[(step - 1) * BATCH : step * BATCH]
        if len(chosen) < BATCH:
            raise ValueError(f"step {step} would start a second epoch")
        return torch.from_numpy(self.rows[chosen].astype(np.int64))


def loss_of(model, rows):
    return F.cross_entropy(model(rows[:, :WINDOW]).flatten(0, 1), rows[:, 1:].flatten())


@torch.no_grad()
def validation_loss(model, rows):
    return float(np.mean([loss_of(model, part).item() for part in rows.split(64)]))


class Training:
    """A model, its optimiser and how far they are."""

    def __init__(self, job):
        torch.manual_seed(job.seed)
        self.model = FAMILIES[job.family](job.width, job.layers, WINDOW)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=job.peak, betas=(0.9, 0.98), fused=True)
        self.step, self.seen = 0, []

    def advance(self, data, rate):
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.step += 1
        loss = loss_of(self.model, data.batch(self.step))
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.seen.append(loss.item())

    def row(self, data, rate):
        row = {
            "step": self.step,
            "tokens": self.step * STEP_TOKENS,
            "lr": rate,
            "loss": validation_loss(self.model, data.validation),
            "train_loss": float(np.mean(self.seen)),
        }
        self.seen = []
        return row

    def state(self):
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seen": self.seen,
        }

    def load(self, state):
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seen = state["step"], list(state["seen"])


def trunk_rate(job, step):
    return job.peak * min(1.0, step / WARMUP)


def branch_step(budget):
    return round((1 - DECAY_SHARE) * budget / STEP_TOKENS)


def run_decay(job, training, data, budget):
    """The decay to zero of one budget: rows at equal distances; the trunk is left as it was."""
    branch = copy.deepcopy(training)
    start, end = branch_step(budget), budget // STEP_TOKENS
    points = set(np.linspace(start, end, DECAY_POINTS + 1).round().astype(int)[1:])
    rows = []
    while branch.step < end:
        rate = trunk_rate(job, branch.step + 1) * (end - branch.step - 1) / (end - start)
        branch.advance(data, rate)
        if branch.step in points:
            rows.append(branch.row(data, rate))
    return rows


def run_job(job, work, report=lambda job, step, end: None):
    """Train a job, or go on where it stopped; the finished log is written to ``work/<name>.json`` at once."""
    torch.set_num_threads(1)
    done, state_path = Path(work) / f"{job.name}.json", Path(work) / f"{job.name}.pt"
    if done.exists():
        return
    data, training, started = Data(job.seed), Training(job), time.time()
    log = {"params": count_params(training.model), "trunk": [], "decays": {}, "seconds": 0.0}
    if state_path.exists():
        saved = torch.load(state_path, weights_only=False)
        training.load(saved["training"])
        log = saved["log"]
    end = branch_step(max(job.budgets))
    points = {*np.geomspace(20, end, 48).round().astype(int), *map(branch_step, job.budgets)}
    branches = {branch_step(budget): budget for budget in job.budgets}
    before, last_save = log["seconds"], time.time()
    while training.step < end:
        rate = trunk_rate(job, training.step + 1)
        training.advance(data, rate)
        if training.step in points:
            log["trunk"].append(training.row(data, rate))
        if training.step in branches:
            budget = branches[training.step]
            log["decays"][str(budget)] = run_decay(job, training, data, budget)
        log["seconds"] = before + time.time() - started
        if time.time() - last_save > SAVE_EVERY:
            write(state_path, lambda path: torch.save({"training": training.state(), "log": log}, path))
            report(job, training.step, end)
            last_save = time.time()
    log["job"] = {name: getattr(job, name) for name in ("family", "width", "layers", "seed", "peak")}
    write(done, lambda path: Path(path).write_text(json.dumps(log)))
    state_path.unlink(missing_ok=True)


def write(path, save):
    """Write beside and rename, so that a kill never leaves half a file."""
    beside = path.with_suffix(path.suffix + ".part")
    save(beside)
    os.replace(beside, path)
