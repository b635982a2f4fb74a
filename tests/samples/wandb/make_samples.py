"""Writes a sample of this folder: the log of one run that never saw a server.

    pip install "wandb==0.31.0"   # or 0.16.6, with numpy 1.26.4 and protobuf 4.25.9, for the log of an older version
    python make_samples.py

Both are logs of the same run: a nested metric, one that is logged every third step, NaN and infinity, a text, an image
(which no table can hold), nested settings, and one setting that came late.
"""

import math
import os
import shutil
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def main():
    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    import wandb

    names = {name for name in dir(wandb.Settings) if not name.startswith("__")} | set(
        getattr(wandb.Settings, "model_fields", {})
    )
    quiet = {"console": "off", "disable_git": True, "save_code": False, "host": "machine", "program": "train.py"}
    quiet |= dict.fromkeys(("x_disable_stats", "_disable_stats", "x_disable_meta", "_disable_meta"), True)
    settings = wandb.Settings(**{name: value for name, value in quiet.items() if name in names})
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        config = {"lr": 0.001, "model": {"layers": 4, "sizes": [64, 128]}, "optimizer": "adamw", "resumed": False}
        run = wandb.init(project="ladder", name="small", dir=folder, config=config, settings=settings)
        for step in range(0, 300, 10):
            row = {"train": {"loss": 2 + 8 / math.sqrt(1 + step)}, "lr": 0.001 if step < 200 else 0.0005}
            if step % 30 == 0:
                row["val_loss"] = math.nan if step == 0 else 2.1 + 8 / math.sqrt(1 + step)
            if step == 100:
                row |= {"event": "checkpoint", "grad_norm": math.inf}
            if step == 200:
                row["sketch"] = wandb.Html("<p>no number</p>")
            run.log(row, step=step)
        run.config.update({"tokens": 1000000})
        run.finish()
        (log,) = Path(folder).glob("wandb/offline-run-*/run-*.wandb")
        shutil.copy(log, HERE / f"run-{wandb.__version__}.wandb")
        os.chdir(HERE)


if __name__ == "__main__":
    main()
