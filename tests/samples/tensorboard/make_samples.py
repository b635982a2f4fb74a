"""Writes the sample of this folder: the log folder of two runs, by TensorBoard's own writer.

    pip install "tensorboard==2.21.0"
    python make_samples.py

``small`` holds numbers as PyTorch and older writers log them, ``small/eval`` tensors as TensorFlow 2 does, with the
hyperparameters; ``restarted`` has two files that overlap: the first broke off at step 50, the second began at 40.
``small`` also has a histogram and a text, which are no scalars.
"""

import math
from pathlib import Path

HERE = Path(__file__).parent
START = 1_700_000_000


def loss(step):
    return 2 + 8 / math.sqrt(1 + step)


def write(folder, begun, events):
    """Write an event file as the library names and begins it, at the times given."""
    from tensorboard.compat.proto.event_pb2 import Event, SourceMetadata
    from tensorboard.summary.writer.record_writer import RecordWriter

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"events.out.tfevents.{begun}.machine.1.0").open("wb") as file:
        writer = RecordWriter(file)
        by = SourceMetadata(writer="tensorboard.summary.writer.event_file_writer")
        first = Event(wall_time=begun, file_version="brain.Event:2", source_metadata=by)
        for event in (first, *events):
            writer.write(event.SerializeToString())


def numbers(step, wall_time, **values):
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    summary = Summary(value=[Summary.Value(tag=f"train/{name}", simple_value=value) for name, value in values.items()])
    return Event(step=step, wall_time=wall_time, summary=summary)


def main():
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.histogram.summary_v2 import histogram_pb
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb
    from tensorboard.plugins.text.summary_v2 import text_pb

    small = [numbers(step, START + step, loss=loss(step), lr=1e-3) for step in range(0, 100, 10)]
    small.append(Event(step=90, wall_time=START + 90, summary=histogram_pb("weights", [0.1, 0.2, 0.4], buckets=3)))
    small.append(Event(step=90, wall_time=START + 90, summary=text_pb("remark", "all is well")))
    write(HERE / "ladder" / "small", START, small)
    given = Event(wall_time=START, summary=hparams_pb({"layers": 4, "lr": 0.001, "optimizer": "adamw"}, "trial", START))
    points = [
        Event(step=step, wall_time=START + step, summary=scalar_pb("eval/loss", loss(step) + 0.1))
        for step in range(0, 100, 50)
    ]
    write(HERE / "ladder" / "small" / "eval", START, [given, *points])
    first = [numbers(step, START + step, loss=loss(step)) for step in range(0, 60, 10)]
    write(HERE / "ladder" / "restarted", START, first)
    second = [numbers(step, START + 1000 + step, loss=loss(step) + 0.5) for step in range(40, 100, 10)]
    write(HERE / "ladder" / "restarted", START + 1000, second)


if __name__ == "__main__":
    main()
