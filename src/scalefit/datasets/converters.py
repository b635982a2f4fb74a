"""From the table that a study published to the tidy one: one function a study, at most thirty lines each.

The columns of CSV files arrive as text, so that every number is read to its last digit, whatever the reader.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


def chinchilla_besiroglu(points: pd.DataFrame) -> pd.DataFrame:
    """Read the points of a figure as runs; the five of the highest losses, which the refit leaves out, are marked."""
    params, flops, loss = (_floats(points[name]) for name in ("Model Size", "Training FLOP", "loss"))
    return pd.DataFrame(
        {
            "run": [f"chin{row:03d}" for row in range(len(points))],
            "params": params,
            "tokens": flops / (6.0 * params),
            "flops": flops,
            "loss": loss,
            "svg_x": _floats(points["x"]),
            "svg_y": _floats(points["y"]),
            "color": points["color"].to_numpy(),
            "outlier": (loss >= np.sort(loss)[-5]).astype(int),
        }
    )


def revisiting_lang(curves: pd.DataFrame) -> pd.DataFrame:
    """Learning curves of 20 series; the file repeats those of language models four times, here each stands once."""
    curves = curves.drop_duplicates()
    domain, model = curves["Domain"], curves["Model"]
    sizes = {"1.68e+07": "17M", "1.34e+08": "134M", "2.62e+08": "262M", "4.53e+08": "453M", "1.07e+09": "1.07B"}
    tidy = pd.DataFrame({"domain": domain})
    tidy["task"] = curves["Task"].str.replace(r"\('(\w+)', '(\d)-shot'\)", r"\1_\2shot", regex=True)
    tidy["model"] = model.replace(sizes).str.replace(", ", "-").str.replace(" ", "")
    tidy.insert(0, "series", tidy["domain"] + "/" + tidy["task"] + "/" + tidy["model"])
    # The benchmark's description gives all translation models as 300M parameters, and the one of Big-Bench as 262M.
    stated = {"NMT": 3e8, "BB": 2.62e8}
    tidy["params"] = [stated[d] if d in stated else float(m) for d, m in zip(domain, model, strict=True)]
    tidy["x"], tidy["y"] = _floats(curves["Seen Examples"]), _floats(curves["Loss"])
    tidy["split"] = np.where(curves["Training"] == "1", "train", "test")
    return tidy.sort_values(["series", "x"], kind="stable")


_ROUTED = {
    "router_type": "family", "num_experts": "experts", "k": "k", "routing_frequency": "routing_frequency",
    "dense_parameter_count": "params", "total_parameter_count": "params_total", "step": "step",
    "flops_per_step": "flops_per_step", "loss_validation": "loss", "loss_c4": "loss_c4",
    "loss_curation_corpus": "loss_curation_corpus", "loss_lambada": "loss_lambada", "loss_pile": "loss_pile",
    "loss_wikitext103": "loss_wikitext103", "d_model": "width", "num_blocks": "layers", "num_heads": "heads",
    "kqv_size": "kqv_size", "flop_increase": "flop_increase", "seed": "seed", "model_size_label": "size_label",
}  # fmt: skip
_ROUTED_TEXT = ("router_type", "model_size_label")
_ROUTED_FLOATS = ("routing_frequency", "flops_per_step", "flop_increase")


def _routed(curves: pd.DataFrame) -> pd.DataFrame:
    """Every evaluation, by setting and step, with its columns in their own types and known names."""
    tidy = pd.DataFrame({"run": [f"moe{int(setting):04d}" for setting in curves["hyper_id"]]})
    for name, known in _ROUTED.items():
        if name in _ROUTED_TEXT:
            tidy[known] = curves[name].to_numpy()
        elif name in _ROUTED_FLOATS or name.startswith("loss"):
            tidy[known] = _floats(curves[name])
        else:
            tidy[known] = _floats(curves[name]).astype(np.int64)
    return tidy.sort_values(["run", "step"], kind="stable")


def moe_routing_runs(curves: pd.DataFrame) -> pd.DataFrame:
    """Take the last evaluation of every setting, of each loss the last one that is there."""
    final = _routed(curves).groupby("run", as_index=False).last()
    main = (final["routing_frequency"] == 0.5) & (final["k"] == 1) & (final["seed"] == 42)
    return final.assign(in_main_fit=main.astype(int))


def moe_routing_checkpoints(curves: pd.DataFrame) -> pd.DataFrame:
    """Every evaluation, its losses to six decimals."""
    names = ["run", "family", "experts", "k", "routing_frequency", "params", "seed", "step"]
    losses = ["loss", "loss_c4", "loss_pile"]
    return _routed(curves)[[*names, *losses]].round(dict.fromkeys(losses, 6))


def scalebench_parallel(train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Losses of models that run in several streams."""
    return _split(train, test).rename(columns={"num_params": "params", "parallel_size": "streams"})


def scalebench_data_constrained(train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Losses of models trained on repeated data."""
    return _split(train, test)


def scalebench_moe(train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Losses of models with routed experts."""
    names = {"num_experts": "experts", "dense_parameter_count": "params_dense", "loss_validation": "loss"}
    return _split(train, test).rename(columns=names)


#: The curves of one model size, in the order of the table; the last three are constant at another rate from step 8,000.
ANNEALED = (
    "constant_24000", "constant_72000", "cosine_24000", "cosine_72000", "wsd_20000_24000", "wsdld_20000_24000",
    "wsdcon_3", "wsdcon_9", "wsdcon_18",
)  # fmt: skip
_FITTED = ("constant_24000", "cosine_24000", "wsdcon_9")


def lr_annealing_mpl(*curves: pd.DataFrame) -> pd.DataFrame:
    """Loss curves under nine learning-rate schedules, one file each, in the order of ``ANNEALED``."""
    tables = []
    for schedule, curve in zip(ANNEALED, curves, strict=True):
        total = 16_000 if schedule.startswith("wsdcon") else int(schedule.rpartition("_")[2])
        table = pd.DataFrame(
            {
                "run": f"mpl100m_{schedule}",
                "model": "100M",
                "schedule": schedule,
                "total_steps": total,
                "split": "fit" if schedule in _FITTED else "eval",
                "step": _floats(curve["step"]).astype(np.int64),
                "lr": _floats(curve["lr"]),
                "loss": _floats(curve["loss"]),
            }
        )
        tables.append(table)
    return pd.concat(tables)


def _split(train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([train.assign(split="train"), test.assign(split="test")])[["split", *train.columns]]


def _floats(column: pd.Series) -> Floats:
    return np.array([float(text) if text else np.nan for text in column])
