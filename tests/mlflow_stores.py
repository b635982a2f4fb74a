"""Stores of MLflow: those of the sample, and file stores laid out as MLflow does it."""

from pathlib import Path

MLRUNS = Path(__file__).parent / "samples" / "mlflow" / "mlruns"
PACKED = MLRUNS.with_name("mlflow.db.gz")
RUN, EXPERIMENT = "0" * 32, "123456789012345678"


def write_store(folder, metrics=None, params=None, tags=None, run=RUN, **described):
    """A file store with one run, laid out as MLflow does it: that its own are read is tested below."""
    experiment = folder / EXPERIMENT
    place = experiment / run
    place.mkdir(parents=True, exist_ok=True)
    meta = f"artifact_location: file:///a\nexperiment_id: '{EXPERIMENT}'\nlifecycle_stage: active\nname: ladder\n"
    (experiment / "meta.yaml").write_text(meta)
    said = {"run_id": run, "run_name": "small", "lifecycle_stage": "active", "status": 3, "start_time": 5} | described
    (place / "meta.yaml").write_text("".join(f"{name}: {value}\n" for name, value in said.items()))
    for kind, values in (("metrics", metrics), ("params", params), ("tags", tags)):
        for name, text in (values or {}).items():
            path = place / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return folder
