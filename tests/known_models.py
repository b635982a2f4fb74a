"""Configs of known models and their sizes.

``total`` is what the library transformers counts (``model.num_parameters()`` of the model made from this config on the
meta device): versions 4.57.1 and 5.23.0 agree, except that 5.23.0 always ties the head of a T5, where 4.57.1 follows
the config as the published checkpoints do. ``published`` has what its authors say, to the digits they give; the source
is named beside it. ``active_less_lookup``: they leave the lookup of tokens out of the active parameters.
"""

from dataclasses import dataclass, field

#: A paper that lists the exact numbers of 20 models: Model Provenance Testing for Large Language Models.
PROVENANCE = "Nikolić et al. 2025, arXiv:2502.00706, tables of base models"


@dataclass(frozen=True)
class Known:
    """One model."""

    config: dict
    total: int
    published: dict[str, str] = field(default_factory=dict)
    source: str = "transformers 4.57.1"


def gpt2(width, layers, heads):
    return {"model_type": "gpt2", "n_embd": width, "n_layer": layers, "n_head": heads, "n_ctx": 1024,
            "n_positions": 1024, "vocab_size": 50257}  # fmt: skip


def dense(kind, width, layers, heads, inner, vocabulary, **more):
    return {"model_type": kind, "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads,
            "intermediate_size": inner, "vocab_size": vocabulary, **more}  # fmt: skip


def t5(width, inner, heads, layers, head_width=64, *, kind="t5", vocabulary=32128, gated=False):
    return {"model_type": kind, "d_model": width, "d_ff": inner, "d_kv": head_width, "num_heads": heads,
            "num_layers": layers, "num_decoder_layers": layers, "vocab_size": vocabulary,
            "relative_attention_num_buckets": 32, "feed_forward_proj": "gated-gelu" if gated else "relu",
            **({"tie_word_embeddings": False} if gated else {})}  # fmt: skip


def bart(kind, width, layers, heads, inner, vocabulary, positions):
    return {"model_type": kind, "d_model": width, "encoder_layers": layers, "decoder_layers": layers,
            "encoder_attention_heads": heads, "decoder_attention_heads": heads, "encoder_ffn_dim": inner,
            "decoder_ffn_dim": inner, "vocab_size": vocabulary, "max_position_embeddings": positions}  # fmt: skip


def deepseek(kind, width, layers, heads, inner, expert, experts, shared, used, first, narrow, vocabulary):
    return {"model_type": kind, "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads,
            "num_key_value_heads": heads, "intermediate_size": inner, "moe_intermediate_size": expert,
            "n_routed_experts": experts, "n_shared_experts": shared, "num_experts_per_tok": used,
            "first_k_dense_replace": first, "moe_layer_freq": 1, "kv_lora_rank": 512, "q_lora_rank": narrow,
            "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "vocab_size": vocabulary,
            "attention_bias": False, "tie_word_embeddings": False}  # fmt: skip


PYTHIA = "Biderman et al. 2023, arXiv:2304.01373, table 1"
GEMMA = "Gemma Team 2024, arXiv:2403.08295, table 2"
GEMMA_2 = "Gemma Team 2024, arXiv:2408.00118, table 2"
T5 = "Raffel et al. 2020, arXiv:1910.10683, section 3.7"

