"""Text files as programs write them. Run in this folder: python make_samples.py

Versions that wrote the files here: pandas 3.1.1, numpy 2.4.6, polars 2.1.0, tensorboard 2.21.0.

``wandb_wide.csv`` and ``wandb_one_run.csv`` are written by hand, since only the web application exports them: one
column per run, called "<run> - <metric>", each with "__MIN" and "__MAX" of the points that were averaged into one
(https://github.com/wandb/wandb/issues/5349).
"""

import csv
import gzip
import tempfile

import numpy as np
import pandas as pd

STEPS = np.arange(0, 2000, 100)


def curve(params, seed):
    """Loss of a run of so many parameters."""
    return 1.7 + 400 / params**0.34 + 3 / (1 + STEPS) ** 0.3 + 0.01 * np.random.default_rng(seed).standard_normal(20)


def runs():
    """Three runs, one row per step."""
    parts = [
        pd.DataFrame({"run": f"größe-{n:.0e}", "params": int(n), "step": STEPS, "loss": curve(n, i), "lr": 3e-4})
        for i, n in enumerate((1e6, 1e7, 1e8))
    ]
    return pd.concat(parts, ignore_index=True)


def write_plain(table):
    """The same table as pandas, polars and a spreadsheet in Germany write it."""
    import polars as pl

    table.to_csv("comma.csv", index=False)
    table.to_csv("index.csv.gz", compression={"method": "gzip", "mtime": 0})
    table.to_csv("decimal_comma.csv", sep=";", decimal=",", index=False, encoding="cp1252", lineterminator="\r\n")
    table.to_csv("utf16.tsv", sep="\t", index=False, encoding="utf-16")
    pl.from_pandas(table).write_csv("polars.csv", include_bom=True, quote_style="always")
    numbers = table[["params", "step", "loss", "lr"]].to_numpy()
    np.savetxt("savetxt.txt", numbers, header="params step loss lr", fmt="%.17g")


def write_wandb():
    """The export of a plot with three runs, of which one ended early and one was averaged; and of one run."""
    losses = {"small - a": curve(1e6, 0), "medium": curve(1e7, 1), "large": curve(1e8, 2)}
    with open("wandb_wide.csv", "w", newline="") as file:
        out = csv.writer(file, quoting=csv.QUOTE_ALL)
        ends = ("", "__MIN", "__MAX")
        out.writerow(["Step", *(f"{run} - eval/loss{end}" for run in losses for end in ends)])
        for i, step in enumerate(STEPS):
            row = [step]
            for run, loss in losses.items():
                width = 0.01 if run == "large" else 0.0
                there = run != "medium" or step < 1000
                row += [repr(float(loss[i] + shift)) if there else "" for shift in (0, -width, width)]
            out.writerow(row)
    with open("wandb_one_run.csv", "w", newline="") as file:
        out = csv.writer(file, quoting=csv.QUOTE_ALL)
        out.writerow(["Step", "train/loss", "train/loss__MIN", "train/loss__MAX"])
        out.writerows([step, *[repr(float(loss))] * 3] for step, loss in zip(STEPS, losses["medium"], strict=True))


def write_tensorboard():
    """One scalar as the page of TensorBoard lets one download it."""
    from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.context import RequestContext
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.scalar.scalars_plugin import OutputFormat, ScalarsPlugin
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    with tempfile.TemporaryDirectory() as folder:
        writer = EventFileWriter(folder)
        for i, (step, loss) in enumerate(zip(STEPS, curve(1e6, 0), strict=True)):
            summary = Summary(value=[Summary.Value(tag="loss", simple_value=loss)])
            writer.add_event(Event(wall_time=1.7e9 + 10 * i, step=int(step), summary=summary))
        writer.close()
        multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(folder)
        multiplexer.Reload()
        provider = data_provider.MultiplexerDataProvider(multiplexer, folder)
        plugin = ScalarsPlugin(TBContext(data_provider=provider))
        body, _ = plugin.scalars_impl(RequestContext(), "loss", ".", "", OutputFormat.CSV)
    with open("tensorboard.csv", "w", newline="") as file:
        file.write(body)


if __name__ == "__main__":
    write_plain(runs())
    write_wandb()
    write_tensorboard()
    with gzip.open("index.csv.gz") as file:
        assert file.readline().startswith(b",run")
