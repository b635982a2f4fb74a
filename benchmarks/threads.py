"""One thread for every library of linear algebra; to be called before NumPy is imported."""

from __future__ import annotations

import os
import sys

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def one_thread() -> None:
    if "numpy" in sys.modules:
        raise RuntimeError("one_thread must be called before NumPy is imported: its thread pool exists already.")
    os.environ.update(dict.fromkeys(VARIABLES, "1"))
