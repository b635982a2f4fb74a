"""The bundled runs are what their data card says."""

import gzip
import hashlib
import importlib.util
import math
import re
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scalefit as sf

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "microlm"
FOLDER = resources.files("scalefit.datasets").joinpath("microlm")
COMMON = ["run", "family", "params", "tokens", "flops", "step", "lr", "loss", "train_loss", "seed", "width", "layers"]
COLUMNS = {
    "ladder": [*COMMON, "held_back"],
    "schedules": [*COMMON, "schedule"],
    "repetition": [*COMMON, "unique_tokens", "epochs"],
    "encoder_decoder": [
        "run",
        "family",
        "params",
        "params_encoder",
        "params_decoder",
        "tokens",
        "source_tokens",
        "flops",
        "step",
        "lr",
        "loss",
        "train_loss",
        "seed",
        "width_encoder",
        "layers_encoder",
        "width_decoder",
        "layers_decoder",
    ],
}
PARTS = list(COLUMNS)
PARTS_IN_ORDER = ["ladder", "schedules", "encoder_decoder", "repetition"]
every_part = pytest.mark.parametrize("part", PARTS)
BUDGETS = [332_800, 788_480, 1_868_800, 4_431_872, 10_500_096]
WINDOWS_OF_THE_TEXT = 89_255
FAMILIES = ["lstm", "transformer"]


def load(part):
    return sf.datasets.load("microlm", part=part)


def last_rows(part):
    return load(part).groupby("run").last()


@pytest.fixture(scope="module")
def ladder():
    return sf.datasets.load("microlm")


@pytest.fixture(scope="module")
def final(ladder):
    return ladder.groupby("run").last()


@pytest.fixture(scope="module")
def card():
    return FOLDER.joinpath("CARD.md").read_text(encoding="utf-8")


@every_part
def test_every_part_has_its_columns_and_no_hole(part):
    table = load(part)
    assert list(table) == COLUMNS[part]
    assert table.notna().all(axis=None)


@every_part
def test_the_steps_of_every_run_rise_and_its_losses_are_possible(part):
    table = load(part)
    for _, run in table.groupby("run"):
        assert run.step.is_monotonic_increasing
        assert run.step.is_unique
    symbols = 259 if part == "encoder_decoder" else 256
    assert table[["loss", "train_loss"]].min(axis=None) > 0.02
    assert table.loss.max() < 1.2 * math.log(symbols)


@every_part
def test_no_run_diverged(part):
    """From one checkpoint to the next the loss rises by a tenth at most, and each run ends near its lowest loss."""
    for name, run in load(part).groupby("run"):
        after_warmup = run[run.step >= 64].loss.to_numpy()
        assert (np.diff(after_warmup) < 0.1 * after_warmup[:-1]).all(), name
        if part != "repetition":  # repeated text may be learnt by heart
            assert after_warmup[-1] < 1.05 * after_warmup.min(), name


def test_all_parts_together_are_small():
    assert sum(FOLDER.joinpath(f"{part}.csv.gz").stat().st_size for part in PARTS) < 1.5e6


def test_every_family_has_eight_sizes_at_five_budgets(final):
    assert sorted(final.family.unique()) == FAMILIES
    for _, family in final[final.seed == 0].groupby("family"):
        assert family.params.nunique() == 8
        assert family.groupby("params").tokens.apply(sorted).tolist() == [BUDGETS] * 8


def test_sizes_span_two_decades_and_budgets_one_and_a_half(final):
    sizes = final.groupby("family").params.agg(["min", "max"])
    assert (sizes["max"] / sizes["min"] > 100).all()
    assert sizes["max"].min() > 7.5e5
    assert math.log10(final.tokens.max() / final.tokens.min()) == pytest.approx(1.5, abs=0.01)


def test_two_sizes_of_each_family_have_four_seeds(final):
    for _, family in final.groupby("family"):
        seeds = family.groupby(["params", "tokens"]).seed.nunique()
        assert (seeds == 4).groupby("params").any().sum() == 2


def test_the_two_largest_sizes_of_each_family_are_held_back(final):
    for _, family in final.groupby("family"):
        assert sorted(family[family.held_back].params.unique()) == sorted(family.params.unique())[-2:]


def test_every_run_has_thirty_checkpoints_or_more(ladder):
    assert ladder.groupby("run").size().min() >= 30


def test_tokens_and_flops_follow_from_steps(ladder):
    assert (ladder.tokens == 1024 * ladder.step).all()
    assert (ladder.flops == 6 * ladder.params * ladder.tokens).all()


def test_no_run_sees_a_window_twice(ladder):
    assert ladder.step.max() * 8 <= WINDOWS_OF_THE_TEXT


@pytest.mark.parametrize("family", FAMILIES)
def test_losses_fall_with_size_at_the_largest_budget(final, family):
    longest = (final.family == family) & (final.tokens == BUDGETS[-1]) & (final.seed == 0)
    largest = final[longest].sort_values("params")
    assert (np.diff(largest.loss) < 0).all()


def test_losses_fall_with_tokens_at_every_size(final):
    for _, size in final.groupby(["family", "params", "seed"]):
        assert (np.diff(size.sort_values("tokens").loss) < 0).all()


def test_rates_warm_up_stay_and_end_at_zero(ladder):
    for _, run in ladder.groupby("run"):
        peak = run.lr.max()
        ramp, decay = run[run.step < 64], run[run.step > 0.8 * run.step.max() + 1]
        assert ramp.lr.to_numpy() == pytest.approx(peak * ramp.step.to_numpy() / 64, rel=1e-5)
        assert (np.diff(decay.lr) < 0).all()
        assert run.lr.iloc[-1] == 0


