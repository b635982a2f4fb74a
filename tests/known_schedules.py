"""Schedules that are known, and their logs as they might be written."""

import numpy as np
import pandas as pd

from scalefit.schedules import Schedule

LONG = {"steps": 10_000, "peak": 3e-4, "warmup": 500}
KNOWN = {
    "constant": Schedule.constant(**LONG),
    "linear": Schedule.linear(**LONG),
    "linear to a tenth": Schedule.linear(**LONG, end=3e-5),
    "cosine": Schedule.cosine(**LONG),
    "cosine to a tenth": Schedule.cosine(**LONG, end=3e-5),
    "cosine without warm-up": Schedule.cosine(steps=10_000, peak=3e-4),
    "wsd linear": Schedule.wsd(**LONG, decay_start=8000),
    "wsd exp": Schedule.wsd(**LONG, decay_start=8000, end=3e-6, shape="exp"),
    "wsd 1-sqrt": Schedule.wsd(**LONG, decay_start=8000, shape="1-sqrt"),
    "wsd cosine": Schedule.wsd(**LONG, decay_start=8000, end=3e-5, shape="cosine"),
    "multistep": Schedule.multistep(**LONG, milestones=[8000, 9000], values=[1e-4, 3e-5]),
    "inverse_sqrt": Schedule.inverse_sqrt(**LONG),
}


def log_of(schedule, steps, *, write=lambda rate: rate):
    return pd.DataFrame({"step": steps, "lr": [write(rate) for rate in schedule.rates[steps]]})


def evenly(every, *, start=0, last=10_000):
    return np.arange(start, last + 1, every)


def digits(count):
    return lambda rate: float(f"{rate:.{count - 1}e}")
