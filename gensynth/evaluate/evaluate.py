"""Did it help? Classifiers trained with and without the synthetic images, tested on real ones.

The arms (`gensynth.evaluate.arms`) share the splits, the classifier, the number of gradient steps and the seeds. Each
arm with synthetic images is compared with the strongest one without: what oversampling, class weights or augmentation
do alone is no gain of synthetic images. The headline is the best arm with them. The strongest baseline is picked by its
result on the test images, which flatters the baseline, never the synthetic images.

Two ways to tell:

    evaluate          one split; intervals from a paired bootstrap of the test images within their class, and from the
                      seeds. They speak of other test images and seeds, not of other training images.
    evaluate_splits   several splits, each with a generator fitted in its training part; intervals corrected for the
                      images that the splits share (Nadeau and Bengio). They speak of other training images, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.arms import train_arm
from gensynth.evaluate.compare import Predicted, compare
from gensynth.evaluate.config import EvaluateConfig as EvaluateConfig
from gensynth.evaluate.estimator import check_estimator
from gensynth.evaluate.intervals import HELPS as HELPS
from gensynth.evaluate.kept_arms import kept_arm
from gensynth.evaluate.results import Evaluation as Evaluation
from gensynth.evaluate.results import load_evaluation as load_evaluation  # who evaluates also keeps the answer
from gensynth.evaluate.results import save_evaluation as save_evaluation
from gensynth.evaluate.side_by_side import side_by_side
from gensynth.evaluate.task import Build, Training
from gensynth.evaluate.ways import ARMS, UNGATED, WAYS
from gensynth.sampler.synthetic import Synthetic

Split = tuple[LabeledData, Synthetic, LabeledData]
"""Real training images, synthetic images made from these alone, and real test images."""


def evaluate(
    train: LabeledData,
    synthetic: Synthetic,
    test: LabeledData,
    config: EvaluateConfig,
    quiet: bool = False,
    rare: Sequence[str] | None = None,
    classifier: Any | Build | None = None,
    ungated: Synthetic | None = None,
    kept: Path | None = None,
) -> Evaluation:
    """Train the arms on one split and compare them on its test part.

    Args:
        train: Real training images.
        synthetic: Accepted synthetic images of the same shape and classes.
        test: Real images that neither the generator nor the gate has seen. A class without test images is
            left out of the averages, and the verdict is then CANNOT TELL.
        config: How to test.
        quiet: Whether to hide the progress bar (it is shown on a terminal only).
        rare: Names of the rare classes; None for all with synthetic images. Name them where other classes
            received some too, only so that the treatment gives no class away.
        classifier: An estimator of scikit-learn with `predict_proba` (it sees flattened pixels in [0, 1]; augmented
            and mixed images are copies made beforehand), or a function that makes an nn.Module from (channels,
            n_classes) (it sees pixels in [0, 1], gives logits, and is trained as ours is). None for ours.
        ungated: As many synthetic images of each class as they were drawn, for the arms that ask for them
            (`gensynth.fidelity.draw.as_drawn`).
        kept: A folder in which arms without synthetic images are kept, and found by the next evaluation with the same
            real images and settings; those of a classifier of yours are not.

    Raises:
        TypeError: if the classifier is neither.
        ValueError: if there are no synthetic or test images, shapes or classes differ, or an arm needs images as they
            were drawn and there are none.
        OSError: if nothing can be written to `kept`.
    """
    given = None if ungated is None else [ungated]
    return evaluate_splits([(train, synthetic, test)], config, quiet, rare, classifier, given, kept)


def evaluate_splits(
    splits: Sequence[Split],
    config: EvaluateConfig,
    quiet: bool = False,
    rare: Sequence[str] | None = None,
    classifier: Any | Build | None = None,
    ungated: Sequence[Synthetic] | None = None,
    kept: Path | None = None,
) -> Evaluation:
    """Train the arms on each of several splits of the same data and compare them over all test parts.

    Args:
        splits: Training images, synthetic images made from these alone, and test images of each split.
        config: How to test.
        quiet: As `evaluate`.
        rare: As `evaluate`.
        classifier: As `evaluate`.
        ungated: As `evaluate`, for each split.
        kept: As `evaluate`.

    Raises:
        TypeError: as `evaluate`.
        ValueError: as `evaluate`, or if there are no splits.
        OSError: as `evaluate`.
    """
    if not splits:
        raise ValueError("splits is empty; give at least one of (train, synthetic, test).")
    if needing := [name for name in config.arms if name in UNGATED and ungated is None]:
        raise ValueError(f"arms {', '.join(map(repr, needing))} need images as they were drawn; give ungated.")
    raw = [synthetic for _, synthetic, _ in splits] if ungated is None else ungated
    for (train, synthetic, test), drawn in zip(splits, raw, strict=True):
        _check(train, synthetic, drawn, test, splits[0][0].classes)
    of_sklearn = hasattr(classifier, "fit")
    if of_sklearn:
        check_estimator(classifier, [name for name in config.arms if ARMS[name].weighted or ARMS[name].mixed])
    elif classifier is not None and not callable(classifier):
        raise TypeError(
            f"classifier must be an estimator of scikit-learn or a function of (channels, n_classes), got "
            f"{type(classifier).__name__}."
        )
    classes = splits[0][0].classes
    filled = np.unique(np.concatenate([synthetic.y for _, synthetic, _ in splits]))
    if rare is not None:
        filled = filled[np.isin(filled, [splits[0][0].label_of(name) for name in rare])]
    n_real = np.sum([np.bincount(train.y, minlength=len(classes)) for train, _, _ in splits], axis=0)
    rarest_first = [classes[k] for k in filled[np.argsort(n_real[filled], kind="stable")]]
    steps = config.steps_for(max(len(train) for train, _, _ in splits))
    training = Training(config.network_seeds, steps, config.batch_size, classifier)
    tested = [Predicted(test, {}, {}) for _, _, test in splits]
    arms = [name for name in ARMS if name in config.arms]
    # Nothing tells whether a classifier of the user's is the one that was trained before.
    of_real = train_arm if kept is None or classifier is not None else partial(kept_arm, kept)
    jobs = [
        partial(
            of_real if arm in WAYS else train_arm,
            *(arm, train, drawn if arm in UNGATED else synthetic, test, filled, training),
        )
        for (train, synthetic, test), drawn in zip(splits, raw, strict=True)
        for arm in arms
    ]
    with tqdm(total=len(jobs) * steps, desc="evaluate", disable=True if quiet else None) as bar:
        # Classifiers of the user's may draw from the global random state.
        found = side_by_side(jobs, bar.update) if classifier is None else [job(bar.update) for job in jobs]
    for (of, arm), (p, n) in zip(product(tested, arms), found, strict=True):
        of.p[arm], of.n_train[arm] = p, n
    ratio = float(np.mean([len(test) / len(train) for train, _, test in splits]))
    return compare(tested, rarest_first, ratio, config, 0 if of_sklearn else steps)


def _check(
    train: LabeledData, synthetic: Synthetic, ungated: Synthetic, test: LabeledData, classes: tuple[str, ...]
) -> None:
    for name, part in (("synthetic", synthetic), ("ungated", ungated), ("train", train), ("test", test)):
        if not len(part):
            raise ValueError(f"{name} has no images; at least one is needed to tell whether they help.")
        if part.classes != classes:
            raise ValueError(f"classes of {name} are {part.classes}, those of train {classes}; they must agree.")
        if part.x.layout != train.x.layout:
            raise ValueError(
                f"{name} images have shape {part.x.layout}, train images {train.x.layout}; they must agree."
            )