def test_runs_of_one_size_share_their_trunk(ladder):
    for _, size in ladder.groupby(["family", "params", "seed"]):
        early = size[size.step <= 0.8 * BUDGETS[0] / 1024]
        assert (early.groupby("step")[["lr", "loss", "train_loss"]].nunique() == 1).all(axis=None)
        assert (early.groupby("step").size() == size.run.nunique()).all()


def test_two_sizes_have_seven_schedules_logged_densely():
    curves = load("schedules")
    counts = curves.groupby(["params", "schedule"]).size().unstack()
    assert counts.shape == (2, 7)
    assert (counts >= 150).all(axis=None)
    assert curves.family.unique().tolist() == ["transformer"]


def test_schedules_that_begin_alike_share_their_first_checkpoints():
    for _, size in load("schedules").groupby("params"):
        alike = size[size.schedule.isin(["constant", "wsd-60", "wsd-80", "step"]) & (size.step <= 1000)]
        assert (alike.groupby("step").loss.nunique() == 1).all()


def test_encoder_and_decoder_sizes_vary_apart_on_a_full_grid():
    cells = last_rows("encoder_decoder").groupby(["width_encoder", "width_decoder"]).size().unstack()
    assert cells.shape == (4, 4)
    assert cells.notna().all(axis=None)


def test_a_larger_encoder_and_a_larger_decoder_both_help():
    losses = last_rows("encoder_decoder").query("seed == 0").pivot(
        index="width_encoder", columns="width_decoder", values="loss"
    )  # fmt: skip
    assert (losses.iloc[-1] < losses.iloc[0]).all()
    assert (losses.iloc[:, -1] < losses.iloc[:, 0]).all()


def test_two_sizes_repeat_their_text_from_one_to_sixteen_times():
    runs = last_rows("repetition")
    assert runs.params.nunique() == 2
    for _, subset in runs.groupby(["params", "unique_tokens"]):
        assert sorted(subset.epochs) == [1, 2, 4, 8, 16]
        assert (subset.tokens == subset.epochs * subset.unique_tokens).all()


def test_a_first_pass_over_a_subset_is_the_ladder_s_own_text():
    """Both are permuted by the same seed, so the subset is where the ladder begins."""
    repeated, ladder = load("repetition"), load("ladder")
    first = repeated[(repeated.epochs <= 0.8) & (repeated.seed == 0)]
    both = first.merge(ladder[ladder.seed == 0], on=["family", "params", "step", "lr"]).drop_duplicates(
        ["params", "step"]
    )
    assert len(both) > 5
    assert both.loss_x.to_numpy() == pytest.approx(both.loss_y.to_numpy(), abs=2e-5)


@every_part
def test_the_card_is_that_of_the_tables(card, part):
    table = gzip.decompress(FOLDER.joinpath(f"{part}.csv.gz").read_bytes())
    assert hashlib.sha256(table).hexdigest() in card
    assert f"{load(part).run.nunique()} runs, {table.count(10) - 1:,} rows" in card


@every_part
def test_the_card_explains_every_column_and_leaves_nothing_to_do(card, part):
    assert [column for column in COLUMNS[part] if f"`{column}`" not in card] == []
    assert "TODO" not in card


@every_part
def test_the_card_lists_the_sizes_of_the_tables(card, part):
    listed = {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", card)}
    assert {int(size) for size in load(part).params} <= listed


@pytest.mark.slow
def test_the_numbers_of_the_card_are_those_of_the_tables(card):
    script = load_script(EXAMPLES / "card.py")
    assert script.filled(card) == card


def load_script(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_rates_used_lie_within_a_factor_of_two_of_the_best_of_those_tried(ladder):
    tuned = pd.read_csv(EXAMPLES / "tune.csv")
    used = ladder.groupby(["family", "width"]).lr.max()
    sizes = tuned.groupby(["family", "width"])
    assert len(sizes) == 6
    for size, tried in sizes:
        rates = tried.sort_values("peak_lr")
        best = rates.peak_lr[rates.loss.idxmin()]
        assert rates.peak_lr.min() < best < rates.peak_lr.max(), size
        assert best / 2 <= used[size] <= best * 2, size


def test_the_ladder_is_the_first_part(ladder):
    assert ladder.equals(sf.datasets.load("microlm", part="ladder"))


def test_a_change_to_loaded_runs_does_not_reach_the_next_reader(ladder):
    mine = sf.datasets.load("microlm")
    mine["loss"] = 0.0
    assert sf.datasets.load("microlm").equals(ladder)


def test_an_unknown_name_is_answered_with_what_there_is():
    with pytest.raises(
        sf.DataError,
        match=r"No data set is called 'micro_lm'; there is microlm, .* and xlstm_vs_llama\. Did you mean 'mic",
    ):
        sf.datasets.load("micro_lm")


def test_an_unknown_part_is_answered_with_those_there_are():
    with pytest.raises(sf.DataError, match="is not part of this release; there is ladder, schedules"):
        sf.datasets.load("microlm", part="")
    with pytest.raises(sf.DataError, match=r"there is runs and checkpoints\. Did you mean 'checkpoints'"):
        sf.datasets.load("moe_routing", part="checkpoint")


def test_every_bundled_part_loads_and_has_the_rows_that_are_listed():
    listed = sf.datasets.list_datasets()
    bundled = listed[listed.available == "bundled"]
    assert bundled.index.tolist() == [("microlm", part) for part in PARTS_IN_ORDER]
    for (dataset, part), row in bundled.iterrows():
        assert len(sf.datasets.load(dataset, part=part)) == row.rows


def test_sizes_and_tokens_of_bundled_runs_are_floats_and_steps_are_not(ladder):
    assert [ladder[name].dtype for name in ("params", "tokens", "flops", "step")] == [float, float, float, int]
