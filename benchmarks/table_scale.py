"""CPU seconds and peak memory of each verb on a table of a million rows, beside imbalanced-learn's raw SMOTE.

    python benchmarks/table_scale.py --out FOLDER               # 1,000,000 rows of 20 columns: about 5 minutes
    python benchmarks/table_scale.py --out FOLDER --n 100000

The table is that of `mixed_table.py` twice, side by side: 10 columns of numbers and times, 2 of truth values, 8 of
levels, about 3 % of the rows rare. It is read from a Parquet file. Each step has a process of its own, one after the
other; CPU seconds are those of all its threads, importing included, which hold on a shared machine, too.
`imblearn SMOTE` fills the rare class to 5 % on the 8 numbers alone, their gaps filled, in memory; `fit_resample` does
the same with all 20 columns, as they are.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

TO = 0.05
"""Rare rows per common row that are filled up to in memory."""
DRAWN = 50_000


def main() -> None:
    """Time every step and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="new folder for the table and what is made of it")
    parser.add_argument("--n", type=int, default=1_000_000, help="rows")
    parser.add_argument("--only", default="", help="time the steps alone whose names hold this")
    parser.add_argument("--in-memory", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.in_memory:
        in_memory(asked.in_memory, asked.out / "table.parquet", asked.n)
        return
    asked.out.mkdir(parents=True, exist_ok=True)
    print(f"| {asked.n:,} rows x 20 columns | CPU s | peak MB |\n|---|---:|---:|", flush=True)
    for name, command in steps(asked.out, asked.n).items():
        if asked.only in name or name == "make the table" and not (asked.out / "table.parquet").exists():
            cpu, peak = measured(command)
            print(f"| {name} | {cpu:.1f} | {peak:,.0f} |", flush=True)


def steps(out: Path, n: int) -> dict[str, list[str]]:
    """Return the command of each step by its name, in the order in which they can be done."""
    verb, table = [sys.executable, "-m", "gensynth"], str(out / "table.parquet")
    data, rows = ["--target", "income"], str(out / "rows.parquet")
    mine = [sys.executable, __file__, "--out", str(out), "--n", str(n), "--in-memory"]
    return {
        "make the table": [*mine, "make"],
        "import": [*mine, "import"],
        "imblearn SMOTE, 8 numbers": [*mine, "imblearn"],
        "fit_resample smote": [*mine, "smote"],
        "fit_resample copula": [*mine, "copula"],
        "explore": [*verb, "explore", table, *data],
        "train copula": [*verb, "train", "copula", "--data", table, *data, "--out", str(out)],
        "train smote": [*verb, "train", "smote", "--data", table, *data, "--out", str(out)],
        f"sample {DRAWN:,} of copula": [
            *(*verb, "sample", str(out / "copula.sampler"), "--label", "high"),
            *("--n", str(DRAWN), "--out", rows),
        ],
        f"sample {DRAWN:,} of smote": [
            *(*verb, "sample", str(out / "smote.sampler"), "--label", "high"),
            *("--n", str(DRAWN), "--out", str(out / "smote.parquet")),
        ],
        "check": [*verb, "check", rows, "--against", table, *data, "--page", str(out / "check.html")],
        "mix": [*verb, "mix", rows, "--real", table, *data, "--out", str(out / "mixed.parquet"), "--to", str(TO)],
    }


def measured(command: list[str]) -> tuple[float, float]:
    """Run a command and return the CPU seconds of all its threads and its largest resident size in MB.

    Raises:
        SystemExit: if it fails.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # of 1, a verb has answered, too
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}.")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def in_memory(step: str, path: Path, n: int) -> None:
    """Do a step that is no verb, in a process of its own: this module imports nothing large."""
    import pandas as pd
    from mixed_table import TARGET, make_table

    if step == "make":
        halves = [make_table(n, seed) for seed in (0, 1)]
        more = halves[1].drop(columns=TARGET).add_suffix("_2")
        pd.concat([halves[0], more], axis=1).to_parquet(path)
        return
    frame = pd.read_parquet(path)
    y, x = frame[TARGET], frame.drop(columns=TARGET)
    if step == "imblearn":
        from imblearn.over_sampling import SMOTE

        numbers = x.select_dtypes("number").fillna(0.0).to_numpy(dtype=float)
        SMOTE(sampling_strategy=TO, random_state=0).fit_resample(numbers, y)
        return
    from gensynth.kinds.table.samplers.catalog import get_table_sampler

    if step != "import":
        get_table_sampler(step)(sampling_strategy=TO).fit_resample(x, y)


if __name__ == "__main__":
    main()
