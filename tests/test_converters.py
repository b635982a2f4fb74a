"""From what studies published to the tidy tables, byte for byte where the published bytes are known."""

import ast
import hashlib
import inspect
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import scalefit as sf
from file_server import (
    cache as cache,  # a fixture
    serving,
)
from scalefit.datasets import STUDIES, converters
from scalefit.datasets.download import fetch_tidy, tidy_text
from scalefit.datasets.registry import Origin
from scalefit.runs.readers.precision import float_precision
from shared_data import shared


def text_of(table):
    """A frame with every value as the text of a CSV file, as a converter gets it."""
    return pd.read_csv(io.BytesIO(tidy_text(table)), dtype=str, keep_default_na=False)


def published_chinchilla():
    """The published bytes, written again from the tidy table: their sha256 shows that they are the very ones."""
    rows = pd.read_csv(shared("chinchilla_besiroglu/runs.csv"), dtype=str)
    names = {"svg_x": "x", "svg_y": "y", "color": "color", "params": "Model Size", "flops": "Training FLOP"}
    table = rows[[*names]].rename(columns=names).assign(hex_color=rows.color, loss=rows.loss)
    return tidy_text(table)


def published_revisiting():
    rows = pd.read_csv(shared("revisiting_lang/series.csv"), dtype=str)
    sizes = {"17M": "1.68e+07", "134M": "1.34e+08", "262M": "2.62e+08", "453M": "4.53e+08", "1.07B": "1.07e+09"}
    translators = {"6Enc-6Dec": "6 Enc, 6 Dec", "28Enc-6Dec": "28 Enc, 6 Dec", "6Enc-28Dec": "6 Enc, 28 Dec"}
    translators |= {"Dec-only": "Dec-only", "TEnc-LSTM": "TEnc-LSTM"}
    lines = ["Domain,Task,Model,Seen Examples,Loss,Training"]

    def add(domain, task, name, published_task, published_name, times=1):
        table = rows[(rows.domain == domain) & (rows.task == task) & (rows.model == name)]
        series = [
            f"{domain},{published_task},{published_name},{row.x},{row.y},{int(row.split == 'train')}"
            for row in table.itertuples()
        ]
        lines.extend(times * series)

    for name, published in translators.items():
        add("NMT", "log_perplexity", name, "log_perplexity", f'"{published}"')
    for name, published in sizes.items():
        add("LM", "val_loss", name, "val_loss", published, times=4)
    for task in ("date", "ling", "qa", "mult", "unit"):
        for shots in "12":
            add("BB", f"{task}_{shots}shot", "262M", f"\"('{task}', '{shots}-shot')\"", "262M")
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("name", "published"), [("chinchilla_besiroglu", published_chinchilla), ("revisiting_lang", published_revisiting)]
)
def test_the_published_bytes_make_the_tidy_table_byte_for_byte(name, published, cache, monkeypatch):
    """Two origins whose bytes are known: their sha256 was also noted by others who fetched them."""
    content = published()
    study = STUDIES[name]
    (part,) = study.parts
    assert hashlib.sha256(content).hexdigest() == part.origins[0].sha256
    with serving(table__csv=content) as server:
        here = replace(part.origins[0], url=server.url("table.csv"))
        monkeypatch.setitem(STUDIES, name, replace(study, parts=(replace(part, origins=(here,)),)))
        runs = sf.datasets.load(name)
    assert len(runs) == part.rows
    assert (cache / name / part.file).read_bytes() == shared(f"{name}/{part.file}").read_bytes()


def routed_evaluations():
    """Evaluations of routed models, in the columns that their home describes, rebuilt from the two tidy tables."""
    runs = pd.read_csv(shared("moe_routing/runs.csv"), float_precision=float_precision())
    losses = ["loss_curation_corpus", "loss_lambada", "loss_wikitext103"]
    last = runs.assign(hyper_id=runs.run.str[3:].astype(int))
    early = last.assign(step=0, loss=10.0, loss_c4=10.0, loss_pile=10.0, **dict.fromkeys(losses, float("nan")))
    names = {known: name for name, known in converters._ROUTED.items()}
    return text_of(pd.concat([last, early]).drop(columns=["run", "in_main_fit"]).rename(columns=names))


def test_the_last_evaluation_of_each_routed_model_is_its_run():
    made = converters.moe_routing_runs(routed_evaluations())
    assert tidy_text(made) == shared("moe_routing/runs.csv").read_bytes()


def test_checkpoints_of_routed_models_are_in_order_and_rounded():
    made = converters.moe_routing_checkpoints(routed_evaluations())
    kept = pd.read_csv(shared("moe_routing/checkpoints.csv.gz"), float_precision=float_precision())
    assert list(made) == list(kept)
    assert len(made) == 2 * 223
    assert made[["run", "step"]].to_numpy().tolist() == sorted(made[["run", "step"]].to_numpy().tolist())
    both = made.merge(kept, on=["run", "step"], suffixes=("", "_kept"))
    np.testing.assert_array_equal(both.loss[both.step > 0], both.loss_kept[both.step > 0])


def test_nine_curves_become_one_table():
    kept = pd.read_csv(shared("lr_annealing_gpt/mpl_100m.csv"), float_precision=float_precision())
    curves = [text_of(kept.loc[kept.schedule == name, ["step", "lr", "loss"]]) for name in converters.ANNEALED]
    assert tidy_text(converters.lr_annealing_mpl(*curves)) == shared("lr_annealing_gpt/mpl_100m.csv").read_bytes()


@pytest.mark.parametrize("part", STUDIES["scalebench"].parts, ids=lambda part: part.name)
def test_a_task_of_two_files_becomes_one_table(part, cache, monkeypatch):
    """As the data card gives the columns."""
    kept = pd.read_csv(shared(f"scalebench/{part.file}"), float_precision=float_precision())
    names = {
        "parallel": {"params": "num_params", "streams": "parallel_size"},
        "data_constrained": {},
        "moe": {"experts": "num_experts", "params_dense": "dense_parameter_count", "loss": "loss_validation"},
    }
    files = {}
    for split, rows in kept.groupby("split"):
        buffer = io.BytesIO()
        rows.drop(columns="split").rename(columns=names[part.name]).to_parquet(buffer, index=False)
        files[f"{split}__parquet"] = buffer.getvalue()
    with serving(**files) as server:
        origins = tuple(Origin(server.url(f"{split}.parquet")) for split in ("train", "test"))
        path = fetch_tidy(STUDIES["scalebench"], replace(part, origins=origins))
    assert path.read_bytes() == shared(f"scalebench/{part.file}").read_bytes()


def test_the_converters_are_short():
    tree = ast.parse(inspect.getsource(converters))
    lengths = {node.name: node.end_lineno - node.lineno + 1 for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert max(lengths.values()) <= 30
