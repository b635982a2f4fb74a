"""The vocabulary of columns."""

import math

import numpy as np
import pandas as pd
import pytest

from scalefit.errors import DataError
from scalefit.quantities import QUANTITIES, better_of, bits_per_byte, label_of

CONVENTIONS = (
    *("params", "tokens", "flops", "loss", "step", "lr", "batch_tokens", "run", "family", "seed", "params_encoder"),
    *("params_decoder", "unique_tokens", "experts", "streams", "accuracy", "params_non_embedding", "train_loss"),
    *("S1", "S2"),
)


@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_column_of_the_conventions_is_known_by_its_name(name):
    assert QUANTITIES[name].name == name


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("N", "params"), ("n_params", "params"), ("num_params", "params"), ("model_size", "params"),
        ("D", "tokens"), ("n_tokens", "tokens"), ("C", "flops"), ("compute", "flops"), ("val_loss", "loss"),
    ],
)  # fmt: skip
def test_common_aliases_are_recognised(alias, name):
    assert alias in QUANTITIES[name].aliases


def test_no_alias_stands_for_two_quantities_or_is_one_itself():
    aliases = [alias for known in QUANTITIES.values() for alias in known.aliases]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(QUANTITIES)


def test_ranges_are_in_order_and_each_finite_end_says_what_a_number_beyond_it_means():
    for known in QUANTITIES.values():
        assert known.low < known.high
        assert known.if_high or math.isinf(known.high)
        # A negative loss cannot be a matter of units, so it has no hint.
        assert known.if_low or known.low in (-math.inf, 0.0)


def test_the_vocabulary_cannot_be_changed():
    with pytest.raises(TypeError):
        QUANTITIES["width"] = QUANTITIES["params"]


def test_labels_of_axes_carry_the_unit_and_unknown_columns_their_name():
    assert label_of("loss") == "loss (nats per token)"
    assert "FLOP" in label_of("flops")
    assert label_of("colour") == "colour"


def test_a_loss_of_ln_256_nats_in_tokens_of_one_byte_is_8_bits_per_byte():
    assert bits_per_byte(math.log(256), 1.0) == pytest.approx(8)
    assert bits_per_byte(math.log(256), bytes_per_token=4.0) == pytest.approx(2)


def test_bits_per_byte_keeps_arrays_and_the_index_of_a_series():
    losses = pd.Series([1.0, 2.0], index=["a", "b"])
    expected = np.array([1.0, 2.0]) / math.log(2) / 3.5
    converted = bits_per_byte(losses, bytes_per_token=3.5)
    assert list(converted.index) == ["a", "b"]
    np.testing.assert_allclose(converted, expected)
    np.testing.assert_allclose(bits_per_byte(losses.to_numpy(), bytes_per_token=3.5), expected)


@pytest.mark.parametrize("wrong", [0, -1.0, math.nan, math.inf])
def test_a_token_of_no_bytes_is_refused(wrong):
    with pytest.raises(DataError, match="bytes_per_token must be a finite number above 0"):
        bits_per_byte(3.0, bytes_per_token=wrong)


@pytest.mark.parametrize("name", ["accuracy", "mmlu_acc", "win_rate", "pass@8", "bleu", "reward", "elo", "exact_match"])
def test_the_more_the_better_for_accuracies_scores_and_rates_of_success(name):
    assert better_of(name) == "high"


@pytest.mark.parametrize("name", ["loss", "val/loss", "bpb", "error_rate", "accuracy_error", "score_loss", "flops", ""])
def test_the_less_the_better_for_losses_errors_and_what_is_not_known(name):
    assert better_of(name) == "low"
