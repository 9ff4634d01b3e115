"""evaluate: its figures, its intervals and its verdicts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from imblearn.metrics import geometric_mean_score
from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score

from gensynth.data.labeled import LabeledData
from gensynth.evaluate import (
    ARMS,
    CANNOT_TELL,
    HELPS,
    HURTS,
    NO_EFFECT,
    EvaluateConfig,
    Evaluation,
    compare,
    evaluate,
    load_evaluation,
    save_evaluation,
)
from gensynth.intervals import estimate, resampled_scores
from gensynth.samplers.base import Synthetic

CLASSES = ("a", "b", "c")


def labelled(y: np.ndarray, x: torch.Tensor | None = None) -> LabeledData:
    x = torch.zeros((len(y), 1, 8, 9), dtype=torch.uint8) if x is None else x
    return LabeledData(x, y, CLASSES, tuple(str(i) for i in range(len(y))))


def shapes(counts: tuple[int, ...], seed: int) -> LabeledData:
    """Noisy images with a bright bar whose place is the class."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(3), counts)
    x = rng.integers(0, 120, (len(y), 1, 8, 9))
    for i, label in enumerate(y):
        x[i, 0, :, 2 + 2 * label] += 110
    return labelled(y, torch.from_numpy(x.astype(np.uint8)))


def drawn(data: LabeledData) -> Synthetic:
    n = len(data)
    nothing = ("",) * n
    return Synthetic(data.x[torch.arange(n)], data.y, CLASSES, np.arange(n), "copy", 0, nothing, ((),) * n, nothing)


def predictions(
    rng: np.random.Generator,
    y: np.ndarray,
    shift: float,
    image: float,
    seed: float,
    noise: float,
    seeds: int = 5,
) -> np.ndarray:
    """Simulate four arms; those with synthetic images are better by `shift` (probit scale), class c only."""
    base = 1.3 + rng.normal(size=len(y))
    out = np.empty((4, seeds, len(y)), dtype=np.int64)
    for arm in range(4):
        luck = seed * rng.normal(size=(seeds, 3))[:, y]
        z = base + image * rng.normal(size=len(y)) + luck + noise * rng.normal(size=(seeds, len(y)))
        right = z + shift * (arm >= 2) * (y == 2) > 0
        out[arm] = np.where(right, y, (y + 1) % 3)
    return out


def answer(predicted: np.ndarray, y: np.ndarray, seed: int = 0) -> Evaluation:
    n_train = (10, 10, 15, 15)
    return compare(predicted, labelled(y), np.array([2]), n_train, EvaluateConfig(predicted.shape[1], seed=seed))


def test_scores_agree_with_scikit_learn_and_imbalanced_learn() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(4), (30, 20, 10, 5))
    predicted = np.where(rng.random((2, 3, 65)) < 0.6, y, rng.integers(0, 4, (2, 3, 65)))
    scores, tested = resampled_scores(predicted, y, 4, rng, draws=3)
    assert scores.shape == (4, 2, 3, 7) and tested.tolist() == [0, 1, 2, 3]
    for arm in range(2):
        for seed in range(3):
            given = predicted[arm, seed]
            assert scores[0, arm, seed] == pytest.approx(
                [
                    balanced_accuracy_score(y, given),
                    f1_score(y, given, average="macro"),
                    geometric_mean_score(y, given),
                    *recall_score(y, given, average=None),
                ],
                abs=1e-6,
            )


def test_resamples_keep_class_sizes_and_pairing() -> None:
    y = np.repeat(np.arange(2), (40, 12))
    one = np.where(np.random.default_rng(1).random((1, 2, 52)) < 0.7, y, 1 - y)
    scores, _ = resampled_scores(np.concatenate([one, one]), y, 2, np.random.default_rng(0), draws=400)
    assert np.array_equal(scores[:, 0], scores[:, 1])
    hits = scores[..., 3:] * (40, 12)
    assert np.allclose(hits, hits.round(), atol=1e-4)
    # The variance of a resampled share is p (1 - p) / n.
    p = scores[0, 0, 0, 3:]
    assert scores[1:, 0, 0, 3:].var(0) == pytest.approx(p * (1 - p) / (40, 12), rel=0.25)


def test_interval_covers_new_images_and_new_seeds() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 60)
    truth = np.mean([(predictions(rng, y, 0, 0.3, 0.2, 0.3) == y).mean() for _ in range(300)])
    covered = 0
    for _ in range(150):
        scores, _ = resampled_scores(predictions(rng, y, 0, 0.3, 0.2, 0.3)[:1], y, 3, rng, draws=200)
        interval = estimate(scores[:, 0, :, 0], 0.0, (0, 1))
        covered += interval.low <= truth <= interval.high
    assert 0.89 <= covered / 150 <= 0.99


@pytest.mark.parametrize(("image", "seed", "noise"), [(0.5, 0.05, 0.2), (0.1, 0.4, 0.1), (0.2, 0.1, 0.5)])
def test_equal_arms_rarely_help_or_hurt(image: float, seed: float, noise: float) -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 50)
    wrong = sum(answer(predictions(rng, y, 0, image, seed, noise), y).verdict in (HELPS, HURTS) for _ in range(120))
    assert wrong / 120 <= 0.09  # 5 % are announced; 120 runs allow for 4 points


