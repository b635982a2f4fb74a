"""Sizes of models from their configs: those of the library that builds them, and those their authors name."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from known_models import KNOWN
from scalefit.errors import DataError, ScalefitError
from scalefit.runs.models.params import FAMILIES, count_params

LLAMA = KNOWN["llama-7b"].config
MIXTRAL = KNOWN["mixtral-8x7b"].config
UNITS = {"M": 10**6, "B": 10**9}


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_model_has_exactly_the_parameters_that_the_library_counts(name):
    assert count_params(KNOWN[name].config).total == KNOWN[name].total


@pytest.mark.parametrize("name", [name for name, known in KNOWN.items() if known.published])
def test_a_known_model_has_the_size_that_its_authors_name(name):
    size = count_params(KNOWN[name].config)
    for what, text in KNOWN[name].published.items():
        count = size.active - size.embedding if what == "active_less_lookup" else getattr(size, what)
        digits, unit = (text[:-1], UNITS[text[-1]]) if text[-1] in UNITS else (text, 1)
        # Authors round or cut; without a unit the number is exact.
        step = 0 if unit == 1 else unit / 10 ** len(digits.partition(".")[2])
        assert abs(count - float(digits) * unit) <= step, (what, count, text, KNOWN[name].source)


def test_every_family_has_a_known_model():
    assert set(FAMILIES) - {known.config["model_type"] for known in KNOWN.values()} == {"olmo3"}


def test_an_olmo_3_is_an_olmo_2_with_windows():
    # transformers 5.23.0: three layers of four have the window.
    olmo_2 = KNOWN["olmo-2-7b"].config
    olmo_3 = count_params(olmo_2 | {"model_type": "olmo3", "sliding_window": 4096})
    assert olmo_3.total == count_params(olmo_2).total
    assert [(part.layers, part.window) for part in olmo_3.attention] == [(8, None), (24, 4096)]


@pytest.mark.parametrize("name", KNOWN)
def test_the_parts_add_up(name):
    size = count_params(KNOWN[name].config)
    assert size.total == size.embedding + size.non_embedding + size.head
    assert size.non_embedding == size.encoder + size.decoder
    assert size.active <= size.total
    assert size.source_projections < size.decoder
    assert all(isinstance(value, int) for value in dataclasses.astuple(size)[1:-1])


def test_a_tied_head_has_no_parameters_of_its_own_and_an_untied_one_those_of_the_table():
    tied = count_params(LLAMA | {"tie_word_embeddings": True})
    untied = count_params(LLAMA | {"tie_word_embeddings": False})
    assert (tied.tied, tied.head, tied.logits) == (True, 0, 32000 * 4096)
    assert (untied.tied, untied.head) == (False, 32000 * 4096)
    assert untied.non_embedding == tied.non_embedding


def test_families_differ_in_whether_the_head_is_tied_when_the_config_does_not_say():
    without = {key: value for key, value in LLAMA.items() if key != "tie_word_embeddings"}
    assert not count_params(without).tied
    assert count_params(KNOWN["gemma-2b"].config).tied


def test_experts_that_no_token_takes_are_idle():
    used = [count_params(MIXTRAL | {"num_experts_per_tok": used}) for used in (1, 2, 8)]
    assert {size.total for size in used} == {46_702_792_704}
    assert used[2].active == used[2].total
    expert = 3 * 4096 * 14336
    assert used[1].active - used[0].active == 32 * expert


def test_layers_without_experts_are_counted_with_the_dense_width():
    config = KNOWN["qwen3-30b-a3b"].config
    every = count_params(config)
    third = count_params(config | {"decoder_sparse_step": 3, "mlp_only_layers": [2, 3]})
    experts, dense = 128 * 3 * 2048 * 768 + 128 * 2048, 3 * 2048 * 6144
    # Layers 2, 5, 8, … of 48 are sparse: 16, of which layer 2 is listed as dense; layer 3 is dense anyway.
    assert every.total - third.total == (48 - 15) * (experts - dense)


def test_gemma_3_sees_everything_in_every_sixth_layer():
    spans = count_params(KNOWN["gemma-3-1b"].config).attention
    assert [(part.layers, part.window) for part in spans] == [(4, None), (22, 512)]


def test_layer_types_win_over_the_pattern_of_the_family():
    config = KNOWN["gemma-3-1b"].config | {"layer_types": ["full_attention"] * 20 + ["sliding_attention"] * 6}
    assert [(part.layers, part.window) for part in count_params(config).attention] == [(20, None), (6, 512)]


def test_a_window_of_qwen_is_used_only_where_the_config_asks_for_it():
    config = KNOWN["qwen2.5-0.5b"].config
    assert [part.window for part in count_params(config).attention] == [None]
    asked = count_params(config | {"use_sliding_window": True, "max_window_layers": 20})
    assert [(part.layers, part.window) for part in asked.attention] == [(20, None), (4, 32768)]


def test_a_window_that_is_null_is_none():
    config = KNOWN["mistral-7b"].config
    assert [part.window for part in count_params(config | {"sliding_window": None}).attention] == [None]
    without = {key: value for key, value in config.items() if key != "sliding_window"}
    assert [part.window for part in count_params(without).attention] == [4096]


def test_a_config_is_read_from_a_file_and_from_its_folder(tmp_path):
    text = json.dumps(LLAMA | {"architectures": ["LlamaForCausalLM"], "torch_dtype": "float16", "unknown": [1, None]})
    (tmp_path / "config.json").write_text("\ufeff" + text, encoding="utf-8")
    assert count_params(tmp_path / "config.json") == count_params(LLAMA)
    assert count_params(str(tmp_path)) == count_params(LLAMA)


def test_the_config_that_was_given_is_not_changed():
    given = json.loads(json.dumps(MIXTRAL))
    count_params(given)
    assert given == MIXTRAL


def test_numbers_of_numpy_are_numbers():
    config = {key: np.int64(value) if type(value) is int else value for key, value in LLAMA.items()}
    assert count_params(config) == count_params(LLAMA)


def test_an_unknown_family_is_counted_only_if_asked():
    config = LLAMA | {"model_type": "lama"}
    with pytest.raises(DataError, match=r"model_type 'lama' is not known\. Did you mean 'llama'\?.*like='llama'"):
        count_params(config)
    assert count_params(config, like="llama") == count_params(LLAMA)
    with pytest.raises(DataError, match=r"like='lama' is not known\. Did you mean 'llama'\?"):
        count_params(config, like="lama")


def test_a_config_without_a_family_says_what_to_type():
    with pytest.raises(DataError, match=r"the config has no 'model_type'.*count_params\(config, like='llama'\)"):
        count_params({"hidden_size": 3})


def test_the_text_part_of_a_config_of_images_is_named():
    with pytest.raises(DataError, match=r"count_params\(config\['text_config'\]\)"):
        count_params({"model_type": "gemma3", "text_config": KNOWN["gemma-3-1b"].config})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("hidden_size", None, r"a llama config needs 'hidden_size' \(or 'n_embd', 'n_embed' or 'd_model'\), the width"),
        ("hidden_size", "4096", r"'hidden_size' of a llama config must be a whole number from 1 to 1,000,000,000; got"),
        ("hidden_size", 4096.0, r"got 4096\.0; write \"hidden_size\": 4096\."),
        ("hidden_size", float("nan"), "got nan"),
        ("hidden_size", True, "got True"),
        ("hidden_size", [4096] * 1000, r"got \[4096, 4096, 4096, \.\.\.\]"),
        ("hidden_size", {"a": 1}, "got {'a': 1}"),
        ("num_hidden_layers", -32, "got -32"),
        ("num_hidden_layers", 0, "got 0"),
        ("vocab_size", 10**12, "got 1000000000000"),
        ("num_attention_heads", 33, r"the width 4096 .* is not a multiple of its 33 attention heads; add \"head_dim\""),
        ("num_key_value_heads", 5, "'num_key_value_heads' of a llama config must be a divisor of the 32 attention"),
        ("tie_word_embeddings", "yes", "'tie_word_embeddings' of a llama config must be true or false; got 'yes'"),
        ("attention_bias", 1, "'attention_bias' of a llama config must be true or false; got 1"),
        ("n_embd", 768, "the config has 'hidden_size' 4096 and 'n_embd' 768, two names of the same; drop one"),
        ("add_cross_attention", True, "has cross-attention to an encoder that it does not describe"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_with_what_to_type(field, value, message):
    with pytest.raises(DataError, match=message):
        count_params(LLAMA | {field: value})


def test_a_number_too_long_to_print_is_refused_like_any_other():
    with pytest.raises(DataError, match="'vocab_size' of a llama config must be a whole number"):
        count_params(LLAMA | {"vocab_size": 10**5000})


def test_a_misspelt_field_is_named():
    config = {key: value for key, value in LLAMA.items() if key != "vocab_size"} | {"vocabsize": 32000}
    with pytest.raises(DataError, match=r"a llama config needs 'vocab_size', .* Is it 'vocabsize'"):
        count_params(config)


def test_a_family_that_always_shares_heads_must_say_how_many():
    config = {key: value for key, value in KNOWN["mistral-7b"].config.items() if key != "num_key_value_heads"}
    with pytest.raises(DataError, match="a mistral config needs 'num_key_value_heads', the number of heads of keys"):
        count_params(config)


@pytest.mark.parametrize(
    ("name", "field", "value", "message"),
    [
        ("mixtral-8x7b", "num_experts_per_tok", 9, "must be at most the number of experts, 8; got 9"),
        ("qwen3-30b-a3b", "mlp_only_layers", [48], "must be distinct whole numbers from 0 to 47"),
        ("qwen3-30b-a3b", "mlp_only_layers", [1, 1], "must be distinct whole numbers from 0 to 47"),
        ("qwen3-30b-a3b", "mlp_only_layers", 3, "must be a list of numbers of layers"),
        ("deepseek-v2", "moe_layer_freq", 2, "'moe_layer_freq' of a deepseek_v2 config must be 1"),
        ("gemma-2-2b", "layer_types", ["full_attention"], "for each of 26 layers"),
        ("gpt-oss-20b", "layer_types", ["other"] * 24, "'full_attention' or 'sliding_attention' for each of 24 layers"),
        ("bart-base", "tie_word_embeddings", False, "must be true: with tables of its own"),
        ("bart-base", "encoder_attention_heads", 7, "must be a divisor of the width 768"),
        ("t5-base", "feed_forward_proj", 3, "'feed_forward_proj' of a t5 config must be a text; got 3"),
    ],
)
def test_what_does_not_go_together_is_refused(name, field, value, message):
    with pytest.raises(DataError, match=message):
        count_params(KNOWN[name].config | {field: value})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*nothing\.json'"):
        count_params(tmp_path / "nothing.json")
    with pytest.raises(DataError, match=r"there is no file"):
        count_params(tmp_path)


def test_json_that_is_not_in_a_file_says_how_to_read_it():
    with pytest.raises(DataError, match=r"count_params\(json\.loads\(text\)\)"):
        count_params(json.dumps(LLAMA))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b'{"hidden_size": 4', "is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[1, 2]", "must hold one JSON object, the fields of a config; it holds a list"),
        (b"\xff\xfe\x00", "is not text in UTF-8"),
        (b'{"vocab_size": ' + b"9" * 5000 + b"}", "is not JSON: Exceeds the limit"),
        (b" " * (16 * 2**20 + 1), "has more than 16 MiB: not a config"),
    ],
    ids=["empty", "cut", "deep", "list", "binary", "digits", "large"],
)
def test_a_broken_file_is_one_line_that_names_it(tmp_path, content, message):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(DataError, match=message) as raised:
        count_params(tmp_path / "config.json")
    assert "config.json" in str(raised.value)


@pytest.mark.parametrize("source", [None, 3, b"config.json", [1], "a\0b"])
def test_something_that_is_no_config_says_what_is_one(source):
    with pytest.raises(DataError, match="count_params"):
        count_params(source)


def test_code_named_in_a_config_is_not_run(tmp_path, monkeypatch):
    (tmp_path / "modeling_trap.py").write_text("raise SystemExit('this was run')")
    (tmp_path / "config.json").write_text(json.dumps(LLAMA | {"auto_map": {"AutoModel": "modeling_trap.Trap"}}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert count_params("config.json").total == KNOWN["llama-7b"].total
    assert "modeling_trap" not in sys.modules


def test_a_size_is_printed_with_its_parts():
    assert str(count_params(KNOWN["t5-small"].config)) == (
        "t5: 60,506,624 parameters\n"
        "  embedding      16,450,048  and the output head\n"
        "  non-embedding  44,056,576  encoder 18,881,024, decoder 25,175,552"
    )


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(1, 200), st.floats(), st.text(max_size=5),
    st.lists(st.integers(0, 60) | st.text(max_size=3), max_size=4),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2), st.sampled_from([10**9, 10**9 + 1, 10**400]),
)  # fmt: skip
FIELDS = sorted({field for known in KNOWN.values() for field in known.config} | {"layer_types", "mlp_only_layers"})
MODELS = sorted(KNOWN)


def size_or_error(config):
    try:
        return count_params(config), ""
    except ScalefitError as error:
        return None, str(error)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(MODELS), junk=st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=4))
def test_junk_in_a_config_gives_a_size_or_an_error_of_ours(name, junk):
    size, error = size_or_error(KNOWN[name].config | junk)
    if size is None:
        assert error.startswith("count_params: ")
        assert len(error) < 1200
        return
    assert size.total == size.embedding + size.non_embedding + size.head
    assert 0 < size.active <= size.total
    target = {"target_tokens": 1e9, "target_context": 64} if size.encoder else {}
    assert 0 < size.count_flops(tokens=1e9, context=64, **target) < float("inf")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60) | st.recursive(JUNK, st.lists, max_leaves=5).map(lambda v: repr(v).encode()))
def test_junk_in_a_file_gives_an_error_of_ours(tmp_path, content):
    path = Path(tmp_path) / "config.json"
    path.write_bytes(content)
    with pytest.raises(ScalefitError):
        count_params(path)
