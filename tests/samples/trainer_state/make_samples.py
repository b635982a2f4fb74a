"""Writes the samples of this folder: tiny models trained by the real Trainer, its state kept as it comes.

    pip install "transformers==5.23.0" "accelerate==1.15.0" "torch==2.13.0"
    python make_samples.py

``plain.json``: 47 steps, evaluated every 20 and at the end, logged every 5, so that the last step has no training loss;
tokens not counted. ``tokens.json``: tokens counted, logged every 4 steps, two evaluation sets, evaluated before the
first step too. ``checkpoint.json``: the state as a checkpoint in the middle of a run keeps it, without a summary.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

HERE = Path(__file__).parent
VOCABULARY, LENGTH = 64, 32


def sequences(count, seed):
    """Walks on a ring with a few jumps: something that a model can learn in a few dozen steps."""
    rng = torch.Generator().manual_seed(seed)
    moves = torch.randint(1, 4, (count, LENGTH), generator=rng)
    tokens = moves.cumsum(1) % VOCABULARY
    return [{"input_ids": row, "labels": row} for row in tokens]


def train(name, folder, evaluation, **options):
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=LENGTH,
    )  # fmt: skip
    arguments = TrainingArguments(
        output_dir=folder / name, per_device_train_batch_size=8, learning_rate=3e-3, lr_scheduler_type="cosine",
        warmup_steps=5, logging_strategy="steps", eval_strategy="steps", report_to="none", use_cpu=True,
        disable_tqdm=True, seed=0, **options,
    )  # fmt: skip
    trainer = Trainer(
        LlamaForCausalLM(config), arguments, train_dataset=sequences(160, seed=1), eval_dataset=evaluation
    )
    trainer.train()
    trainer.save_state()
    return folder / name


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    held_out = sequences(32, seed=2)
    two = {"near": held_out, "far": sequences(16, seed=3)}
    with tempfile.TemporaryDirectory() as scratch:
        plain = train("plain", Path(scratch), held_out, max_steps=47, logging_steps=5, eval_steps=20, save_steps=30)
        shutil.copy(plain / "trainer_state.json", target / "plain.json")
        shutil.copy(plain / "checkpoint-30" / "trainer_state.json", target / "checkpoint.json")
        tokens = train("tokens", Path(scratch), two, max_steps=40, logging_steps=4, eval_steps=8, eval_on_start=True,
                       include_num_input_tokens_seen=True, save_strategy="no")  # fmt: skip
        shutil.copy(tokens / "trainer_state.json", target / "tokens.json")
