"""Is what `auto` does on documents ever worse than the best model without synthetic ones?

    OMP_NUM_THREADS=1 python benchmarks/text_auto.py --data sms=FILE,movies=FILE,mail=FOLDER,reports=FOLDER \
        --out RESULTS [--draws 0-1] --write docs/benchmark.md

On the collections and draws of `text.py`. Killed and started again it goes on: a file a draw in RESULTS. What is
compared, and the goal, say `auto_choice.py`; both were declared before it was run.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from auto_choice import measure, report
from table_report import check_markers, machine, write_between
from text import RARES
from text_data import pool, split
from tqdm import tqdm

from gensynth.data.files import write_text


def main() -> None:
    """Measure what is missing, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="NAME=PATH, separated by commas")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--draws", default="0-1", help="FIRST-LAST")
    parser.add_argument("--seconds", type=float, default=300.0, help="limit of auto's choice, each time")
    parser.add_argument("--write", type=Path, help="Markdown file to put the tables into, between its markers")
    args = parser.parse_args()
    if args.write is not None:
        check_markers(args.write, "text-auto")
    args.out.mkdir(parents=True, exist_ok=True)
    pools = {name: pool(name, Path(path)) for name, path in (item.split("=", 1) for item in args.data.split(","))}
    first, last = map(int, args.draws.split("-"))
    jobs = [(name, n, draw) for draw in range(first, last + 1) for name in pools for n in RARES[name]]
    for name, n_rare, draw in tqdm(jobs, desc="auto", disable=None):
        path = args.out / f"{name}, {n_rare} rare, draw {draw}.json"
        parts = None if path.exists() else split(pools[name], name, n_rare, draw)
        if parts is not None:
            write_text(path, json.dumps(measure(*parts, args.seconds)))
    text = report({path.stem: json.loads(path.read_text()) for path in sorted(args.out.glob("*.json"))})
    print(text)
    if args.write is not None:
        write_between(args.write, "text-auto", f"{machine(('numpy', 'scikit-learn'))}\n\n{text}")


if __name__ == "__main__":
    main()
