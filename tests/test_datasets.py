"""The bundled runs are what their data card says."""

import gzip
import hashlib
import math
import re
from importlib import resources

import numpy as np
import pytest

import scalefit as sf

FOLDER = resources.files("scalefit.datasets").joinpath("microlm")
COLUMNS = ["run", "family", "params", "tokens", "flops", "step", "lr", "loss", "train_loss", "seed", "width", "layers"]
BUDGETS = [332_800, 788_480, 1_868_800, 4_431_872, 10_500_096]
WINDOWS_OF_THE_TEXT = 89_255
FAMILIES = ["lstm", "transformer"]


@pytest.fixture(scope="module")
def ladder():
    return sf.datasets.load("microlm")


@pytest.fixture(scope="module")
def final(ladder):
    return ladder.groupby("run").last()


@pytest.fixture(scope="module")
def card():
    return FOLDER.joinpath("CARD.md").read_text(encoding="utf-8")


def test_the_ladder_has_its_columns_and_no_hole(ladder):
    assert list(ladder) == COLUMNS
    assert ladder.notna().all(axis=None)


def test_every_family_has_six_sizes_at_five_budgets(final):
    assert sorted(final.family.unique()) == FAMILIES
    for _, family in final.groupby("family"):
        assert family.params.nunique() == 6
        assert family.groupby("params").tokens.apply(sorted).tolist() == [BUDGETS] * 6


def test_sizes_span_two_decades_and_budgets_one_and_a_half(final):
    assert 3e3 < final.params.min() < 4e3
    assert 2.5e5 < final.params.max() < 3.5e5
    assert math.log10(final.tokens.max() / final.tokens.min()) == pytest.approx(1.5, abs=0.01)


def test_every_run_has_thirty_checkpoints_or_more_in_order(ladder):
    for _, run in ladder.groupby("run"):
        assert len(run) >= 30
        assert run.step.is_monotonic_increasing
        assert run.step.is_unique


def test_tokens_and_flops_follow_from_steps(ladder):
    assert (ladder.tokens == 1024 * ladder.step).all()
    assert (ladder.flops == 6 * ladder.params * ladder.tokens).all()


def test_no_run_sees_a_window_twice(ladder):
    assert ladder.step.max() * 8 <= WINDOWS_OF_THE_TEXT


def test_losses_are_possible_for_bytes(ladder):
    assert ladder[["loss", "train_loss"]].min(axis=None) > 0.3
    assert ladder.loss.max() < 1.2 * math.log(256)


@pytest.mark.parametrize("family", FAMILIES)
def test_losses_fall_with_size_at_the_largest_budget(final, family):
    largest = final[(final.family == family) & (final.tokens == BUDGETS[-1])].sort_values("params")
    assert (np.diff(largest.loss) < 0).all()


def test_losses_fall_with_tokens_at_every_size(final):
    for _, size in final.groupby(["family", "params"]):
        assert (np.diff(size.sort_values("tokens").loss) < 0).all()


def test_rates_warm_up_stay_and_end_at_zero(ladder):
    for _, run in ladder.groupby("run"):
        peak = run.lr.max()
        ramp, decay = run[run.step < 64], run[run.step > 0.8 * run.step.max() + 1]
        assert ramp.lr.to_numpy() == pytest.approx(peak * ramp.step.to_numpy() / 64, rel=1e-5)
        assert (np.diff(decay.lr) < 0).all()
        assert run.lr.iloc[-1] == 0


def test_runs_of_one_size_share_their_trunk(ladder):
    for _, size in ladder.groupby(["family", "params"]):
        early = size[size.step <= 0.8 * BUDGETS[0] / 1024]
        assert (early.groupby("step")[["lr", "loss", "train_loss"]].nunique() == 1).all(axis=None)
        assert (early.groupby("step").size() == len(BUDGETS)).all()


def test_the_card_is_that_of_the_table(card):
    table = gzip.decompress(FOLDER.joinpath("ladder.csv.gz").read_bytes())
    assert hashlib.sha256(table).hexdigest() in card
    assert f"{table.count(10) - 1:,} rows" in card


def test_the_card_explains_every_column_and_leaves_nothing_to_do(card):
    assert [column for column in COLUMNS if f"`{column}`" not in card] == []
    assert "TODO" not in card


def test_the_card_lists_the_sizes_of_the_table(card, final):
    listed = {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", card)}
    assert {int(size) for size in final.params} <= listed


def test_the_ladder_is_the_first_part(ladder):
    assert ladder.equals(sf.datasets.load("microlm", part="ladder"))


def test_a_change_to_loaded_runs_does_not_reach_the_next_reader(ladder):
    mine = sf.datasets.load("microlm")
    mine["loss"] = 0.0
    assert sf.datasets.load("microlm").equals(ladder)


def test_an_unknown_name_is_answered_with_what_there_is():
    with pytest.raises(
        sf.DataError, match=r"No data set is called 'micro_lm'; there is microlm\. Did you mean 'microlm'"
    ):
        sf.datasets.load("micro_lm")


@pytest.mark.parametrize("part", ["schedules", "encoder_decoder", "repetition", ""])
def test_a_part_that_is_not_there_yet_is_said_not_to_be(part):
    with pytest.raises(sf.DataError, match="is not part of this release; there is ladder"):
        sf.datasets.load("microlm", part=part)


def test_every_listed_part_loads():
    for dataset, part in sf.datasets.list_datasets().index:
        assert len(sf.datasets.load(dataset, part=part))