def test_planted_gain_helps_and_planted_loss_hurts() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 400)
    for shift, verdict in ((1.5, HELPS), (-1.5, HURTS)):
        found = answer(predictions(rng, y, shift, 0.2, 0.1, 0.3), y)
        assert found.verdict == verdict and [c.verdict for c in found.comparisons] == [verdict] * 2
        assert found.rare == ("c",) and found.n_test == {"a": 400, "b": 400, "c": 400}
        change = found.comparisons[0].rare_recall_difference
        assert (change.low > 0) == (shift > 0) and "points" in found.why


def test_headline_is_against_the_stronger_baseline() -> None:
    y = np.repeat(np.arange(3), 40)
    predicted = np.broadcast_to(y, (4, 5, 120)).copy()
    predicted[0, :, 80:110] = 0
    found = answer(predicted, y)
    assert [c.verdict for c in found.comparisons] == [HELPS, NO_EFFECT]
    assert found.verdict == NO_EFFECT and "'oversampled'" in found.why
    assert [a.name for a in found.arms] == list(ARMS) and found.arms[2].n_train == 15


def test_small_or_missing_classes_cannot_tell() -> None:
    for counts, name in (((40, 40, 9), "c"), ((40, 0, 40), "b"), ((40, 40, 0), "c")):
        y = np.repeat(np.arange(3), counts)
        predicted = np.broadcast_to(y, (4, 2, len(y))).copy()
        predicted[:2] = (y + 1) % 3
        found = answer(predicted, y)
        assert found.verdict == CANNOT_TELL and f"too few of '{name}'" in found.why
        assert (name in found.arms[0].recall) == (counts[2] == 9)
        assert found.arms[2].balanced_accuracy.value == 1


def test_agreement_on_few_images_is_not_certainty() -> None:
    y = np.repeat(np.arange(3), 10)
    found = answer(np.broadcast_to(y, (4, 5, 30)), y)
    assert found.verdict == CANNOT_TELL
    assert found.arms[0].recall["c"].low < 0.9 and found.arms[0].recall["c"].high == 1


def test_evaluate_is_determined_by_its_seed_and_survives_json(tmp_path: Path) -> None:
    train, test = shapes((40, 40, 4), 0), shapes((15, 15, 15), 1)
    synthetic = drawn(shapes((0, 0, 36), 2))
    config = EvaluateConfig(seeds=2, steps=30, batch_size=16)
    before = torch.get_rng_state()
    first = evaluate(train, synthetic, test, config, quiet=True)
    assert torch.equal(torch.get_rng_state(), before)
    assert evaluate(train, synthetic, test, config, quiet=True) == first
    assert evaluate(train, synthetic, test, replace(config, seed=1), quiet=True) != first
    assert [a.n_train for a in first.arms] == [84, 84, 120, 120]
    assert first.rare == ("c",) and (first.seeds, first.steps) == (2, 30)
    assert first.arms[3].balanced_accuracy.value > 0.8
    save_evaluation(first, tmp_path / "sub" / "evaluation.json")
    assert load_evaluation(tmp_path / "sub" / "evaluation.json") == first


def test_wrong_inputs_are_refused() -> None:
    train, test = shapes((4, 4, 4), 0), shapes((4, 4, 4), 1)
    synthetic, config = drawn(train), EvaluateConfig()
    with pytest.raises(ValueError, match="synthetic has no images"):
        evaluate(train, synthetic.subset([]), test, config)
    with pytest.raises(ValueError, match="test has no images"):
        evaluate(train, synthetic, test.subset([]), config)
    with pytest.raises(ValueError, match=r"synthetic images have shape \(1, 9, 9\)"):
        evaluate(train, replace(synthetic, x=torch.zeros((12, 1, 9, 9), dtype=torch.uint8)), test, config)
    with pytest.raises(ValueError, match="classes of test"):
        evaluate(train, synthetic, replace(test, classes=("a", "b", "d")), config)
    with pytest.raises(ValueError, match="seeds must be at least 2, got 1"):
        EvaluateConfig(seeds=1)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 128, 20), (1, 28, 28), (3, 33, 40)])
def test_network_takes_every_shape_and_is_a_function_of_its_seed(shape: tuple[int, int, int]) -> None:
    from gensynth.classifier import Classifiers

    x = torch.randint(0, 256, (3, 1, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    both = Classifiers([1, 2], shape, 4).eval()
    alone = Classifiers([2], shape, 4).eval()
    with torch.no_grad():
        both.head.fill_(0.1)[1, :, 1:] = torch.arange(64 * 3).view(64, 3) / 100
        alone.head.copy_(both.head[1:])
        logits = both(x.expand(-1, 2, -1, -1, -1))
        assert logits.shape == (2, 3, 4)
        torch.testing.assert_close(logits[1:], alone(x), rtol=1e-4, atol=1e-4)
