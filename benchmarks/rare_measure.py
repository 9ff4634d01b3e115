"""What `rare_classes.py` measures: cuts, what samplers draw from them, and networks trained with that.

Results are kept under a hash of this file (see `rare_jobs`): what is changed here is measured again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from idx_data import read_idx
from rare_jobs import BATCH, COUNTS, EVERY, GENERATOR_STEPS, MAJORITY, Job, save

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.ways import added_to, is_alone, way_of
from gensynth.fidelity.checker import FidelityChecker
from gensynth.generator.registry import get_generator
from gensynth.kinds.image.arrays import from_arrays
from gensynth.kinds.image.classifier.networks import Networks
from gensynth.kinds.image.classifier.task import AFFINE, Training
from gensynth.kinds.image.generator.train import TrainConfig, train
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.samplers.neural import NeuralSampler
from gensynth.kinds.image.samplers.recipes import Recipes
from gensynth.kinds.image.samplers.smote import SmoteSampler
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

PLAIN: dict[str, Callable[[], Sampler]] = {"smote": SmoteSampler, "recipes": partial(Recipes, "auto")}


@lru_cache(maxsize=4)
def load(folder: Path, part: str) -> LabeledData:
    """Return the training or test file of a data set."""
    x, y = read_idx(folder, part)
    return from_arrays(x, y)


def cut(folder: Path, draw: int) -> LabeledData:
    """Return `COUNTS` images of the training file, drawn at random."""
    data, rng = load(folder, "train"), np.random.default_rng(draw)
    return data.subset(np.concatenate([rng.permutation(np.flatnonzero(data.y == c))[:n] for c, n in enumerate(COUNTS)]))


def adds(target: str) -> dict[str, int]:
    """Return how many synthetic images each class receives."""
    most = max(COUNTS)
    if target == EVERY:
        return {str(c): 2 * most - n for c, n in enumerate(COUNTS)}
    factor = np.inf if target == MAJORITY else int(target.removesuffix("x"))
    return {str(c): int(min(factor * n, most)) - n for c, n in enumerate(COUNTS)}


def sampler_of(name: str, real: LabeledData, seed: int, checkpoint: Path) -> Sampler:
    """Return a sampler that was fitted on the cut alone; the training of a generator goes on where it stopped."""
    if name in PLAIN:
        return PLAIN[name]().fit(real)
    config = TrainConfig(steps=GENERATOR_STEPS[name], seed=seed)
    return NeuralSampler(train(real, name, get_generator(name, "image").Config(), config, checkpoint, quiet=True))


def draw_bank(job: Job, folders: dict[str, Path], out: Path) -> None:
    """Draw the most that an arm wants of a sampler, and let the fidelity gate judge what fills up to the majority."""
    torch.set_num_threads(1)
    path = out / f"{job.bank}.npz"
    if path.exists():
        return
    real = cut(folders[job.data], job.draw)
    times = [time.process_time()]
    fitted = sampler_of(job.sampler, real, job.draw, path.with_suffix(".ckpt"))
    times.append(time.process_time())
    drawn = [fitted.sample(name, n, job.draw) for name, n in adds(EVERY).items()]
    times.append(time.process_time())
    x, y = (
        torch.cat([each.x[:] for each in drawn]).numpy(),
        np.repeat(np.arange(len(drawn)), list(adds(EVERY).values())),
    )
    few = [part.subset(np.arange(n)) for part, n in zip(drawn, adds(MAJORITY).values(), strict=True)]
    judged = FidelityChecker(real).gate(Synthetic.concat(few).relabel(real.classes)).accepted
    times.append(time.process_time())
    accepted = np.zeros(len(y), dtype=bool)
    accepted[first_of_each(y, adds(MAJORITY))] = judged
    save(path, x=x, y=y, accepted=accepted, seconds=np.diff(times))


def first_of_each(y: np.ndarray, counts: dict[str, int]) -> np.ndarray:
    """Return where the first images of each class are: sample i is the same, however many are drawn."""
    return np.concatenate([np.flatnonzero(y == c)[:n] for c, n in enumerate(counts.values())])


def samples(job: Job, real: LabeledData, out: Path) -> tuple[Synthetic, float]:
    """Return the synthetic images of an arm, and the seconds to fit, to draw that many and, if asked, to check them."""
    x, y, rows, seconds = np.empty((0, *real.x.layout), np.uint8), real.y[:0], np.arange(0), 0.0
    if job.sampler:
        with np.load(out / f"{job.bank}.npz") as bank:
            x, y, accepted = bank["x"], bank["y"], bank["accepted"]
            fit, draw, gate = bank["seconds"].tolist()
        rows = first_of_each(y, adds(job.target))
        seconds = fit + draw * len(rows) / len(y) + gate * job.gated
        rows = rows[accepted[rows]] if job.gated else rows
    plain = ("",) * len(rows)
    made = Synthetic(
        x=Pixels(torch.from_numpy(x[rows])),
        y=y[rows],
        classes=real.classes,
        index=rows,
        sampler=job.sampler,
        seed=job.draw,
        how=plain,
        parents=((),) * len(rows),
        checkpoint_sha256=plain,
    )
    return made, seconds


def measure(job: Job, folders: dict[str, Path], out: Path) -> None:
    """Train one arm on one draw and keep what it says of the test images."""
    torch.set_num_threads(1)
    real, test = cut(folders[job.data], job.draw), load(folders[job.data], "t10k")
    made, seconds = samples(job, real, out)
    start, filled = time.process_time(), np.flatnonzero(np.array(COUNTS) < max(COUNTS))
    training = Training([job.draw], job.steps, BATCH, recipe=AFFINE, jitter=job.jitter)
    real = real.subset(~np.isin(real.y, filled)) if is_alone(job.way) else real
    added = made if added_to(job.way) else None
    p = Networks(training).try_way(way_of(job.way), real, added, test, lambda _: None).raw
    save(out / f"{job.file}.npz", p=p[0].astype(np.float16), seconds=seconds + time.process_time() - start)
