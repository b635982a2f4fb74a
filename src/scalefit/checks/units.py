"""Numbers that are probably in another unit, with the factor that repairs them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from scalefit.checks.finding import Finding, Repair, counted, found
from scalefit.checks.table import NAMES, Floats, Ints, RunsTable, as_floats
from scalefit.quantities import QUANTITIES
from scalefit.wording.digits import si

#: Above it a loss in nats per token is that of a uniform guess over 262,144 words.
MOST_NATS = float(np.log(2**18))
#: Where the losses of sizeable models all lie here, bits per byte are usual and nats per token are not.
PER_BYTE = (0.4, 1.25)
SIZEABLE = 1e7
#: No vocabulary has more words.
MOST_WORDS = 1e8
#: Byte-level models have no more words than this.
BYTES = 300
#: What a column's name says of its unit, and how nats per token follow from it.
_NAMED = (
    (r"\bbpb\b|bits? per byte", "bits per byte", "loss * log(2) * bytes_per_token"),
    (r"\bbpc\b|bits? per char(acter)?", "bits per character", "loss * log(2) * characters_per_token"),
    (r"\bbpt\b|bits? per (token|word)|\bbits\b", "bits per token", "loss * log(2)"),
    (r"\bppl\b|perplexity", "a perplexity", "log(loss)"),
)
#: What compute is given in, and the factor to FLOP.
_FLOP_UNITS = ((8.64e19, "PFLOP-days"), (1e21, "ZFLOP"), (1e18, "EFLOP"), (1e15, "PFLOP"), (1e12, "TFLOP"))


def check_units(table: RunsTable) -> Iterator[Finding]:
    """Findings about units of single columns."""
    sizes = _size_factors(table)
    for name, values in table.numbers.items():
        if name in NAMES or not table.has(name):
            continue
        if name in sizes:
            yield _small_counts(table, name, sizes[name])
        elif name == "flops":
            yield from _small_flops(table, values)
        elif name in ("loss", "train_loss"):
            yield from _loss_unit(table, name)
        else:
            yield from _out_of_range(table, name, values)


def small_rows(values: Floats, low: float) -> Ints:
    """Rows with a number above zero and below the usual range."""
    with np.errstate(invalid="ignore"):
        return np.flatnonzero((values > 0) & (values < low))


def _size_factors(table: RunsTable) -> dict[str, float]:
    """The factor of each column of counts that is too small, chosen so that tokens per parameter come out usual."""
    counts = [name for name in table.numbers if table.has(name) and QUANTITIES[name].unit in ("parameters", "tokens")]
    small = [name for name in counts if len(small_rows(table.numbers[name], QUANTITIES[name].low))]
    factors: dict[str, float] = {}
    for name in small:
        values = table.numbers[name]
        some = values[(values > 0) & (values < 1e6)]
        factors[name] = 1e9 if np.median(some) < 30 or QUANTITIES[name].unit == "tokens" else 1e6
    if {"params", "tokens"} <= set(counts) and {"params", "tokens"} & set(small):
        usual = _usual_ratio(table, {name: name in small for name in ("params", "tokens")}, factors)
        factors.update({name: factor for name, factor in usual.items() if name in small})
    return factors


def _usual_ratio(table: RunsTable, small: dict[str, bool], guess: dict[str, float]) -> dict[str, float]:
    """The factors that bring the median of tokens per parameter nearest to 20; the guess decides among equals."""
    middle = {}
    for name in small:
        values = table.numbers[name]
        values = values[(values > 0) & ((values < 1e6) | (not small[name]))]
        middle[name] = float(np.median(values)) if len(values) else np.nan
    choices = [
        {"params": n, "tokens": d}
        for n in ((1e6, 1e9) if small["params"] else (1.0,))
        for d in ((1e6, 1e9) if small["tokens"] else (1.0,))
    ]

    def off(factors: dict[str, float]) -> tuple[float, int]:
        ratio = middle["tokens"] * factors["tokens"] / (middle["params"] * factors["params"]) / 20
        others = sum(factors[name] != guess.get(name, 1.0) for name in factors)
        return (round(abs(np.log10(ratio)) * 2) if np.isfinite(ratio) and ratio > 0 else 0, others)

    return min(choices, key=off)


def _small_counts(table: RunsTable, name: str, factor: float) -> Finding:
    values, quantity = table.numbers[name], QUANTITIES[name]
    rows = small_rows(values, quantity.low)
    rest = np.isfinite(values).sum() - len(rows)
    unit = "billions" if factor == 1e9 else "millions"
    mixed = ""
    if rest and (values[values > 0] > 1e6).any():
        mixed = " The other rows look like plain counts: two units in one column."
    if rest and not mixed:
        mixed_text = f", as {'is the other row' if rest == 1 else f'are the other {rest:,}'}"
    else:
        mixed_text = ""
    text = f"{name} is below {quantity.low:g} {_where(table, rows, values)}: probably in {unit}{mixed_text}.{mixed}"
    repair = _multiply(table, name, factor, mixed, every=bool(rest))
    return found("unit", "misleading", text, repair, rows=rows, columns=[name])


def _multiply(table: RunsTable, name: str, factor: float, mixed: str = "", *, every: bool = False) -> Repair:
    """The repair of a column in another unit; ``every``: say that rows which do not stand out are multiplied too."""
    spelt, text = f"runs[{table.spelt(name)!r}]", f"{factor:g}".replace("e+0", "e").replace("e+", "e")
    if mixed:
        low = f"{QUANTITIES[name].low:g}"
        return Repair(
            f"{spelt} = {spelt}.where({spelt} >= {low}, {text} * {spelt}).", f"Multiply the small ones by {text}."
        )
    python = f"Multiply all rows: {spelt} *= {text}." if every else f"{spelt} *= {text}."
    return Repair(python, f"Multiply {table.in_file(name)} by {text} in {'all rows of ' if every else ''}the file.")


def _small_flops(table: RunsTable, values: Floats) -> Iterator[Finding]:
    rows = small_rows(values, QUANTITIES["flops"].low)
    if not len(rows):
        return
    factor, unit = 1e18, "EFLOP, ZFLOP or PFLOP-days"
    if table.has("params", "tokens"):
        with np.errstate(all="ignore"):
            ratio = (6 * table.numbers["params"] * table.numbers["tokens"] / values)[rows]
        there = ratio[np.isfinite(ratio) & (ratio > 0)]
        middle = float(np.median(there)) if len(there) else np.nan
        near = [(size, name) for size, name in _FLOP_UNITS if 0.4 < middle / size < 2.5]
        if near:
            factor, unit = min(near, key=lambda pair: abs(np.log(middle / pair[0])))
    yield found(
        "unit", "misleading",
        f"flops is below {QUANTITIES['flops'].low:g} {_where(table, rows, values)}: probably in {unit}.",
        _multiply(table, "flops", factor, every=len(rows) < np.isfinite(values).sum()), rows=rows, columns=["flops"],
    )  # fmt: skip


def _loss_unit(table: RunsTable, name: str) -> Iterator[Finding]:
    """Whether a loss is in nats per token, by its name and by its range at the end of the runs."""
    told = unit_in_name(table.in_file(name))
    final = table.of_last(name)
    final = np.where(np.isfinite(final) & (final > 0), final, np.nan)
    if np.isnan(final).all():
        return
    spelt = table.spelt(name)
    if told:
        unit, formula = told
        python = formula.replace("loss", f"runs[{spelt!r}]").replace("log(", "np.log(")
        yield found(
            "unit", "remark",
            f"{name} is {unit}, by its name ({table.in_file(name)}); laws take any loss, but their constants and "
            "published ones are in nats per token.",
            Repair(f"To convert: {python}.", f"To convert: {formula}."), columns=[name],
        )  # fmt: skip
        return
    limit, why = MOST_NATS, f"above the {MOST_NATS:.1f} nats of a uniform guess over 262,144 words"
    words = _vocabulary(table)
    if words > 1:
        limit, why = (
            float(np.log(words)),
            f"above the {np.log(words):.1f} nats of a uniform guess over {words:,.0f} words",
        )
    high = np.flatnonzero(final > limit)
    if len(high) > 0.5 * np.isfinite(final).sum():
        worst = table.last[high]
        yield found(
            "unit", "misleading",
            f"{name} ends at {si(float(np.nanmin(final)))} to {si(float(np.nanmax(final)))}, {why}: probably a "
            "perplexity (take the log), in bits (times 0.6931) or summed over tokens (divide by their number).",
            Repair(f"A perplexity: runs[{spelt!r}] = np.log(runs[{spelt!r}]).",
                   f"A perplexity: write the log of {table.in_file(name)}."),
            rows=worst, columns=[name],
        )  # fmt: skip
    elif name == "loss":
        yield from _like_bits_per_byte(table, final)


def _like_bits_per_byte(table: RunsTable, final: Floats) -> Iterator[Finding]:
    bytes_only = 0 < _vocabulary(table) <= BYTES
    big = "params" in table.numbers and np.nanmin(table.of_last("params"), initial=np.inf) >= SIZEABLE
    inside = (np.nanmin(final) >= PER_BYTE[0]) and (np.nanmax(final) <= PER_BYTE[1])
    if big and inside and not bytes_only and len(final) > 1:
        yield found(
            "unit", "remark",
            f"loss ends at {si(float(np.nanmin(final)))} to {si(float(np.nanmax(final)))}: usual for bits per byte, "
            "low for nats per token of text. A fit does not mind; published constants are in nats per token.",
            "To convert: loss * log(2) * bytes_per_token.", columns=["loss"],
        )  # fmt: skip


def _vocabulary(table: RunsTable) -> float:
    """The largest ``vocab_size``, 0 where none is known."""
    if "vocab_size" not in table.frame.columns:
        return 0.0
    words = as_floats(table.frame["vocab_size"])
    return float(np.nanmax(words[words < MOST_WORDS], initial=0.0))


def unit_in_name(column: str) -> tuple[str, str] | None:
    """The unit that the name of a column tells, and how nats per token follow from it.

    Examples
    --------
    >>> unit_in_name("eval/c4_bpb"), unit_in_name("val_loss")
    (('bits per byte', 'loss * log(2) * bytes_per_token'), None)
    """
    words = re.sub(r"[^a-z0-9]+", " ", column.lower())
    return next(((unit, formula) for pattern, unit, formula in _NAMED if re.search(pattern, words)), None)


def _out_of_range(table: RunsTable, name: str, values: Floats) -> Iterator[Finding]:
    """Any other column outside the usual range of its quantity."""
    quantity = QUANTITIES[name]
    with np.errstate(invalid="ignore"):
        low, high = np.isfinite(values) & (values < quantity.low), np.isfinite(values) & (values > quantity.high)
    for outside, bound, side, hint in (
        (high, quantity.high, "above", quantity.if_high),
        (low & ~((values <= 0) & quantity.positive), quantity.low, "below", quantity.if_low),
    ):
        rows = np.flatnonzero(outside)
        if not len(rows):
            continue
        percent = side == "above" and quantity.high == 1.0
        spelt = f"runs[{table.spelt(name)!r}]"
        repair = (
            Repair(f"{spelt} /= 100.", f"Divide {table.in_file(name)} by 100 in the file.") if percent else Repair()
        )
        meaning = f": {hint.partition(';')[0]}" if hint else ""
        text = f"{name} is {side} {bound:g} {_where(table, rows, values)}{meaning}."
        yield found("unit", "misleading", text, repair, rows=rows, columns=[name])


def _where(table: RunsTable, rows: Ints, values: Floats) -> str:
    """In how many rows, and the number in the first of them."""
    total, example = len(table.frame), f"{values[rows[0]]:g} in {table.row(int(rows[0]))}"
    if total == 1:
        return f"in its only row ({values[rows[0]]:g})"
    of_all = f"all {counted(total, 'row')}" if len(rows) == total else f"{len(rows):,} of {counted(total, 'row')}"
    return f"in {of_all}, such as {example}"