KNOWN = {
    "gpt2": Known(gpt2(768, 12, 12), 124_439_808, {"total": "124439808"}, PROVENANCE),
    "gpt2-large": Known(gpt2(1280, 36, 20), 774_030_080, {"total": "774030080"}, PROVENANCE),
    "gpt2-xl": Known(gpt2(1600, 48, 25), 1_557_611_200),
    "cerebras-gpt-111m": Known(gpt2(768, 10, 12) | {"n_inner": 3072, "n_positions": 2048}, 111_050_496),
    "pythia-70m": Known(
        dense("gpt_neox", 512, 6, 8, 2048, 50304, tie_word_embeddings=False), 70_426_624,
        {"non_embedding": "18915328", "total": "70426624"}, f"{PYTHIA}; {PROVENANCE}",
    ),
    "pythia-160m": Known(
        dense("gpt_neox", 768, 12, 12, 3072, 50304, tie_word_embeddings=False), 162_322_944,
        {"non_embedding": "85056000"}, PYTHIA,
    ),
    "pythia-12b": Known(
        dense("gpt_neox", 5120, 36, 40, 20480, 50688, tie_word_embeddings=False), 11_846_072_320,
        {"non_embedding": "11327027200"}, PYTHIA,
    ),
    "gpt-neo-125m": Known(
        {"model_type": "gpt_neo", "hidden_size": 768, "num_layers": 12, "num_heads": 12, "intermediate_size": None,
         "attention_types": [[["global", "local"], 6]], "window_size": 256, "max_position_embeddings": 2048,
         "vocab_size": 50257},
        125_198_592, {"total": "125198592"}, PROVENANCE,
    ),
    "gpt-j-6b": Known(
        gpt2(4096, 28, 16) | {"model_type": "gptj", "vocab_size": 50400, "tie_word_embeddings": False}, 6_050_882_784,
    ),
    "opt-125m": Known(
        dense("opt", 768, 12, 12, None, 50272, ffn_dim=3072, max_position_embeddings=2048, word_embed_proj_dim=768),
        125_239_296, {"total": "125239296"}, PROVENANCE,
    ),
    "opt-350m": Known(
        dense("opt", 1024, 24, 16, None, 50272, ffn_dim=4096, max_position_embeddings=2048, word_embed_proj_dim=512,
              do_layer_norm_before=False),
        331_196_416,
    ),
    "bloom-176b": Known(
        {"model_type": "bloom", "n_embed": 14336, "n_layer": 70, "num_attention_heads": 112, "vocab_size": 250880},
        176_247_271_424, {"total": "176247271424", "embedding": "3596615680"}, "model card",
    ),
    "phi-2": Known(
        dense("phi", 2560, 32, 32, 10240, 51200, num_key_value_heads=32, qk_layernorm=False, tie_word_embeddings=False),
        2_779_683_840, {"total": "2779683840"}, PROVENANCE,
    ),
    "phi-3-mini": Known(
        dense("phi3", 3072, 32, 32, 8192, 32064, num_key_value_heads=32, sliding_window=2047,
              tie_word_embeddings=False),
        3_821_079_552, {"total": "3821079552"}, PROVENANCE,
    ),
    "llama-7b": Known(dense("llama", 4096, 32, 32, 11008, 32000, tie_word_embeddings=False), 6_738_415_616),
    "llama-3.2-3b": Known(
        dense("llama", 3072, 28, 24, 8192, 128256, num_key_value_heads=8, head_dim=128, tie_word_embeddings=True),
        3_212_749_824, {"total": "3212749824"}, PROVENANCE,
    ),
    "llama-3.1-405b": Known(
        dense("llama", 16384, 126, 128, 53248, 128256, num_key_value_heads=8, tie_word_embeddings=False),
        405_853_388_800, {"total": "405B"}, "Llama Team 2024, arXiv:2407.21783",
    ),
    "tinyllama-1.1b": Known(
        dense("llama", 2048, 22, 32, 5632, 32000, num_key_value_heads=4, tie_word_embeddings=False), 1_100_048_384,
        {"total": "1100048384"}, PROVENANCE,
    ),
    "mistral-7b": Known(
        dense("mistral", 4096, 32, 32, 14336, 32000, num_key_value_heads=8, sliding_window=4096,
              tie_word_embeddings=False),
        7_241_732_096,
    ),
    "mixtral-8x7b": Known(
        dense("mixtral", 4096, 32, 32, 14336, 32000, num_key_value_heads=8, num_local_experts=8, num_experts_per_tok=2,
              sliding_window=None, tie_word_embeddings=False),
        46_702_792_704, {"total": "47B", "active": "13B"}, "Jiang et al. 2024, arXiv:2401.04088",
    ),
    "olmo-1b": Known(
        dense("olmo", 2048, 16, 16, 8192, 50304, num_key_value_heads=16, tie_word_embeddings=True), 1_176_764_416,
    ),
    "olmo-7b": Known(
        dense("olmo", 4096, 32, 32, 11008, 50304, num_key_value_heads=32, tie_word_embeddings=False), 6_888_095_744,
    ),
    "olmo-2-7b": Known(
        dense("olmo2", 4096, 32, 32, 11008, 100352, num_key_value_heads=32, tie_word_embeddings=False), 7_298_617_344,
    ),
    "olmoe-1b-7b": Known(
        dense("olmoe", 2048, 16, 16, 1024, 50304, num_key_value_heads=16, num_experts=64, num_experts_per_tok=8,
              tie_word_embeddings=False),
        6_919_161_856, {"total": "6.9B", "active": "1.3B"}, "Muennighoff et al. 2024, arXiv:2409.02060, table 1",
    ),
    "qwen2.5-0.5b": Known(
        dense("qwen2", 896, 24, 14, 4864, 151936, num_key_value_heads=2, tie_word_embeddings=True,
              use_sliding_window=False, sliding_window=32768, max_window_layers=24),
        494_032_768, {"total": "0.49B", "non_embedding": "0.36B"}, "model card",
    ),
    "qwen2.5-7b": Known(
        dense("qwen2", 3584, 28, 28, 18944, 152064, num_key_value_heads=4, tie_word_embeddings=False,
              use_sliding_window=False, sliding_window=131072, max_window_layers=28),
        7_615_616_512, {"total": "7.61B", "non_embedding": "6.53B"}, "model card",
    ),
    "qwen3-0.6b": Known(
        dense("qwen3", 1024, 28, 16, 3072, 151936, num_key_value_heads=8, head_dim=128, tie_word_embeddings=True),
        596_049_920, {"total": "0.6B", "non_embedding": "0.44B"}, "model card",
    ),
    "qwen3-30b-a3b": Known(
        dense("qwen3_moe", 2048, 48, 32, 6144, 151936, num_key_value_heads=4, head_dim=128, moe_intermediate_size=768,
              num_experts=128, num_experts_per_tok=8, decoder_sparse_step=1, mlp_only_layers=[],
              tie_word_embeddings=False),
        30_532_122_624, {"total": "30.5B", "active": "3.3B", "non_embedding": "29.9B"}, "model card",
    ),
    "qwen1.5-moe-a2.7b": Known(
        dense("qwen2_moe", 2048, 24, 16, 5632, 151936, num_key_value_heads=16, moe_intermediate_size=1408,
              shared_expert_intermediate_size=5632, num_experts=60, num_experts_per_tok=4, decoder_sparse_step=1,
              use_sliding_window=False, tie_word_embeddings=False),
        14_315_784_192, {"total": "14.3B", "active": "2.7B"}, "model card",
    ),
    "gemma-2b": Known(
        dense("gemma", 2048, 18, 8, 16384, 256000, num_key_value_heads=1, head_dim=256), 2_506_172_416,
        {"total": "2506172416", "non_embedding": "1981884416"}, f"{GEMMA}; {PROVENANCE}",
    ),
    "gemma-7b": Known(
        dense("gemma", 3072, 28, 16, 24576, 256000, num_key_value_heads=16, head_dim=256), 8_537_680_896,
        {"non_embedding": "7751248896"}, GEMMA,
    ),
    "gemma-2-2b": Known(
        dense("gemma2", 2304, 26, 8, 9216, 256000, num_key_value_heads=4, head_dim=256, sliding_window=4096),
        2_614_341_888, {"total": "2614341888", "non_embedding": "2024517888"}, f"{GEMMA_2}; {PROVENANCE}",
    ),
    "gemma-2-27b": Known(
        dense("gemma2", 4608, 46, 32, 36864, 256000, num_key_value_heads=16, head_dim=128, sliding_window=4096),
        27_227_128_320, {"non_embedding": "26047480320"}, GEMMA_2,
    ),
    "gemma-3-1b": Known(
        dense("gemma3_text", 1152, 26, 4, 6912, 262144, num_key_value_heads=1, head_dim=256, sliding_window=512,
              sliding_window_pattern=6),
        999_885_952,
    ),
    "gpt-oss-20b": Known(
        dense("gpt_oss", 2880, 24, 64, 2880, 201088, num_key_value_heads=8, head_dim=64, num_local_experts=32,
              num_experts_per_tok=4, sliding_window=128, attention_bias=True, tie_word_embeddings=False,
              layer_types=["sliding_attention", "full_attention"] * 12),
        20_914_757_184, {"total": "20.91B", "active_less_lookup": "3.61B"}, "OpenAI 2025, arXiv:2508.10925, table 1",
    ),
    "deepseek-v2-lite": Known(
        deepseek("deepseek_v2", 2048, 27, 16, 10944, 1408, 64, 2, 6, 1, None, 102400), 15_706_484_224,
        {"total": "15.7B"}, "DeepSeek-AI 2024, arXiv:2405.04434, appendix B",
    ),
    "deepseek-v2": Known(
        deepseek("deepseek_v2", 5120, 60, 128, 12288, 1536, 160, 2, 6, 1, 1536, 102400), 235_741_434_880,
        {"total": "236B", "active_less_lookup": "21B"}, "DeepSeek-AI 2024, arXiv:2405.04434",
    ),
    "deepseek-v3": Known(
        deepseek("deepseek_v3", 7168, 61, 128, 18432, 2048, 256, 1, 8, 3, 1536, 129280), 671_026_404_352,
        {"total": "671B", "active_less_lookup": "37B"}, "DeepSeek-AI 2024, arXiv:2412.19437",
    ),
    "t5-small": Known(t5(512, 2048, 8, 6), 60_506_624, {"total": "60M"}, T5),
    "t5-base": Known(t5(768, 3072, 12, 12), 222_903_552, {"total": "0.22B"}, f"{T5} (220 million)"),
    "t5-3b": Known(t5(1024, 16384, 32, 24, 128), 2_851_598_336, {"total": "2.8B"}, T5),
    "t5-11b": Known(t5(1024, 65536, 128, 24, 128), 11_307_321_344, {"total": "11B"}, T5),
    "t5-v1.1-base": Known(t5(768, 2048, 12, 12, gated=True), 247_577_856),
    "flan-t5-small": Known(t5(512, 1024, 6, 8, gated=True), 76_961_152),
    "mt5-small": Known(
        t5(512, 1024, 6, 8, kind="mt5", vocabulary=250112, gated=True), 300_176_768, {"total": "300M"},
        "Xue et al. 2021, arXiv:2010.11934, table 2",
    ),
    "umt5-small": Known(t5(512, 1024, 6, 8, kind="umt5", vocabulary=256384, gated=True), 306_601_984),
    "bart-base": Known(bart("bart", 768, 6, 12, 3072, 50265, 1024), 139_420_416),
    "bart-large": Known(bart("bart", 1024, 12, 16, 4096, 50265, 1024), 406_291_456),
    "mbart-large-50": Known(bart("mbart", 1024, 12, 16, 4096, 250054, 1024), 610_879_488),
    "pegasus-large": Known(bart("pegasus", 1024, 16, 16, 4096, 96103, 1024), 570_797_056),
    "opus-mt-en-de": Known(bart("marian", 512, 6, 8, 2048, 58101, 512), 74_410_496),
    "m2m100-418m": Known(bart("m2m_100", 1024, 12, 16, 4096, 128112, 1024), 483_905_536),
}  # fmt: skip
