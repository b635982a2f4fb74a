"""microlm: print the plan, tune, train, and pack the logs.

    python ladder.py plan | tune | train | pack [--workers 2] [--work work]

Needs PyTorch (CPU) and CPython 3.11.7 built from source, whose library is the text. Stop it at any time: it goes on
where it was, and a finished size is never trained again.
"""

import argparse
import csv
import gzip
import io
import json
import multiprocessing
from pathlib import Path

from plan import SPEED, STEP_TOKENS, ladder, tuning

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "src" / "scalefit" / "datasets" / "microlm"
COLUMNS = ("run", "family", "params", "tokens", "flops", "step", "lr", "loss", "train_loss", "seed", "width", "layers")


def minutes(job):
    """Expected minutes on one core; parameters counted roughly, since the model is not built to print a plan."""
    params = (12 if job.family == "transformer" else 8) * job.layers * job.width**2
    return job.tokens * 1.3 * (1 / 9e4 + params / (SPEED[job.family] * 2.6)) / 60


def show_plan(jobs, workers):
    for job in jobs:
        print(f"{job.name:<30} peak rate {job.peak:<8g} {job.tokens:.2e} tokens, about {minutes(job):.1f} min")
    total = sum(map(minutes, jobs))
    print(f"{len(jobs)} jobs, about {total:.0f} core-minutes, {total / workers:.0f} minutes on {workers} cores")


def work_on(arguments):
    from train import run_job

    job, work = arguments
    run_job(job, work, lambda job, step, end: print(f"  {job.name}: step {step} of {end}", flush=True))
    return job.name


def run_all(jobs, work, workers):
    work.mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for done, name in enumerate(pool.imap_unordered(work_on, [(job, work) for job in jobs]), 1):
            print(f"[{done}/{len(jobs)}] {name}", flush=True)


def rows_of(log):
    """One row per checkpoint of each run: the trunk up to the branch, then the decay."""
    job, params = log["job"], log["params"]
    for budget, decay in log["decays"].items():
        run = f"{job['family']}-w{job['width']}-l{job['layers']}-{int(budget) / 1e6:.2f}M-seed{job['seed']}"
        before = [row for row in log["trunk"] if row["step"] < decay[0]["step"]]
        branch = int(budget) // STEP_TOKENS * 8 / 10
        for row in [row for row in before if row["step"] <= branch + 1] + decay:
            flops = 6 * params * row["tokens"]
            yield {
                "run": run,
                "params": params,
                "flops": flops,
                **{k: job[k] for k in ("family", "seed", "width", "layers")},
                **row,
            }


def pack(jobs, work):
    """Write the finished logs as one compressed table; bits depend on the rows alone."""
    rows = [
        row
        for job in jobs
        if (work / f"{job.name}.json").exists()
        for row in rows_of(json.loads((work / f"{job.name}.json").read_text()))
    ]
    rows.sort(key=lambda row: (row["family"], row["params"], row["seed"], row["run"], row["step"]))
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow(
            {**row, "lr": f"{row['lr']:.6g}", "loss": f"{row['loss']:.5f}", "train_loss": f"{row['train_loss']:.5f}"}
        )
    PACKAGE.mkdir(parents=True, exist_ok=True)
    with (
        open(PACKAGE / "ladder.csv.gz", "wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as file,
    ):
        file.write(text.getvalue().encode())
    print(f"{len(rows)} rows of {len({row['run'] for row in rows})} runs")


def write_tuning(jobs, work):
    """The tuning table: final loss by rate, for the data card."""
    with open(HERE / "tune.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("family", "width", "layers", "peak_lr", "tokens", "loss"))
        for job in jobs:
            log = json.loads((work / f"lr{job.peak:g}" / f"{job.name}.json").read_text())
            (budget, decay), *_ = log["decays"].items()
            table.writerow((job.family, job.width, job.layers, job.peak, budget, f"{decay[-1]['loss']:.5f}"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("plan", "tune", "train", "pack"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--work", type=Path, default=HERE / "work")
    options = parser.parse_args()
    if options.what == "plan":
        show_plan(ladder(), options.workers)
    elif options.what == "tune":
        show_plan(tuning(), options.workers)
        by_rate = {}
        for job in tuning():
            by_rate.setdefault(job.peak, []).append(job)
        for peak, jobs in by_rate.items():
            run_all(jobs, options.work / f"lr{peak:g}", options.workers)
        write_tuning(tuning(), options.work)
    elif options.what == "train":
        show_plan(ladder(), options.workers)
        run_all(ladder(), options.work, options.workers)
        pack(ladder(), options.work)
    else:
        pack(ladder(), options.work)


if __name__ == "__main__":
    main()
