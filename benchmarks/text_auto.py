"""Is what `auto` does on documents ever worse than the best way without synthetic ones?

    OMP_NUM_THREADS=1 python benchmarks/text_auto.py --data sms=FILE,movies=FILE,mail=FOLDER,reports=FOLDER \
        --out RESULTS [--draws 0,1] --write docs/benchmark.md

After `text.py`, on its draws and in its folder. Declared before it was run: average precision of what `auto` chose,
with all it may choose from, against the best way without of `text.py`, told in hindsight by all draws, and against its
own base, the way without that its cross-validation found best; the mean over all with its standard error.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from auto_choice import chosen_and_base
from table_report import check_markers, machine, markdown, write_between
from text import RARES, answer
from text_data import pool, split
from tqdm import tqdm

from gensynth.choose.samplers import choose_samplers
from gensynth.data.files import write_text
from gensynth.data.labeled import LabeledData
from gensynth.kinds.text.classifiers import classifiers_of
from gensynth.kinds.text.config import TextChooseConfig, TextEvaluateConfig


def measure(train: LabeledData, test: LabeledData) -> dict[str, Any]:
    """Return what `auto` chose for training documents, and its average precision on others, and its base's."""
    choice = choose_samplers(train, None, TextChooseConfig(), quiet=True)
    models = {model.name: model for model in classifiers_of(train, TextEvaluateConfig())}

    def precision(model: str, way: str, added: Any) -> float:
        outcome = models[model].untuned().try_way(way, train, added, test, lambda _: None)
        return float(outcome.score(np.ones((len(test), 1)), 1)["average_precision"].ravel()[0])

    chosen, base = chosen_and_base(choice, train, precision)
    return {"chose": choice.chosen, "auto": chosen, "base": base}


def table(out: Path) -> str:
    """Return the answers as Markdown."""
    rows, over_bar, over_base = [], list[float](), list[float]()
    for name, n_rare in ((each, n) for each in RARES for n in RARES[each]):
        found = {path.stem: json.loads(path.read_text()) for path in sorted(out.glob(f"auto_{name}_{n_rare}_*.json"))}
        if not found:
            continue
        bar = answer([json.loads(path.read_text()) for path in sorted(out.glob(f"{name}_{n_rare}_*.json"))]).bar
        bars = [_bar(out, stem, bar) for stem in found]
        gaps = [100 * (line["auto"] - best) for line, best in zip(found.values(), bars, strict=True)]
        own = [100 * (line["auto"] - line["base"]) for line in found.values()]
        over_bar, over_base = over_bar + gaps, over_base + own
        rows.append(
            [
                name,
                str(n_rare),
                "; ".join(line["chose"] for line in found.values()),
                f"{np.mean(gaps):+.1f}",
                f"{np.mean(own):+.1f}",
                str(len(found)),
            ]
        )
    head = ["documents", "rare", "`auto` chose", "against the best without", "against its base", "draws"]
    told = f"In the mean {_mean(over_bar)} points against the best without, {_mean(over_base)} against its base."
    return f"{told}\n\n{markdown(head, rows)}"


def _bar(out: Path, stem: str, bar: str) -> float:
    draw: Mapping[str, Mapping[str, float]] = json.loads((out / f"{stem.removeprefix('auto_')}.json").read_text())
    return draw[bar]["average_precision"]


def _mean(gaps: list[float]) -> str:
    error = np.std(gaps, ddof=1) / len(gaps) ** 0.5 if len(gaps) > 1 else np.nan
    return f"{np.mean(gaps):+.2f} (s.e. {error:.2f})"


def main() -> None:
    """Measure what is missing, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="NAME=PATH, separated by commas")
    parser.add_argument("--out", type=Path, required=True, help="the folder of text.py")
    parser.add_argument("--draws", default="0,1", help="numbers of draws, separated by commas")
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    if args.write is not None:
        check_markers(args.write, "text-auto")
    paths = dict(item.split("=", 1) for item in args.data.split(","))
    pools = {name: pool(name, Path(path)) for name, path in paths.items()}
    jobs = [(name, n, int(draw)) for draw in args.draws.split(",") for name in pools for n in RARES[name]]
    for name, n_rare, draw in tqdm(jobs, desc="auto", disable=None):
        path = args.out / f"auto_{name}_{n_rare}_{draw}.json"
        parts = None if path.exists() else split(pools[name], name, n_rare, draw)
        if parts is not None:
            write_text(path, json.dumps(measure(*parts)))
    text = table(args.out)
    print(text)
    if args.write is not None:
        write_between(args.write, "text-auto", f"{machine(('numpy', 'scikit-learn'))}\n\n{text}")


if __name__ == "__main__":
    main()
