"""The items of the checklist, in our own words.

After Li, Kudugunta and Zettlemoyer 2025, *(Mis)Fitting: A Survey of Scaling Laws*, arXiv:2502.18969.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One thing that a report must state: its group, its title, and what is asked of the author where nobody knows."""

    group: str
    title: str
    asks: str


_FORM, _VARIABLES, _TRAINING = "Form of the law", "Variables and units", "Training"
_EXTRACTION, _FITTING, _UNCERTAINTY = "From runs to rows", "Fitting", "Uncertainty"
_VALIDATION, _REPRODUCIBILITY = "Validation", "Reproducibility"

#: Key -> item, in the order of the list.
ITEMS: Mapping[str, Item] = {
    "formula": Item(_FORM, "exact formula", "the formula with every parameter"),
    "constraints": Item(_FORM, "constraints on parameters", "what was fixed, tied, bounded or given a prior"),
    "predicts": Item(_FORM, "quantity predicted", "what is predicted, on which evaluation set"),
    "purpose": Item(_FORM, "purpose", "interpolation, extrapolation (how far) or allocation of compute"),
    "why_this_form": Item(_FORM, "why this form", "why this form and no other"),
    "alternatives": Item(_FORM, "alternatives tried", "which other forms were tried, and how they did"),
    "params_counted": Item(
        _VARIABLES, "how parameters are counted", "total, without embeddings or active; which terms are counted"
    ),
    "tokens_counted": Item(_VARIABLES, "how data are counted", "tokens or samples; unique or repeated"),
    "flops_counted": Item(
        _VARIABLES, "how compute is counted", "6 N D or counted; with attention and embeddings or without"
    ),
    "loss_unit": Item(_VARIABLES, "unit of the target", "nats per token, bits per byte, …"),
    "tokenizer": Item(_VARIABLES, "tokenizer", "which tokenizer, and its vocabulary"),
    "models": Item(_TRAINING, "number of models, sizes and token counts", "how many models, of which sizes"),
    "ranges": Item(_TRAINING, "ranges", "smallest and largest N, D, C and D/N"),
    "architecture": Item(_TRAINING, "architecture", "which architecture, and how width and depth grow with size"),
    "optimizer": Item(_TRAINING, "optimizer", "which optimizer, its settings, batch size and warm-up"),
    "schedule": Item(_TRAINING, "learning rate and schedule", "peak rates, the schedule, and whether it ends with D"),
    "tuning": Item(_TRAINING, "tuning", "which settings were tuned or scaled with size, and how"),
    "data_source": Item(_TRAINING, "training data and epochs", "which data, and how often each token was seen"),
    "seeds": Item(_TRAINING, "seeds", "how many seeds each configuration was trained with"),
    "checkpoints": Item(_EXTRACTION, "final or intermediate checkpoints", "which checkpoints are rows"),
    "processing": Item(
        _EXTRACTION, "smoothing, cuts, interpolation, frontiers", "what was done to the losses, with window sizes"
    ),
    "left_out": Item(_EXTRACTION, "rows and runs left out", "what was filtered out, why, and how many"),
    "source_of_losses": Item(
        _EXTRACTION, "source of the losses", "own logs, tables, or digitised plots and how finely"
    ),
    "objective": Item(_FITTING, "objective", "residual, loss, delta, sum or mean, weights"),
    "solver": Item(_FITTING, "solver", "which solver, tolerances, iterations"),
    "starts": Item(_FITTING, "starting values", "grid, count or random, and how many agree"),
    "bounds": Item(_FITTING, "bounds", "the bounds of each parameter"),
    "convergence": Item(_FITTING, "check of convergence", "how convergence was decided"),
    "free_params": Item(_FITTING, "free parameters against points", "how many of each"),
    "intervals": Item(_UNCERTAINTY, "how intervals were made", "bootstrap (unit and count), delta method or profile"),
    "seed_noise": Item(_UNCERTAINTY, "noise between seeds", "how far equal runs with other seeds differ"),
    "correlations": Item(_UNCERTAINTY, "correlations of parameters", "which parameters trade off"),
    "sensitivity": Item(
        _UNCERTAINTY, "sensitivity", "what dropping sizes, another delta, other starts and another form change"
    ),
    "held_out": Item(
        _VALIDATION, "held-out runs and extrapolation", "which runs were held out, how far beyond the fit"
    ),
    "error_metric": Item(_VALIDATION, "error on held-out runs", "the error with its measure"),
    "goodness": Item(_VALIDATION, "goodness of fit", "residuals in the sample; R2 alone does not do"),
    "baseline": Item(_VALIDATION, "comparison with a baseline form", "the error of a simpler law on the same runs"),
    "data": Item(_REPRODUCIBILITY, "table of runs", "where the table can be found"),
    "code": Item(_REPRODUCIBILITY, "code", "where the code can be found"),
    "versions": Item(_REPRODUCIBILITY, "versions", "of every library"),
    "random_seeds": Item(_REPRODUCIBILITY, "random seeds", "of every draw"),
    "estimates": Item(_REPRODUCIBILITY, "raw parameters", "every parameter with at least 5 significant digits"),
}
