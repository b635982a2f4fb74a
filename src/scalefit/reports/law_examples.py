"""Values and inputs on which the page of a law shows it, where the usual ones would say little.

A law needs no entry here: without one it is shown with its published constants, or with values from the ranges of its
parameters, over the usual ranges of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pandas as pd

from scalefit.laws import get_law

ILLUSTRATIVE = "illustrative values"


@dataclass(frozen=True)
class Example:
    """What the picture and the sample call of a law show.

    Parameters
    ----------
    axes : input -> (low, middle, high)
        The ends of its panel, and the value at which the other panels hold it. The first three are drawn. A name that
        is no input of the law is turned into inputs by ``follows``.
    values : parameter -> value
        Empty for published constants, or for values from the ranges of the parameters where there are none.
    told : str
        Which published constants, the first if empty; with ``values`` where those come from.
    lines : panel -> the input whose three values are its lines
        The first other one where a panel is left out.
    labels : column -> what stands on its axis, where the usual label does not hold
    linear : inputs whose axis is not logarithmic although it spans much
    follows : callable, optional
        Takes the inputs drawn and returns those of the law; NaN where no run can be.
    """

    axes: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    told: str = ""
    lines: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    linear: tuple[str, ...] = ()
    follows: Callable[[pd.DataFrame], pd.DataFrame] | None = None


def rest_in_equal_parts(table: pd.DataFrame) -> pd.DataFrame:
    """Shares of three domains: the second and third have what the first leaves."""
    rest = (1 - table["share_1"]) / 2
    return table.assign(share_2=rest, share_3=rest)


def within_the_whole(table: pd.DataFrame) -> pd.DataFrame:
    """Shares that sum to one at most; NaN elsewhere."""
    return table.where(table["share_1"] + table["share_2"] <= 1)


def total_from_ratio(table: pd.DataFrame) -> pd.DataFrame:
    """All parameters from the active ones: a model has no fewer."""
    return table.assign(params_total=table["params_active"] * table["ratio"])


def student_alone(table: pd.DataFrame) -> pd.DataFrame:
    """The loss that a student reaches without a teacher, by the supervised law of the same paper."""
    alone = get_law("chinchilla_gamma").with_constants("busbridge2025")
    return table.assign(loss_supervised=alone({name: table[name] for name in ("params", "tokens")}))


DATA = (1e3, 3e6, 1e10)
SIZES = (1e8, 1e9, 1e10)
TOKENS = (1e9, 3e10, 1e12)
EXPERTS = {"params": (1e7, 1e8, 1e9), "experts": (1.0, 16.0, 512.0)}
UPCYCLED = {"params_active": SIZES, "ratio": (1.0, 4.0, 16.0)}
RATIO = {"ratio": "all parameters over active ones"}
SURFACE = {"E": 1.8, "A": 500.0, "alpha": 0.35, "B": 2000.0, "beta": 0.37}
MIXTURE = {"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.36, "C_1": 3.0, "C_2": 1.5, "C_3": 0.8} | {
    "gamma_1": 0.4, "gamma_2": 0.6, "gamma_3": 0.9}  # fmt: skip
SHARED = {"share_1": (0.0, 0.3, 1.0), "params": (1e8, 1e9, 1e10), "tokens": TOKENS}
TRAINED = {"x": "x: training samples"}
KUMAR = "constants: Kumar et al. 2024, Table 2, without their offset b"
NON_EMBEDDING = {"x": "x: parameters outside the embeddings"}
#: Elo is 0 at perfect play.
ELO = (-1500.0, -750.0, 0.0)

EXAMPLES: Mapping[str, Example] = MappingProxyType({
    # One variable.
    "power": Example({"x": (1e6, 1e8, 1e10)}, labels=NON_EMBEDDING),
    "henighan": Example({"x": (1e6, 1e8, 1e10)}, labels=NON_EMBEDDING),
    "power_offset": Example({"x": (1e5, 1e7, 1e9)}, labels={"x": "x: training tokens", "loss": "token error"}),
    "power_shift": Example({"x": DATA}, {"A": 30.0, "B": 4e5, "alpha": 0.3}, labels=TRAINED),
    "power_shift_offset": Example({"x": DATA}, {"A": 30.0, "B": 4e5, "alpha": 0.3, "E": 0.1}, labels=TRAINED),
    "hestness_regions": Example(
        {"x": (1e3, 3e7, 1e12)}, {"gamma": 0.3, "eps_0": 6.0, "m_0": 2e5, "beta": 0.35, "f": 0.8}, labels=TRAINED
    ),
    "exp_decay": Example({"x": (1e4, 3e5, 1e7)}, {"eps_inf": 0.05, "A": 0.6, "P_0": 4e5}, labels=TRAINED),
    "stretched_exp": Example(
        {"x": (1e3, 1e5, 1e7)}, {"eps_inf": 0.05, "A": 0.6, "P_0": 4e5, "kappa": 0.6}, labels=TRAINED
    ),
    "quad_log": Example({"x": DATA}, {"a": 120.0, "b": -14.0, "c": 0.45}, labels={"x": "x: size or compute"}),
    "bnsl": Example(
        {"x": DATA}, {"a": 0.3, "b": 8.0, "c0": 0.05, "d1": 2e6, "f1": 0.5, "c1": 0.35}, labels=TRAINED
    ),
    "bnsl_2": Example(
        {"x": DATA},
        {"a": 0.3, "b": 8.0, "c0": 0.05, "d1": 3e5, "f1": 0.4, "c1": 0.5, "r2": 1e3, "f2": 0.5, "c2": -0.35},
        labels=TRAINED,
    ),
    "bnsl_3": Example(
        {"x": DATA},
        {"a": 0.3, "b": 8.0, "c0": 0.05, "d1": 6e4, "f1": 0.25, "c1": 0.5, "r2": 160.0, "f2": 0.25, "c2": -0.5}
        | {"r3": 200.0, "f3": 0.3, "c3": 0.6},
        labels=TRAINED,
    ),
    "m1": Example({"x": (1e6, 3e8, 1e11)}, {"beta": 12.0, "c": -0.08}, labels=TRAINED),
    "m2": Example({"x": DATA}, {"eps_inf": 0.3, "beta": 30.0, "c": -0.33}, labels=TRAINED),
    "m3": Example({"x": DATA}, {"beta": 20.0, "gamma": 2e-7, "c": 0.25}, labels=TRAINED),
    "m4": Example(
        {"x": DATA},
        {"eps_inf": 0.2, "eps_0": 1.0, "x_0": 7e5, "c": -0.45, "alpha": 0.7},
        labels=TRAINED | {"loss": "error"},
    ),
    # Size and data.
    "chinchilla": Example({"params": (1e8, 1e9, 1e11), "tokens": (1e9, 2e10, 1e12)}, told="besiroglu2024"),
    "gadre_cm": Example(
        {"flops": (1e18, 1e20, 1e22), "tokens_per_param": (1.0, 20.0, 1000.0)},
        {"E": 1.9, "a": 230.0, "b": 860.0, "eta": 0.14},
    ),
    "farseer": Example(
        {"params": SIZES, "tokens": TOKENS}, labels={"loss": "loss (bits per character)"}
    ),
    "rosenfeld": Example(
        {"tokens": (1e3, 1e5, 1e7), "params": (1e3, 1e5, 1e7)},
        {"e_0": 0.9, "a": 60.0, "alpha": 0.55, "b": 40.0, "beta": 0.45, "c_inf": 0.08},
    ),
    "isoflop_params": Example({"flops": (1e18, 1e20, 1e23)}),
    "isoflop_tokens": Example({"flops": (1e19, 1e22, 1e26)}),
    "model_growth": Example({"x": (1e6, 3e7, 1e9)}, {"alpha_s": 20.0, "beta_p": 0.69}, labels=TRAINED),
    "lr_annealing": Example(
        values={"L0": 2.6278, "A": 0.4297, "alpha": 0.5498, "C": 0.4108},
        told="constants: the example of Tissue et al. 2024",
    ),
    "lr_annealing_n": Example(
        {"params": (1e7, 1e8, 1e9)},
        {"L0": 1.8, "A": 0.45, "alpha": 0.5, "B": 20.0, "beta": 0.19, "C": 0.06, "gamma": 0.1},
    ),
    "forward_momentum": Example(
        {"params": (1e7, 1e8, 1e9)}, {"L0": 1.9, "A": 0.45, "a_S": 0.5, "B": 25.0, "a_N": 0.22, "C": 0.06}
    ),
    "fsl": Example(
        values={"L0": 2.62418, "b": 27.3722, "s": 0.451222, "c": 790_546.0, "beta": 1.3656, "k": 4556.73},
        told="our fit to the three fit curves of Luo et al. 2025",
    ),
    "fsl_n": Example(
        {"params": (1e7, 1e8, 1e9), "batch_tokens": (1e5, 5e5, 2e6)},
        {"L0": 1.8, "a": 30.0, "p": 0.2, "b": 27.0, "s": 0.45, "c": 4e11, "beta": 1.4, "k": 4500.0},
    ),
    "su_trajectory": Example({"params": (1e7, 1e8, 1e9), "step": (2e3, 2e4, 2e5), "batch_tokens": (1e5, 5e5, 4e6)}),
    # Architecture.
    "nmt_bivariate": Example(
        {"params_encoder": (1e7, 1e8, 1e9), "params_decoder": (1e7, 1e8, 1e9)},
        {"alpha": 2500.0, "p_e": 0.18, "p_d": 0.31, "L_inf": 1.2},
    ),
    "parscale": Example(
        {"params": (5e8, 1.6e9, 5e9), "streams": (1.0, 4.0, 16.0)},
        {"E": 0.6912, "A": 1.131e7, "alpha": 0.1894, "k": 0.3935},
        told="constants: our fit to the losses on Python that the authors' code prints",
    ),
    "distillation": Example(
        {"loss_teacher": (1.7, 2.0, 3.0), "params": SIZES, "tokens": (1e9, 2e10, 1e12)}, follows=student_alone
    ),
    "vocab": Example(
        {"params_non_vocabulary": (3e7, 3e8, 3e9), "params_vocabulary": (2e6, 2e7, 2e8), "tokens": (1e9, 1e10, 1e11)}
    ),
    "sparsity": Example({"sparsity": (0.0, 0.5, 0.95), "params_nonzero": (1e7, 1e8, 1e9), "tokens": (1e9, 1e10, 1e11)}),
    "sae": Example({"latents": (2e3, 2e5, 2e7), "active_latents": (8.0, 64.0, 512.0)}),
    "upcycling_product": Example(
        UPCYCLED, {"A": 60.0, "a": 0.1, "b": 0.22, "E": 1.5}, labels=RATIO, follows=total_from_ratio
    ),
    "upcycling_product_interaction": Example(
        UPCYCLED, {"A": 60.0, "a": 0.5, "b": 0.22, "c": 0.02, "E": 1.5}, labels=RATIO, follows=total_from_ratio
    ),
    "upcycling_sum": Example(
        UPCYCLED, {"A": 0.5, "a": 0.4, "B": 60.0, "b": 0.22, "E": 1.4}, labels=RATIO, follows=total_from_ratio
    ),
    "upcycling_sum_interaction": Example(
        UPCYCLED, {"A": 0.6, "a": 0.7, "B": 60.0, "b": 0.22, "c": -0.01, "E": 1.4}, labels=RATIO,
        follows=total_from_ratio,
    ),
    "moe_clark": Example(EXPERTS),
    "moe_clark_floor": Example(EXPERTS, {"L_inf": 1.4, "A": 25.0, "a": -0.17, "b": -0.2, "c": 0.013}),
    "moe_clark_saturated_floor": Example(
        EXPERTS, {"L_inf": 1.4, "A": 25.0, "a": -0.17, "b": -0.2, "c": 0.013, "E_start": 2.0, "E_max": 400.0}
    ),
    "moe_finegrained": Example({"params_active": SIZES, "tokens": TOKENS, "granularity": (1.0, 4.0, 64.0)}),
    "moe_joint": Example({"params_active": SIZES, "tokens": TOKENS, "experts": (1.0, 8.0, 256.0)}),
    "moe_lr": Example({"params_active": (1e7, 1e8, 1e9), "experts": (1.0, 4.0, 32.0)}),
    "moe_sparsity_abnar": Example(
        {"params_total": SIZES, "tokens": TOKENS, "sparsity": (0.0, 0.5, 0.98)}, lines={"tokens": "sparsity"}
    ),
    "precision": Example(
        {"bits_weights": (4.0, 16.0, 16.0), "bits_activations": (4.0, 16.0, 16.0), "params": (3e7, 3e8, 3e9)}
        | {"tokens": (1e9, 1e10, 1e11), "bits_kv_cache": (4.0, 16.0, 16.0)},
        lines={"bits_weights": "params", "bits_activations": "params", "params": "tokens"},
    ),
    "precision_weights": Example(
        {"bits_weights": (3.0, 5.0, 16.0), "params": (3e7, 3e8, 3e9), "tokens": (1e9, 1e10, 1e11)},
        SURFACE | {"gamma_w": 2.6745, "n_w": 0.3037},
        lines={"bits_weights": "params", "tokens": "bits_weights"},
    ),
    "quantization_increase": Example(
        {"bits_post_training": (3.0, 4.0, 8.0), "tokens": (1e9, 1e10, 1e12), "params": (1e8, 1e9, 1e10)},
        {"C_T": 0.0598, "gamma_D": 0.5068, "gamma_N": 0.3439, "gamma_post": 0.5907},
        told=KUMAR,
        lines={"bits_post_training": "params", "tokens": "params", "params": "tokens"},
    ),
    "quantization": Example(
        {"tokens": (1e9, 1e11, 1e13), "bits_post_training": (3.0, 5.0, 16.0), "params": (1e8, 1e9, 1e10)},
        SURFACE | {"C_T": 0.2, "gamma_D": 0.5068, "gamma_N": 0.3439, "gamma_post": 0.9},
        lines={"bits_post_training": "params"},
    ),
    # Data.
    "data_constrained": Example(
        {"tokens": (1e9, 1e11, 1e13), "unique_tokens": (1e9, 1e10, 1e11), "params": (1e8, 1e9, 1e11)},
        lines={"params": "unique_tokens"},
    ),
    "data_filtering": Example(
        {"samples": (1e6, 1e8, 1e10), "unique_samples": (1e6, 1e7, 1e8)}, {"a": 8.0, "b": -0.2, "tau": 3.0, "d": 0.1}
    ),
    "data_filtering_pools": Example(
        {"samples": (1e6, 1e8, 1e10), "share_1": (0.0, 0.5, 1.0), "unique_samples": (1e6, 1e7, 1e8)},
        {"a": 5.0, "d": 0.1, "b_1": -0.25, "b_2": -0.2, "b_3": -0.15, "tau_1": 2.0, "tau_2": 4.0, "tau_3": 8.0},
        follows=rest_in_equal_parts,
    ),
    "mix_exp": Example(
        {"share_1": (0.0, 0.3, 0.6), "share_2": (0.0, 0.3, 0.6)},
        {"c": 2.2, "k": 1.1, "t_1": -1.6, "t_2": 0.5},
        follows=within_the_whole,
    ),
    "mix_additive": Example(SHARED, MIXTURE, follows=rest_in_equal_parts),
    "mix_joint": Example(
        SHARED, MIXTURE | {"gamma_A": 0.6, "gamma_B": 1.5, "a_1": 0.5, "a_2": 2.0, "b_1": 3.0, "b_2": 0.4},
        follows=rest_in_equal_parts,
    ),
    "asymptote": Example({"params": (1e8, 5e8, 5e9)}),
    "ensemble": Example({"members": (1.0, 4.0, 16.0)}, {"E": 3.34, "A": 0.4, "alpha": 1.0}, linear=("members",)),
    "asymptote_of_D": Example({"tokens": (2e8, 5e9, 2e11)}, {"E": 1.9, "A": 150.0, "alpha": 0.24}),
    "transfer": Example({"finetuning_tokens": (1e5, 1e7, 1e9), "params": (1e6, 3e7, 1e9)}),
    "finetune_joint": Example({"params": (1e9, 4e9, 1.6e10), "finetuning_examples": (2e3, 2e5, 2e7)}),
    "finetune_joint_tokens": Example({"tokens": (1e10, 1e11, 1e12), "finetuning_examples": (2e3, 2e5, 2e7)}),
    "finetune_rectified": Example(
        {"x": (1.0, 1e3, 1e7)}, {"E": 0.8, "B": 120.0, "D_l": 40.0, "beta": 0.6}, labels={"x": "x: fine-tuning samples"}
    ),
    # Scores on tasks, answers, and what comes after pre-training.
    "downstream_ce": Example({"tokens": (1e6, 3e8, 1e11)}, {"E": 1.2, "A": 60.0, "alpha": 0.28}),
    "bleu_log": Example(
        {"tokens": (1e6, 3e8, 1e11)}, {"A": 2.0, "alpha": 0.12, "beta": 3.0}, labels={"score": "task score (BLEU)"}
    ),
    "err_exp": Example({"loss": (1.8, 3.0, 5.0)}, {"epsilon": 0.85, "k": 2.1, "gamma": 0.7}),
    "accuracy_sigmoid": Example(
        {"loss": (0.2, 1.2, 3.2)}, {"a": -0.68, "k": 3.2, "L_0": 1.4, "b": 0.93}, linear=("loss",)
    ),
    "accuracy_log_sigmoid": Example(
        {"loss": (0.2, 1.0, 1.9)}, {"a": -0.25, "k": 3.0, "L_0": 1.1}, linear=("loss",)
    ),
    "accuracy_single_step": Example(
        {"params": (1e7, 1e9, 1e11), "tokens": (1e9, 1e11, 1e13)},
        {"A": 60.0, "alpha": 0.2, "B": 120.0, "beta": 0.2, "E": -3.0, "p": -0.7, "q": 0.95},
    ),
    "observational": Example(
        {"component_1": (-3.0, 0.0, 3.0), "component_2": (-2.0, 0.0, 2.0), "component_3": (-1.0, 0.0, 1.0)},
        {"h": 0.95, "alpha": 0.4, "beta_1": -0.9, "beta_2": 0.3, "beta_3": -0.5},
    ),
    "observational_compute": Example({"flops": (1e20, 1e22, 1e25)}, {"theta": 0.5, "nu": -25.0}),
    "pass_log_power": Example({"params": (3e7, 3e8, 3e9)}, {"c": 2000.0, "alpha": 0.32}),
    "overopt_bon": Example({"kl": (0.0, 3.0, 12.0)}, {"alpha": 1.1, "beta": 0.3}, linear=("kl",)),
    "overopt_rl": Example({"kl": (0.05, 10.0, 60.0)}, {"alpha": 0.9, "beta": 0.45}, linear=("kl",)),
    "rl_sigmoid": Example(
        {"x": (1e2, 3e3, 1e5)},
        {"R_0": 0.25, "A": 0.62, "B": 1.4, "C_mid": 2500.0},
        labels={"x": "x: GPU hours", "reward": "reward (pass rate)"},
    ),
    "horizon": Example({"task_steps": (1.0, 30.0, 1000.0)}, {"q": 0.01}),
    "horizon_scaling": Example(
        {"params": (1e8, 3e9, 1e11), "task_steps": (1.0, 20.0, 300.0)}, {"A": 30.0, "a": 0.38}
    ),
    "coverage_exp_power_capped": Example({"samples": (1.0, 100.0, 1e4)}, {"c_max": 0.85, "a": -1.6, "b": -0.45}),
    "coverage_beta": Example({"samples": (1.0, 100.0, 1e4)}, {"alpha": 0.35, "beta": 1.7}),
    "ttspm": Example({"samples": (1.0, 8.0, 64.0)}, {"F_max": 0.83, "p_x": 0.21}),
    "imperfect_verifier": Example(
        {"samples": (1.0, 4.0, 40.0), "value_wrong": (-2.0, -0.7, 0.0)},
        {"p_1": 0.58, "r_1": 0.87, "d": 13 / 87, "s": 0.75},
        told="constants: the example of the authors' notebook",
    ),
    "train_test_tradeoff": Example({"flops": (1e12, 1e15, 1e17), "elo": ELO}),
    # Hyper-parameters.
    "lr_batch_rule": Example({"batch_size": (16.0, 256.0, 8192.0)}, {"c": 1e-4, "g": 0.5}),
    "width_lr_wd_rule": Example(
        {"width": (128.0, 1024.0, 8192.0), "lr": (1e-4, 1e-3, 1e-2), "weight_decay": (0.01, 0.1, 1.0)},
        {"c": 1.0, "p": 0.5, "q": 0.5, "r": 0.75},
        told="exponents: the abstract of the paper",
    ),
})  # fmt: skip
