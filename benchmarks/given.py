"""Rows around given cells: as hard to tell from real rows as freely drawn ones?

    OMP_NUM_THREADS=1 python benchmarks/given.py

Adult, five splits: 4,000 rows to train on, 2,000 to compare with, 2,000 of which age, sex and education are given. What
is printed is the AUC of boosted trees that tell drawn rows from those to compare with (0.5: not at all), of rows drawn
freely, of rows around the given cells, and of freely drawn ones into which the given cells are pasted.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gensynth.data.split import Parts
from gensynth.kind import kinds
from gensynth.kinds.table.builtin import adult
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.tables import from_frame
from gensynth.sampler.synthetic import Synthetic
from gensynth.synthesize.ruler import Drawn, Ruler

GIVEN, SPLITS, TRAINED, COMPARED = ["age", "sex", "education"], 5, 4_000, 2_000
KIND = kinds()["table"]


def told(ruler: Ruler, drawn: Synthetic) -> float:
    """Return the AUC with which trees tell drawn rows from those to compare with."""
    return ruler.measured(Drawn(drawn, copies=0.0, matched=1.0, natural=False), 0.0).detection


def split(seed: int) -> dict[str, tuple[float, ...]]:
    """Return the three figures of each sampler."""
    frame = adult().sample(TRAINED + 2 * COMPARED, random_state=seed, ignore_index=True)
    whole, ends = from_frame(frame, None), (0, TRAINED, TRAINED + COMPARED)
    train, held = (whole.subset(np.arange(*at)) for at in (ends[:2], ends[1:]))
    parts = KIND.fitted(Parts(train, held, held.subset([])), KIND.config("WholeConfig")())
    cells = frame[GIVEN][ends[-1] :].reset_index(drop=True)
    ruler, found = Ruler(parts, seed), {}
    for sampler in KIND.tried(train)[0]:
        if sampler.conditions:
            fitted: TableSampler = sampler.fit(parts.train)
            free = fitted.sample(fitted.labels[0], COMPARED, seed)
            pasted = replace(free, x=replace(free.x, frame=free.x.frame.assign(**cells)))
            found[fitted.name] = tuple(told(ruler, rows) for rows in (free, fitted.given(cells, seed), pasted))
    return found


if __name__ == "__main__":
    every = [split(seed) for seed in range(SPLITS)]
    print("sampler   drawn freely  around given cells  pasted (means, in brackets standard errors)")
    for name in every[0]:
        of = np.array([found[name] for found in every])
        texts = (f"{m:.3f} ({s:.3f})" for m, s in zip(of.mean(0), of.std(0, ddof=1) / np.sqrt(SPLITS), strict=True))
        print(f"{name:9} {'  '.join(texts)}")
