"""Compute from sizes: the published conventions, each with the numbers that its authors print."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from known_models import KNOWN, dense
from scalefit.errors import DataError
from scalefit.runs.flops import count_flops
from scalefit.runs.models.params import count_params

LLAMA = count_params(KNOWN["llama-7b"].config)

#: Hoffmann et al. 2022, arXiv:2203.15556, table A4: layers, width, heads, key size and the ratio of their compute to
#: 6ND. Width of the feed-forward 4 times the width, 32,000 tokens, 2,048 in a sequence. The printed ratios are met
#: without embeddings and logits (as A. Karpathy found out from the authors for nanoGPT's scaling_laws.ipynb), with N
#: of appendix D's models: relative positions (width**2 + 2 width a layer) and one table of tokens included.
HOFFMANN = [
    (10, 640, 10, 64, 1.03), (20, 1024, 16, 64, 1.10), (24, 1280, 10, 128, 1.08), (26, 1792, 14, 128, 1.04),
    (28, 2048, 16, 128, 1.03), (40, 3584, 28, 128, 0.99),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "width", "heads", "key_size", "ratio"), HOFFMANN)
def test_the_ratios_of_hoffmann_et_al_are_reproduced(layers, width, heads, key_size, ratio):
    context, tokens = 2048, 1e9
    matrices = layers * (4 * width * heads * key_size + 2 * width * 4 * width)
    total = matrices + layers * (width**2 + 2 * width + 13 * width) + 2 * width + 32_000 * width
    ours = count_flops(
        params=matrices, tokens=tokens, layers=layers, width=heads * key_size, context=context, part="training"
    )
    softmax = 3 * layers * 3 * heads * context * tokens  # they count it, we do not
    assert softmax < 0.006 * ours
    assert round((ours + softmax) / count_flops(params=total, tokens=tokens), 2) == ratio


def test_the_utilisation_of_palm_540b_is_reproduced():
    # Chowdhery et al. 2022, arXiv:2204.02311, sections 2 and 4.1: 540.35e9 parameters, 118 layers of 48 heads of width
    # 256, 2,048 tokens in a sequence; 238.3 thousand tokens/s on 6,144 chips of 275 TFLOP/s are 45.7 % of their peak
    # without attention and 46.2 % with it.
    peak, rate = 6144 * 275e12, 238.3e3
    plain = count_flops(params=540.35e9, tokens=rate)
    attentive = count_flops(params=540.35e9, tokens=rate, layers=118, width=48 * 256, context=2048)
    assert round(100 * plain / peak, 1) == 45.7
    assert round(100 * attentive / peak, 1) == 46.2


def test_forward_compute_of_kaplan_et_al_is_the_causal_half():
    # Kaplan et al. 2020, arXiv:2001.08361, table 1: C_forward = 2 N + 2 n_layer n_ctx d_attn.
    n, layers, width, context = 1.5e9, 48, 1600, 1024
    ours = count_flops(params=n, tokens=1.0, layers=layers, width=width, context=context, causal=True, part="forward")
    assert ours == 2 * n + 2 * layers * context * width


def test_compute_per_token_of_deepseek_llm_leaves_embeddings_out():
    # DeepSeek-AI 2024, arXiv:2401.02954, eq. 2: M = 72 n_layer d**2 + 12 n_layer d l_seq, without norms and biases.
    layers, width, context = 30, 4096, 4096
    ours = count_flops(params=12 * layers * width**2, tokens=1, layers=layers, width=width, context=context)
    assert ours == 72 * layers * width**2 + 12 * layers * width * context


def test_compute_of_megatron_recomputes_the_layers_and_not_the_head():
    # Narayanan et al. 2021, arXiv:2104.04473, eq. 3: F = 96 B s l h**2 (1 + s / 6h + V / 16lh) for B sequences.
    layers, width, context, vocabulary = 96, 12288, 2048, 51200
    config = {"model_type": "gpt2", "n_embd": width, "n_layer": layers, "n_head": 96, "n_positions": context,
              "vocab_size": vocabulary}  # fmt: skip
    size = count_params(config)
    published = 96 * 1536 * context * layers * width**2
    published *= 1 + context / (6 * width) + vocabulary / (16 * layers * width)
    ours = size.count_flops(tokens=1536 * context, context=context, recompute=True)
    # Their count has no biases and norms: 13 h of 12 h**2 in a layer.
    assert ours == pytest.approx(published, rel=1.1 * 13 / (12 * width))
    assert ours > published


@pytest.mark.parametrize(
    ("params", "tokens", "flops"),
    [
        # Brown et al. 2020, arXiv:2005.14165, table D.1.
        (125e6, 300e9, 2.25e20), (356e6, 300e9, 6.41e20), (2_650e6, 300e9, 4.77e21), (174_600e6, 300e9, 3.14e23),
        # Hoffmann et al. 2022, arXiv:2203.15556, table 3 (6ND of 67e9 parameters and 1.5e12 tokens is 6.0e23).
        (400e6, 8e9, 1.92e19), (1e9, 20.2e9, 1.21e20), (10e9, 205.1e9, 1.23e22),
    ],
)  # fmt: skip
def test_published_compute_of_dense_models_is_six_operations_per_parameter_and_token(params, tokens, flops):
    assert count_flops(params=params, tokens=tokens) == pytest.approx(flops, rel=5e-3)


@pytest.mark.parametrize(("name", "params"), [("t5-small", 60e6), ("t5-base", 220e6), ("t5-11b", 11e9)])
def test_a_t5_costs_three_operations_per_parameter_and_token_read_or_written(name, params):
    # Brown et al. 2020, arXiv:2005.14165, table D.1: 1,000e9 tokens, of which either passes half of the parameters.
    size = count_params(KNOWN[name].config)
    assert size.count_flops(tokens=5e11, target_tokens=5e11) == pytest.approx(3 * params * 1e12, rel=0.03)


#: FLOP of a forward pass over 2 sequences of 256 tokens (and 192 written), counted by PyTorch 2.13
#: (torch.utils.flop_counter.FlopCounterMode) in models of transformers 5.23.0 with eager attention and experts, and
#: the numbers of biases and norm weights (of an encoder–decoder: by the tokens they see), which it does not count.
#: A backward pass was counted twice as much in each.
MEASURED = {
    "gpt2": (KNOWN["gpt2"].config | {"n_layer": 2}, 16_089_612_288, (21_504,)),
    "gpt_neox": (KNOWN["pythia-160m"].config | {"num_hidden_layers": 2}, 16_089_612_288, (21_504,)),
    "opt 350m": (KNOWN["opt-350m"].config | {"num_hidden_layers": 2}, 28_443_148_288, (26_624,)),
    "bloom": (dense("bloom", 1024, 2, 16, None, 0), 27_895_267_328, (30_720,)),
    "qwen2": (KNOWN["qwen2.5-0.5b"].config | {"num_hidden_layers": 2}, 32_394_313_728, (6_784,)),
    "gemma3_text": (KNOWN["gemma-3-1b"].config | {"num_hidden_layers": 2}, 57_219_088_384, (11_392,)),
    "olmo": (KNOWN["olmo-1b"].config | {"num_hidden_layers": 2}, 141_689_880_576, (0,)),
    "mixtral": (
        KNOWN["mixtral-8x7b"].config
        | {"num_hidden_layers": 2, "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 8},
        2_683_043_840, (1_280,),
    ),
    "qwen2_moe": (
        KNOWN["qwen1.5-moe-a2.7b"].config
        | {"num_hidden_layers": 2, "hidden_size": 256, "num_attention_heads": 4, "num_key_value_heads": 4},
        18_816_958_464, (2_816,),
    ),
    "deepseek_v2": (
        KNOWN["deepseek-v2-lite"].config | {"num_hidden_layers": 3, "first_k_dense_replace": 3},
        254_969_643_008, (15_872,),
    ),
    "t5": (KNOWN["t5-small"].config | {"num_layers": 2, "num_decoder_layers": 2}, 14_789_246_976, (2_560, 3_584)),
    "flan-t5": (
        KNOWN["flan-t5-small"].config | {"num_layers": 2, "num_decoder_layers": 2}, 11_190_534_144, (2_560, 3_584)
    ),
    "bart": (KNOWN["bart-base"].config | {"encoder_layers": 2, "decoder_layers": 2}, 32_048_873_472, (24_576, 27_648)),
}  # fmt: skip


@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.parametrize("part", ["forward", "backward", "training"])
def test_compute_of_a_model_is_what_pytorch_counts(name, part):
    config, flops, vectors = MEASURED[name]
    size = count_params(config | {"vocab_size": 1003})
    if size.encoder:
        ours = size.count_flops(tokens=512, context=256, target_tokens=384, target_context=192, part=part)
    else:
        ours = size.count_flops(tokens=512, context=256, part=part)
    passes = {"forward": 1, "backward": 2, "training": 3}[part]
    uncounted = 2 * sum(number * tokens for number, tokens in zip(vectors, (512, 384), strict=False))
    assert ours - passes * uncounted == passes * flops


def test_the_head_counts_and_the_lookup_does_not_unless_asked():
    plain = LLAMA.count_flops(tokens=1.0)
    table = 32_000 * 4096
    assert plain == 6 * (LLAMA.non_embedding + table)
    assert LLAMA.count_flops(tokens=1.0, head=False) == 6 * LLAMA.non_embedding
    assert LLAMA.count_flops(tokens=1.0, embedding=True) == 6 * LLAMA.total
    tied = count_params(KNOWN["gpt2"].config)
    assert tied.count_flops(tokens=1.0) == 6 * (tied.non_embedding + 50_257 * 768)


def test_a_mixture_of_experts_costs_what_its_active_parameters_cost():
    size = count_params(KNOWN["mixtral-8x7b"].config)
    assert size.count_flops(tokens=1.0) == 6 * (size.active - size.embedding)


def test_layers_with_a_window_cost_no_more_beyond_it():
    size = count_params(KNOWN["mistral-7b"].config)
    short, edge, long = (size.count_flops(tokens=1.0, context=context) for context in (2048, 4096, 32768))
    assert short < edge == long
    # With the mask, tokens at the beginning of a sequence see less: at the edge half, far beyond it nearly all.
    plain = size.count_flops(tokens=1.0)
    halves = [
        (size.count_flops(tokens=1.0, context=context, causal=True) - plain) / (edge - plain)
        for context in (2048, 4096, 4096e3)
    ]
    assert halves == pytest.approx([0.25, 0.5, 1.0], rel=1e-3)


def test_a_mask_halves_what_a_decoder_sees_of_itself_and_nothing_else():
    size = count_params(KNOWN["t5-small"].config)
    sizes = {"tokens": 0.0, "target_tokens": 1.0, "context": 100, "target_context": 40}
    whole = size.count_flops(**sizes)
    masked = size.count_flops(**sizes, causal=True)
    assert whole - masked == 0.5 * 12 * 6 * 512 * 40
    assert size.count_flops(**sizes | {"tokens": 1.0, "target_tokens": 0.0}, causal=True) == size.count_flops(
        **sizes | {"tokens": 1.0, "target_tokens": 0.0}
    )


@given(
    params=st.floats(0, 1e15), tokens=st.floats(0, 1e17), layers=st.integers(1, 500), width=st.integers(1, 50_000),
    context=st.integers(1, 10**6), causal=st.booleans(),
)  # fmt: skip
def test_both_passes_are_the_sum_of_each_and_recomputing_adds_a_forward_one(
    params, tokens, layers, width, context, causal
):
    sizes = {"params": params, "tokens": tokens, "layers": layers, "width": width, "context": context}
    forward, backward, both = (
        count_flops(**sizes, causal=causal, part=part) for part in ("forward", "backward", "training")
    )
    assert forward + backward == pytest.approx(both)
    assert 2 * forward == pytest.approx(backward)
    assert count_flops(**sizes, causal=causal, recompute=True) == pytest.approx(both + forward)
    assert count_flops(**sizes, causal=causal, part="backward", recompute=True) == pytest.approx(both)


def test_a_table_of_runs_gives_a_column_with_its_labels():
    runs = pd.DataFrame(
        {"params": [1e8, 1e9], "tokens": [2e9, np.nan], "layers": [12, 24], "width": [768, 2048]}, index=["a", "b"]
    )
    flops = count_flops(params=runs.params, tokens=runs.tokens, layers=runs.layers, width=runs.width, context=1024)
    assert flops.index.tolist() == ["a", "b"]
    assert flops["a"] == 2e9 * (6e8 + 12 * 12 * 768 * 1024)
    assert np.isnan(flops["b"])  # a missing number stays one
    assert LLAMA.count_flops(tokens=runs.tokens).index.tolist() == ["a", "b"]


def test_arrays_are_combined_as_numpy_does():
    grid = count_flops(params=np.array([[1e8], [1e9]]), tokens=np.array([1e9, 2e9, 3e9]))
    assert grid.shape == (2, 3)
    assert grid[1, 2] == 6 * 1e9 * 3e9
    assert isinstance(count_flops(params=1e8, tokens=1e9), float)
    assert isinstance(LLAMA.count_flops(tokens=1), float)


def test_columns_of_two_tables_are_not_matched_by_chance():
    params, tokens = pd.Series([1e8, 1e9]), pd.Series([1e9, 1e9], index=[1, 2])
    with pytest.raises(DataError, match=r"params and tokens have other row labels; .* pass tokens\.to_numpy\(\)"):
        count_flops(params=params, tokens=tokens)
    assert count_flops(params=params, tokens=tokens.to_numpy()).tolist() == [6e17, 6e18]
    with pytest.raises(DataError, match=r"the shapes do not go together: params \(2,\) and tokens \(3,\)"):
        count_flops(params=[1, 2], tokens=[1, 2, 3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": 2}, r"width and context are missing\. Add width= and context="),
        ({"layers": 2, "width": 3}, r"context is missing\. Add context="),
        ({"causal": True}, "causal=True halves attention, which needs layers=, width= and context="),
        ({"part": "inference"}, "part must be one of backward, forward or training; got 'inference'"),
        ({"part": "forward", "recompute": True}, "recompute=True belongs to the backward pass"),
        ({"layers": 0, "width": 3, "context": 4}, r"layers must be above zero; got 0\.0"),
        ({"params": "7B"}, "params must be numbers; got '7B'"),
        ({"params": None}, "params must be numbers; got None"),
        ({"params": LLAMA}, r"params must be numbers; got ModelSize.* \.count_flops\(tokens=\.\.\.\)"),
        ({"params": pd.Series(["a"])}, "params must be numbers; got values of type"),
        ({"tokens": pd.Series(pd.to_datetime(["2024-01-01"]))}, "tokens must be numbers; got values of type datetime"),
        ({"tokens": [1.0, -1.0]}, r"tokens must not be negative; got -1\.0"),
    ],
)
def test_what_cannot_be_counted_says_what_to_type(options, message):
    with pytest.raises(DataError, match=message):
        count_flops(**{"params": 1e9, "tokens": 1e10} | options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gpt2", {"context": 0}, r"context must be above zero; got 0\.0"),
        ("gpt2", {"context": [1024, 2048]}, r"context must be one finite number of tokens; got \[1024, 2048\]"),
        ("gpt2", {"context": float("inf")}, "context must be one finite number"),
        ("gpt2", {"causal": True}, "causal=True halves attention, which is counted with context="),
        ("gpt2", {"target_tokens": 1e9}, "gpt2 has no encoder; give tokens= and context= only"),
        ("gpt2", {"tokens": -1}, "tokens must not be negative"),
        ("t5-small", {}, "t5 is an encoder–decoder and needs target_tokens="),
        ("t5-small", {"target_tokens": 1e9, "context": 512}, "needs target_context="),
        ("t5-small", {"target_tokens": 1e9, "target_context": 512}, "needs context="),
    ],
)
def test_what_a_model_has_no_use_for_is_refused(name, options, message):
    with pytest.raises(DataError, match=message):
        count_params(KNOWN[name].config).count_flops(**{"tokens": 1e10} | options)


def test_a_number_too_long_to_print_is_refused_like_any_other():
    with pytest.raises(DataError, match="params must be numbers; got"):
        count_flops(params=10**5000, tokens=1)


def test_a_size_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        LLAMA.total = 1
