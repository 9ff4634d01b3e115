"""The tables that `rare_classes.py` prints, as Markdown, and the files of its finished arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rare_jobs import COUNTS, EVERY, WIDER, Job, load_result
from table_report import markdown

from gensynth.evaluate.intervals import by_examples_and_seeds, resamples
from gensynth.evaluate.outcome import BY_CLASS, Probabilities
from gensynth.evaluate.small_network import LEARNING_RATE, WEIGHT_DECAY, WIDTHS
from gensynth.kinds.image.classifier.mixing import MIXUP
from gensynth.kinds.image.classifier.task import JITTER

BASELINES = ("augmented", "augmented, wider")
"""The stronger one on the test images is what all rows are compared with, which flatters it."""
LEARNED, CLASSICAL = f"deformation to {EVERY}", f"recipes to {EVERY}"
TITLES = {"mnist": "MNIST", "fashion": "Fashion-MNIST"}
PUBLISHED = {
    "mnist": {"SMOTE": (87.98, 89.99, 85.02), "BAGAN": (93.06, 95.98, 92.77), "GAMO": (95.52, 97.47, 95.47)}
    | {"DeepSMOTE": (96.09, 97.80, 96.03)},
    "fashion": {"SMOTE": (70.58, 76.39, 68.06), "BAGAN": (81.48, 89.31, 80.93), "GAMO": (83.03, 90.26, 82.50)}
    | {"DeepSMOTE": (83.63, 90.61, 83.27)},
}
"""ACSA, GM and F1 in % of Table III (balanced test) of Dablain, Krawczyk and Chawla 2022, "DeepSMOTE: Fusing deep
learning and SMOTE for imbalanced data", IEEE TNNLS."""
SHOWN = ("balanced_accuracy", "g_mean", "macro_f1", "worst_recall")


def about(steps: int, batch: int) -> str:
    """Return how every arm is trained, in a few sentences."""
    return (
        f"The network has {', '.join(map(str, WIDTHS))} feature maps in stem and blocks "
        "(`gensynth/kinds/image/classifier/network.py`); "
        f"AdamW, learning rate {LEARNING_RATE:g} in one cycle, weight decay {WEIGHT_DECAY:g}, {steps:,} steps of "
        f"{batch} images. `augmented` and `+ affine` shift, scale and turn each image whenever it is drawn, by at most "
        f"{JITTER:.0%} of its side, {JITTER:.0%} and {90 * JITTER:.0f} degrees, `wider` {WIDER / JITTER:g} times as "
        f"far; mixup draws Beta({MIXUP}, {MIXUP})."
    )


def tables(jobs: Sequence[Job], y: np.ndarray, out: Path) -> str:
    """Return the table of one data set, and how the best learned row differs from the best one without learning.

    Args:
        jobs: All arms of all draws; those that are not finished are left out.
        y: Labels of the test images.
        out: Folder of the finished arms.
    """
    done: dict[str, dict[int, Path]] = {}
    for job in jobs:
        if (path := out / f"{job.file}.npz").exists():
            done.setdefault(job.arm, {})[job.draw] = path

    def accuracy(arm: str) -> float:
        found = [load_result(path)[0].argmax(1) for path in done.get(arm, {}).values()]
        return float(np.mean([[(p[y == c] == c).mean() for c in np.unique(y)] for p in found])) if found else 0.0

    baseline = max(BASELINES, key=accuracy)
    rows: dict[str, list[str]] = {}
    beside = ""
    for draws in {tuple(found) for found in done.values()}:
        # The bootstrap resamples the same images for the baseline and for all arms of the same draws.
        arms = [arm for arm, found in done.items() if tuple(found) == draws]
        kept = [[load_result(done[arm][draw]) for draw in draws] for arm in (baseline, *arms)]
        weights = resamples(y, np.random.default_rng(0))
        scores = [Probabilities(y, np.stack([p for p, _ in arm]), 0).score(weights, 1) for arm in kept]
        for at, arm in enumerate(arms, 1):
            seconds = np.mean([seconds for _, seconds in kept[at]])
            rows[arm] = [arm, *_row(scores[at], scores[0]), f"{seconds:.0f}", str(len(draws))]
        if {LEARNED, CLASSICAL} <= {*arms}:
            two = (scores[1 + arms.index(arm)] for arm in (LEARNED, CLASSICAL))
            beside = f"\n\n`{LEARNED}` minus `{CLASSICAL}`, paired: {_row(*two)[0]} points of ACSA."
    head = ("arm", f"ACSA - {baseline}", "ACSA", "G-mean", "F1", "worst recall", "last three", "GM", "CPU s", "draws")
    published = [
        [f"*{name}, published*", "", f"*{acsa:.2f}*", "", f"*{f1:.2f}*", "", "", f"*{gm:.2f}*", "", ""]
        for name, (acsa, gm, f1) in PUBLISHED[jobs[0].data].items()
    ]
    return f"### {TITLES[jobs[0].data]}\n\n" + markdown(head, [*(rows[arm] for arm in done), *published]) + beside


def _row(scores: Mapping[str, np.ndarray], base: Mapping[str, np.ndarray]) -> list[str]:
    """Return the figures of an arm, from scores of shape (1 + resamples, draws), as `Outcome.score`.

    Draws stand where `by_examples_and_seeds` has seeds: they are other training images, too.
    """

    def told(values: np.ndarray, low: float, sign: str = "") -> str:
        values = np.repeat(values, 2, axis=1) if values.shape[1] == 1 else values  # nothing is known of other draws
        found = by_examples_and_seeds(values, 0.0).estimate((low, 1))
        value, least, most = (f"{100 * v:{sign}.2f}" for v in (found.value, found.low, found.high))
        return f"{value} ({least} to {most})"

    acsa = scores["balanced_accuracy"]
    mean = acsa[0].mean()
    return [
        told(acsa - base["balanced_accuracy"], -1, "+"),
        *(told(scores[name], 0) for name in SHOWN),
        told(scores[BY_CLASS][..., -3:].mean(-1), 0),
        # On a balanced test the specificity, too, follows from ACSA.
        f"{100 * np.sqrt(mean * (1 - (1 - mean) / (len(COUNTS) - 1))):.2f}",
    ]
