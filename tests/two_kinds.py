"""Small data of two kinds, and settings that are quick, for tests that hold for both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.config import ArmsConfig
from gensynth.evaluate.intervals import Estimate
from gensynth.evaluate.outcome import WORDS
from gensynth.evaluate.results import Arm, Comparison, Evaluation
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.table.config import TableEvaluateConfig
from gensynth.kinds.table.tables import from_frame
from gensynth.sampler.synthetic import Synthetic

CLASSES = ("a", "b", "c")


def shapes(counts: tuple[int, ...], seed: int) -> LabeledData:
    """Noisy images with a bright bar whose place is the class."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    x = rng.integers(0, 120, (len(y), 1, 8, 9))
    for i, label in enumerate(y):
        x[i, 0, :, 2 + 2 * label] += 110
    classes = CLASSES[: len(counts)]
    return LabeledData(Pixels(torch.from_numpy(x.astype(np.uint8))), y, classes, tuple(map(str, range(len(y)))))


def mixed(counts: tuple[int, ...], seed: int) -> LabeledData:
    """Numbers with gaps, text, truth values, times and an id; a class moves the numbers and the levels."""
    rng = np.random.default_rng(seed)
    k = np.repeat(np.arange(len(counts)), counts)
    n = len(k)
    frame = pd.DataFrame(
        {
            "id": [f"row {i}" for i in range(n)],
            "x": rng.normal(size=n) + 1.5 * k,
            "whole": rng.integers(0, 9, n) + k,
            "level": np.array(["a", "b", "c"])[np.clip(rng.integers(0, 3, n) - (k == 1), 0, 2)],
            "flag": rng.random(n) < 0.3 + 0.2 * k,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "label": np.array(CLASSES)[k],
        }
    )
    frame.loc[rng.random(n) < 0.1, "x"] = np.nan
    frame.loc[rng.random(n) < 0.1, "level"] = None
    return from_frame(frame.iloc[rng.permutation(n)].reset_index(drop=True), "label")


def drawn(data: LabeledData, label: str | None = None, sampler: str = "copy") -> Synthetic:
    """The examples themselves, or those of one class, as if a sampler had drawn them."""
    data = data if label is None else data.subset(np.flatnonzero(data.y == data.label_of(label)))
    n, none = len(data), ("",) * len(data)
    return Synthetic(data.x, data.y, data.classes, np.arange(n), sampler, 0, none, ((),) * n, none)


@dataclass(frozen=True)
class Case:
    """One kind of data: what makes examples of so many of each class and a seed, and quick settings."""

    make: Callable[[tuple[int, ...], int], LabeledData]
    config: ArmsConfig
    baselines: tuple[str, ...]


CASES = {
    "image": Case(shapes, EvaluateConfig(seeds=2, steps=20, batch_size=16), EvaluateConfig.ways),
    "table": Case(
        mixed, TableEvaluateConfig(classifiers=("logistic",), folds=3), ("real", "threshold", "class weights")
    ),
}


def evaluation(
    noun: str, classes: tuple[str, ...], arms: tuple[str, ...], models: tuple[str, ...], word: str, gain: float
) -> Evaluation:
    """An answer in which every arm scores 90 % and the last one, the only one with synthetic examples, gains."""
    e, change = Estimate(0.9, 0.88, 0.92), Estimate(gain, gain - 0.02, gain + 0.02)
    tuned, recall = noun == "row", dict.fromkeys(classes, e)
    scores = {name: e for name in WORDS if tuned or not name.endswith(("_raw", "_tuned"))}
    scores |= {name: Estimate(0.123, 0.1, 0.2) for name in scores if name == "brier_raw"}
    found = tuple(
        Comparison(arms[-1], model, arms[0], change, change, 0.01, word, f"Because {arms[-1]} in {model}.")
        for model in models
    )
    return Evaluation(
        arms=tuple(Arm(arm, model, 10, scores, 0.25 if tuned else None, recall) for model in models for arm in arms),
        comparisons=found,
        verdict=word,
        why=found[0].why,
        metric="average_precision" if tuned else "balanced_accuracy",
        intervals="95 % intervals.",
        positive=classes[0] if tuned else None,
        rare=classes[:1],
        n_test=dict.fromkeys(classes, 4),
        splits=1,
        seeds=5,
        steps=200,
        noun=noun,
        notes=(arms[-1],),
        schema=2,
    )
