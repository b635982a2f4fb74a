"""Writes the samples of this folder: the same runs in a file store and in a database, by MLflow's own client.

    pip install "mlflow-skinny==3.17.2" "sqlalchemy==2.1.9" "alembic==1.20.1"
    python make_samples.py

Three runs with two metrics, one of them logged at every second step, NaN and infinity, a value that is logged again for
the same step, a metric of the machine, parameters, and a tag; two have the same name, the last one is deleted.
"""

import gzip
import math
import os
import shutil
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
START = 1_700_000_000_000


def fill(client):
    from mlflow.entities import Metric, Param, RunTag

    experiment = client.create_experiment("ladder", artifact_location="file:///artifacts")
    for number, name in enumerate(("small", "small", "broken")):
        run = client.create_run(experiment, start_time=START + number, run_name=name)
        loss = [Metric("train_loss", 3 - step / 10 + number, START + step, step) for step in range(10)]
        val_loss = [Metric("val/loss", 3.1 - step / 10 + number, START + step, step) for step in range(2, 10, 2)]
        odd = [
            Metric("val/loss", math.nan, START, 0),
            Metric("grad_norm", math.inf, START + 3, 3),
            Metric("train_loss", 2.5 + number, START + 100, 9),
            Metric("system/cpu_utilization_percentage", 50.0, START, 0),
        ]
        params = [Param("layers", str(4 + number)), Param("lr", "0.001"), Param("optimizer", "adamw")]
        client.log_batch(run.info.run_id, loss + val_loss + odd, params, [RunTag("purpose", "sample")])
        client.set_terminated(run.info.run_id, status="FAILED" if number else "FINISHED", end_time=START + 1000)
    client.delete_run(run.info.run_id)


def main():
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ALLOW_FILE_STORE": "true"}
    from mlflow import MlflowClient

    shutil.rmtree(HERE / "mlruns", ignore_errors=True)
    fill(MlflowClient(tracking_uri=(HERE / "mlruns").as_uri()))
    for meta in (HERE / "mlruns").glob("*/meta.yaml"):
        meta.write_text(meta.read_text().replace(HERE.as_uri(), "file:///store"))  # where this folder lies
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        fill(MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db"))
        packed = gzip.compress(Path(folder, "mlflow.db").read_bytes().replace(folder.encode(), b"/" * len(folder)), 9)
        (HERE / "mlflow.db.gz").write_bytes(packed)
        os.chdir(HERE)


if __name__ == "__main__":
    main()
