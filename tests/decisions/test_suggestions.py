"""Which laws a table can identify, and why it cannot identify the others."""

import numpy as np
import pytest

import scalefit as sf


@pytest.fixture(scope="module")
def runs():
    """Thirty-six runs of chinchilla with a little noise."""
    table = sf.grid(params=np.geomspace(1e7, 1e9, 6), tokens=np.geomspace(1e9, 1e11, 6))
    loss = 1.7 + 400 / table.params**0.35 + 2000 / table.tokens**0.37
    return table.assign(loss=loss * np.exp(0.003 * np.random.default_rng(0).standard_normal(len(table))))


def test_suggestions_say_what_each_law_lacks(runs):
    told = sf.suggest_laws(runs, ["nmt_bivariate", "chinchilla", "lr_annealing"])
    assert told.index[0] == "chinchilla"
    assert told.identified.tolist() == [True, False, False]
    assert told.why["nmt_bivariate"] == "needs params_encoder and params_decoder"
    assert told.why["lr_annealing"] == "needs run, step and lr"


def test_suggestions_say_what_the_spread_of_the_data_cannot_tell(runs):
    one_size = runs[runs.params == runs.params.min()]
    told = sf.suggest_laws(one_size, ["chinchilla", "power_offset"], along="tokens")
    assert told.identified["power_offset"]
    assert not told.identified["chinchilla"]
    assert "not identified" in told.why["chinchilla"]


def test_a_law_of_another_output_is_not_suggested_for_a_named_target(runs):
    accuracy = sf.formula_law("a - b*loss", inputs=["loss"], output="accuracy")
    told = sf.suggest_laws(runs, [accuracy], target="loss")
    assert told.why.iloc[0] == "predicts accuracy, not loss"
