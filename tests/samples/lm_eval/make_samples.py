"""Writes the sample of this folder: the real harness on three small tasks of our own, answered at random by its dummy.

    pip install "lm-eval==0.4.13" "datasets==5.2.0"
    python make_samples.py

Nothing is downloaded: the questions are made here. One task has two metrics, one has two filters of one metric, and two
of them form a group with a mean. The folder and the machine on which it ran are taken out of the results.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent

CHOICE = """
task: {task}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {folder}/{task}.jsonl
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: answer
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
  - metric: acc_norm
    aggregation: mean
    higher_is_better: true
num_fewshot: {shots}
metadata:
  version: 1.0
"""

ANSWER = """
task: {task}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {folder}/{task}.jsonl
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{choices[answer]}}}}"
generation_kwargs:
  until: ["\\n"]
filter_list:
  - name: strict
    filter:
      - function: regex
        regex_pattern: "(\\\\d+)"
      - function: take_first
  - name: flexible
    filter:
      - function: regex
        regex_pattern: "(l.l)"
      - function: take_first
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
num_fewshot: 0
metadata:
  version: 2.0
"""

GROUP = """
group: sums
task: [sums_small, sums_large]
aggregate_metric_list:
  - metric: acc
    aggregation: mean
    weight_by_size: true
metadata:
  version: 1.0
"""


def write_task(folder, task, template, largest, **values):
    (folder / f"{task}.yaml").write_text(template.format(task=task, folder=folder, **values))
    rows = []
    for number in range(40):
        a, b = number * 7 % largest, number * 11 % largest
        choices = [str(a + b), str(a + b + 1), "lol"]
        rows.append({"question": f"{a} + {b} =", "choices": choices, "answer": 2 if number % 5 == 0 else 0})
    (folder / f"{task}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_task(folder, "sums_small", CHOICE, 10, shots=0)
        write_task(folder, "sums_large", CHOICE, 1000, shots=2)
        write_task(folder, "sums_written", ANSWER, 100)
        (folder / "sums.yaml").write_text(GROUP)
        command = [
            sys.executable, "-m", "lm_eval", "run", "--model", "dummy", "--model_args", "pretrained=tiny/dummy-1m",
            "--tasks", "sums,sums_written", "--include_path", scratch, "--output_path", f"{scratch}/out",
        ]  # fmt: skip
        quiet = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": f"{scratch}/cache", "LMEVAL_LOG_LEVEL": "ERROR"}
        subprocess.run(command, check=True, env={**os.environ, **quiet})
        (result,) = (folder / "out").rglob("results_*.json")
        found = json.loads(result.read_text().replace(str(scratch), "tasks"))
        found["pretty_env_info"] = "(taken out)"
        (target / "results.json").write_text(json.dumps(found, indent=2, ensure_ascii=False))
