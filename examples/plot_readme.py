"""
Fit the small, predict the large
================================

The README's picture: a law fitted to the small models of microlm, and the large ones it had not seen.

python examples/plot_readme.py [FILE]
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

import scalefit as sf
from scalefit.plots.targets import plot_targets

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "readme.png"


def draw(runs):
    """One panel a family, on a common axis."""
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    panels = figure.subplots(1, 2)
    for ax, (family, group) in zip(panels, runs.groupby("family"), strict=True):
        fit = sf.fit(group[~group.held_back], "chinchilla").bootstrap(1000, rng=0)
        told = fit.predict(group[group.held_back], interval="run")
        plot_targets(told, along="tokens", by="params", ax=ax)
        sf.plot_fit(fit, ax=ax)
        held = ((told.low <= told.loss) & (told.loss <= told.high)).sum()
        ax.set_title(f"{family}: {held} of {len(told)} larger runs inside their 90 % interval", fontsize="medium")
        ax.get_legend().set_loc("upper right")
        ax.set_xlim(runs.tokens.min() / 1.4, runs.tokens.max() * 4)
    low, high = runs.loss.min(), runs.loss.max()
    for ax in panels:
        ax.set_ylim(low * 0.93, high * (high / low) ** 0.3)
    return figure


if __name__ == "__main__":
    final = sf.datasets.load("microlm").groupby("run").last()
    PICTURE.parent.mkdir(exist_ok=True)
    draw(final).savefig(sys.argv[1] if len(sys.argv) > 1 else PICTURE, dpi=130)
