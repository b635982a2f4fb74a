"""A picture of each part of microlm, to be looked at.

python pictures.py [FOLDER]
"""

import sys
from pathlib import Path

import pandas as pd
from card import final_rows
from matplotlib import colormaps
from matplotlib.figure import Figure

import scalefit as sf
from scalefit.plots.ticks import plain_ticks

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
TUNED = Path(__file__).with_name("tune.csv")
LABEL = "held-out loss (nats per token)"


def colours(n):
    return colormaps["viridis"]([0.9 * k / max(n - 1, 1) for k in range(n)])


def tidy(ax, title):
    """Plain numbers on the loss axis, and the legend beside the curves."""
    plain_ticks(ax.yaxis)
    ax.legend(title=title, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def panels(count, width=5.2):
    figure = Figure(figsize=(width * count, 4.4), layout="constrained")
    return figure, figure.subplots(1, count, squeeze=False)[0]


def draw_ladder():
    """Loss by tokens, a line a size; open marks are the held-back sizes, small dots the other seeds."""
    figure, axes = panels(2)
    for ax, (family, runs) in zip(axes, final_rows("ladder").groupby("family"), strict=True):
        for (params, size), colour in zip(runs.groupby("params"), colours(8), strict=True):
            first = size[size.seed == 0].sort_values("tokens")
            fill = "white" if first.held_back.all() else colour
            ax.loglog(first.tokens, first.loss, "o-", color=colour, mfc=fill, label=f"{params:,}")
            ax.loglog(size.tokens, size.loss, ".", color="black", ms=3)
        ax.set(title=f"{family}: final losses (open: held back)", xlabel="tokens", ylabel=LABEL)
        tidy(ax, "parameters")
    return figure


def draw_logs():
    """Every checkpoint of the longest runs."""
    figure, axes = panels(2)
    logs = sf.datasets.load("microlm")
    longest = logs[logs.groupby("run").tokens.transform("max") == logs.tokens.max()]
    for ax, (family, runs) in zip(axes, longest.groupby("family"), strict=True):
        for (params, log), colour in zip(runs[runs.seed == 0].groupby("params"), colours(8), strict=True):
            ax.loglog(log.tokens, log.loss, color=colour, label=f"{params:,}")
        ax.set(title=f"{family}: logs of the longest runs", xlabel="tokens", ylabel=LABEL)
        tidy(ax, "parameters")
    return figure


def draw_schedules():
    """Loss and rate by step, a line a schedule."""
    logs = sf.datasets.load("microlm", part="schedules")
    sizes = list(logs.groupby("params"))
    figure, axes = panels(len(sizes) + 1)
    for ax, (params, runs) in zip(axes, sizes, strict=False):
        for (name, log), colour in zip(runs.groupby("schedule"), colormaps["tab10"].colors, strict=False):
            shown = log[log.step >= 200]
            ax.plot(shown.step, shown.loss, color=colour, lw=1, label=name)
        ax.set(title=f"Transformer of {params:,} parameters", xlabel="step", ylabel=LABEL)
        ax.legend(fontsize="small")
    for (name, log), colour in zip(sizes[0][1].groupby("schedule"), colormaps["tab10"].colors, strict=False):
        axes[-1].plot(log.step, log.lr, color=colour, lw=1, label=name)
    axes[-1].set(title="rates of the smaller size", xlabel="step", ylabel="learning rate")
    return figure


def draw_encoder_decoder():
    """Loss by the size of one side, a line for each size of the other."""
    runs = final_rows("encoder_decoder")
    figure, axes = panels(2)
    runs["decoder"] = "w" + runs.width_decoder.astype(str) + "-l" + runs.layers_decoder.astype(str)
    runs["encoder"] = "w" + runs.width_encoder.astype(str) + "-l" + runs.layers_encoder.astype(str)
    for ax, (along, other) in zip(axes, (("encoder", "decoder"), ("decoder", "encoder")), strict=True):
        order = runs.groupby(other)[f"params_{other}"].min().sort_values().index
        for name, colour in zip(order, colours(len(order)), strict=True):
            side = runs[runs[other] == name].sort_values(f"params_{along}")
            first = side[side.seed == 0]
            ax.loglog(first[f"params_{along}"], first.loss, "o-", color=colour, mfc="white", label=name)
            ax.loglog(side[f"params_{along}"], side.loss, ".", color=colour, ms=4)
        ax.set(xlabel=f"parameters of the {along}", ylabel="held-out loss (nats per operation)")
        tidy(ax, other)
    return figure


def draw_repetition():
    """Loss by tokens for each subset; the dashed line is the ladder's run of fresh text."""
    runs, ladder = final_rows("repetition"), final_rows("ladder")
    sizes = list(runs.groupby("params"))
    figure, axes = panels(len(sizes))
    for ax, (params, size) in zip(axes, sizes, strict=True):
        fresh = ladder[(ladder.params == params) & (ladder.seed == 0)].sort_values("tokens")
        ax.loglog(fresh.tokens, fresh.loss, "k--", marker=".", label="fresh text (ladder)")
        for (unique, subset), colour in zip(size.groupby("unique_tokens"), colours(3), strict=False):
            subset = subset.sort_values("tokens")
            ax.loglog(subset.tokens, subset.loss, "o-", color=colour, label=f"{unique:,} unique tokens, 1 to 16 epochs")
        ax.set(title=f"LSTM of {params:,} parameters", xlabel="tokens", ylabel=LABEL)
        plain_ticks(ax.yaxis)
        ax.legend(fontsize="small")
    return figure


def draw_tuning():
    """Loss by peak rate for the tuned sizes; the cross is the rate that was used."""
    tuned, used = pd.read_csv(TUNED), sf.datasets.load("microlm")
    peaks = used.groupby(["family", "width"]).lr.max()
    figure, axes = panels(2)
    for ax, (family, table) in zip(axes, tuned.groupby("family"), strict=True):
        for (width, size), colour in zip(table.groupby("width"), colours(3), strict=True):
            size = size.sort_values("peak_lr")
            ax.semilogx(size.peak_lr, size.loss, "o-", color=colour, label=f"width {width}")
            ax.axvline(peaks[family, width], color=colour, ls=":")
        rates = sorted(table.peak_lr.unique())
        ax.set_xticks(rates, [f"{rate:g}" for rate in rates], fontsize="small")
        ax.minorticks_off()
        ax.set(title=f"{family}: tuning at 788,480 tokens", xlabel="peak rate (dotted: used)", ylabel=LABEL)
        ax.legend(fontsize="small")
    return figure


PICTURES = {
    "ladder": draw_ladder,
    "logs": draw_logs,
    "schedules": draw_schedules,
    "encoder-decoder": draw_encoder_decoder,
    "repetition": draw_repetition,
    "tuning": draw_tuning,
}

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for name, draw in PICTURES.items():
        draw().savefig(folder / f"microlm-{name}.png", dpi=110)
