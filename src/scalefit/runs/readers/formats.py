"""All formats, in the order in which a file is asked: what is told by its first bytes comes before plain text."""

from __future__ import annotations

from scalefit.runs.readers.delimited import DELIMITED
from scalefit.runs.readers.json_lines import JSON_LINES
from scalefit.runs.readers.json_records import JSON_RECORDS
from scalefit.runs.readers.lm_eval import LM_EVAL
from scalefit.runs.readers.mlflow_store import MLFLOW_DATABASE
from scalefit.runs.readers.parquet import PARQUET
from scalefit.runs.readers.reading import Format
from scalefit.runs.readers.tensorboard import TENSORBOARD
from scalefit.runs.readers.trainer_state import TRAINER_STATE
from scalefit.runs.readers.wandb_offline import WANDB

FORMATS: tuple[Format, ...] = (
    PARQUET,
    TENSORBOARD,
    WANDB,
    MLFLOW_DATABASE,
    JSON_LINES,
    TRAINER_STATE,
    LM_EVAL,
    JSON_RECORDS,
    DELIMITED,
)
