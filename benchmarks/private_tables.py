"""A whole synthetic table under a privacy bound: what the bound costs, beside a sampler without one.

    OMP_NUM_THREADS=1 python benchmarks/private_tables.py 4000 2

Adult, as many training rows and splits as named; the others, at most 8,000 of them, are held out. The schema is that
of all rows, which stands in for what is known without them. At epsilon 100 noise plays hardly a part: what is missing
there the tree loses, and not the bound. Printed are means over splits, in brackets standard errors.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from gensynth.data.split import Parts
from gensynth.kind import kinds
from gensynth.kinds.table.builtin import TARGETS, adult
from gensynth.kinds.table.config import TableEvaluateConfig
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.samplers.mst import PrivateTree
from gensynth.kinds.table.tables import from_frame
from gensynth.synthesize.alone import alone
from gensynth.synthesize.ruler import Ruler

HELD, EPSILONS = 8_000, (100.0, 10.0, 3.0, 1.0)
KIND = kinds()["table"]
EVALUATE = TableEvaluateConfig(classifiers=("boosting",), most_rows=HELD)


def split(n: int, seed: int) -> dict[str, tuple[float, ...]]:
    """Return detection AUC, average precision trained on it alone and on real rows, share nearer, and CPU seconds."""
    frame = adult().sample(frac=1, random_state=seed, ignore_index=True)
    whole = from_frame(frame, TARGETS["adult"])
    schema = rows_of(whole).schema
    train, held = whole.subset(np.arange(n)), whole.subset(np.arange(n, min(len(whole), n + HELD)))
    parts = KIND.fitted(Parts(train, held, held.subset([])), KIND.config("WholeConfig")())
    ruler, found = Ruler(parts, seed), {}
    samplers: dict[str, TableSampler] = {"mixture, no bound": KIND.made("mixture", None)}
    samplers |= {f"epsilon {epsilon:g}": PrivateTree(epsilon, schema=schema) for epsilon in EPSILONS}
    for name, sampler in samplers.items():
        start = time.process_time()
        drawn = ruler.draw(sampler.fit(parts.train), parts.train.class_counts, seed)
        seconds = time.process_time() - start
        measured = ruler.measured(drawn, seconds)
        worth = alone(parts.train, drawn.examples, held, EVALUATE, quiet=True)[0]
        found[name] = (measured.detection, worth.synthetic.value, worth.real.value, measured.nearer.share, seconds)
        print(seed, name, *(f"{x:.3f}" for x in found[name]), file=sys.stderr)
    return found


if __name__ == "__main__":
    rows, splits = map(int, sys.argv[1:])
    every = [split(rows, seed) for seed in range(splits)]
    print("| | told from real, AUC | average precision, trained on it alone | on real rows | nearer | CPU s |")
    print("|---|---|---|---|---|---|")
    for name in every[0]:
        of = np.array([found[name] for found in every])
        error = of.std(0, ddof=1) / np.sqrt(splits) if splits > 1 else np.full(of.shape[1], np.nan)
        print(f"| {name} | {' | '.join(f'{m:.3f} ({s:.3f})' for m, s in zip(of.mean(0), error, strict=True))} |")
