"""
Where one family overtakes another
==================================

LSTM against Transformer along compute: the two laws of microlm, where they cross, and how sure that is.

python examples/plot_crossover.py [FILE]
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

import scalefit as sf

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "crossover.png"


def draw(runs):
    """Both curves, and their difference."""
    lstm, transformer = (
        sf.fit(runs[runs.family == name], "chinchilla").bootstrap(1000, rng=0) for name in ("lstm", "transformer")
    )
    told = sf.find_crossover(lstm, transformer, along="flops")
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    curves, difference = figure.subplots(1, 2)
    told.plot(ax=curves)
    told.plot(show="difference", ax=difference)
    figure.suptitle(str(told).splitlines()[0], fontsize="medium")
    return figure


if __name__ == "__main__":
    final = sf.datasets.load("microlm").groupby("run").last()
    PICTURE.parent.mkdir(exist_ok=True)
    draw(final).savefig(sys.argv[1] if len(sys.argv) > 1 else PICTURE, dpi=130)
