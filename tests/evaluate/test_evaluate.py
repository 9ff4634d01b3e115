"""evaluate: its figures, its intervals and its verdicts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from torch import nn

from gensynth.cli import commands
from gensynth.cli.arguments import parser_of
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.compare import Predicted, compare
from gensynth.evaluate.evaluate import (
    EvaluateConfig,
    Evaluation,
    evaluate,
    evaluate_splits,
    load_evaluation,
    save_evaluation,
)
from gensynth.evaluate.intervals import CANNOT_TELL, HELPS, HURTS, NO_EFFECT
from gensynth.evaluate.ways import WAYS
from gensynth.kinds.image.images import Pixels
from gensynth.sampler.synthetic import Synthetic

CLASSES = ("a", "b", "c")
FOUR = ("real", "oversampled", "real + synthetic", "oversampled + synthetic")


def labelled(y: np.ndarray, x: torch.Tensor | None = None) -> LabeledData:
    x = torch.zeros((len(y), 1, 8, 9), dtype=torch.uint8) if x is None else x
    return LabeledData(Pixels(x), y, CLASSES, tuple(str(i) for i in range(len(y))))


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
    return Synthetic(
        Pixels(data.x[torch.arange(n)]), data.y, CLASSES, np.arange(n), "copy", 0, nothing, ((),) * n, nothing
    )


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


def said(predicted: np.ndarray, y: np.ndarray) -> Predicted:
    """What `FOUR` arms said, with certainty."""
    p = dict(zip(FOUR, np.eye(3, dtype=np.float32)[predicted], strict=True))
    return Predicted(labelled(y), p, dict(zip(FOUR, (10, 10, 15, 15), strict=True)))


def answer(predicted: np.ndarray, y: np.ndarray, seed: int = 0) -> Evaluation:
    return compare([said(predicted, y)], ["c"], 0.5, EvaluateConfig(predicted.shape[1], seed=seed), 300)


@pytest.mark.parametrize(("image", "seed", "noise"), [(0.5, 0.05, 0.2), (0.1, 0.4, 0.1), (0.2, 0.1, 0.5)])
def test_equal_arms_rarely_help_or_hurt(
    image: float, seed: float, noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gensynth.evaluate.compare.DRAWS", 200)
    monkeypatch.setattr("gensynth.evaluate.intervals.RANKED_DRAWS", (2, 2))  # scores that no verdict rests on
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 50)
    wrong = 0
    for _ in range(120):
        found = answer(predictions(rng, y, 0, image, seed, noise), y)
        wrong += any(c.verdict in (HELPS, HURTS) for c in found.comparisons)
    assert wrong <= 11  # 5 % are announced for all comparisons together: 6; 12 or more have a chance of 2 %


def test_planted_gain_helps_and_planted_loss_hurts() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 400)
    for shift, verdict in ((1.5, HELPS), (-1.5, HURTS)):
        found = answer(predictions(rng, y, shift, 0.2, 0.1, 0.3), y)
        assert found.verdict == verdict and [c.verdict for c in found.comparisons] == [verdict] * 2
        assert found.rare == ("c",) and found.n_test == {"a": 400, "b": 400, "c": 400}
        change = found.comparisons[0].rare_recall_difference
        assert (change.low > 0) == (shift > 0) and "points" in found.why


def test_headline_is_the_best_synthetic_arm_against_the_strongest_baseline() -> None:
    y = np.repeat(np.arange(3), 100)
    right = np.broadcast_to(y, (4, 5, 300)).copy()
    for wrong, verdict, said in (((0,), NO_EFFECT, "oversampled"), ((0, 1, 2), HELPS, "real"), ((2, 3), HURTS, "real")):
        predicted = right.copy()
        predicted[list(wrong), :, 200:275] = 0
        found = answer(predicted, y)
        assert found.verdict == verdict and {c.baseline for c in found.comparisons} == {said}
        assert found.why in [c.why for c in found.comparisons] and f"of '{said}', the strongest" in found.why
    assert [a.name for a in found.arms] == list(FOUR) and found.arms[2].n_train == 15


def test_a_sure_but_negligible_gain_is_no_effect_unless_asked_for() -> None:
    y = np.repeat(np.arange(3), 1000)
    predicted = np.broadcast_to(y, (4, 5, 3000)).copy()
    predicted[:2, :, :15] = 1  # half a point
    found = answer(predicted, y)
    assert found.comparisons[0].p_value < 0.01 and found.verdict == NO_EFFECT
    strict = compare([said(predicted, y)], ["c"], 0.5, EvaluateConfig(rope=0.0), 300)
    assert strict.verdict == HELPS


def test_p_values_are_corrected_for_the_number_of_comparisons() -> None:
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(3), 60)
    of = said(predictions(rng, y, 0.7, 0.2, 0.1, 0.3), y)

    def compared(*names: str) -> tuple[list[float], str]:
        found = compare([replace(of, p={name: of.p[name] for name in names})], ["c"], 0.5, EvaluateConfig(), 300)
        return [c.p_value for c in found.comparisons], found.why

    both, why = compared(*FOUR)
    baseline = "real" if "of 'real'" in why else "oversampled"
    single = [compared(baseline, name)[0][0] for name in FOUR[2:]]
    low, high = sorted(single)
    expected = {low: min(1, 2 * low), high: min(1, max(2 * low, high))}
    assert both == pytest.approx([expected[p] for p in single], rel=0.2)
    assert "corrected for 2 comparisons" in why and "corrected" not in compared(*FOUR[1::2])[1]


def test_picking_the_strongest_of_many_baselines_makes_no_loss() -> None:
    """Without a correction for the choice, equal arms would be said to hurt several times too often."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 50)
    names = (*list(WAYS), "oversampled + synthetic")
    hurts = 0
    for _ in range(100):
        p = {n: np.eye(3, dtype=np.float32)[predictions(rng, y, 0, 0.5, 0.05, 0.2)[0]] for n in names}
        found = compare([Predicted(labelled(y), p, dict.fromkeys(names, 10))], ["c"], 0.5, EvaluateConfig(), 300)
        hurts += found.verdict == HURTS
    assert hurts <= 9  # 5 % are announced: 10 or more have a chance of 3 %


def test_several_splits_speak_of_other_training_images() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 100)
    for shift, verdict in ((2.5, HELPS), (-2.5, HURTS)):
        splits = []
        for k in range(6):
            of = said(predictions(rng, y, shift, 0.2, 0.1, 0.2), y)
            splits.append(replace(of, test=replace(of.test, ids=tuple(f"{k % 3}/{i}" for i in range(300)))))
        found = compare(splits, ["c"], 0.25, EvaluateConfig(), 300)
        assert found.verdict == verdict and found.splits == 6 and "6 splits" in found.why
        assert "Nadeau and Bengio" in found.intervals
        assert found.n_test == {"a": 300, "b": 300, "c": 300}  # three different test parts, each of them twice
        base = found.comparisons[1].baseline
        gaps = [(of.p[FOUR[3]].argmax(-1) == y).mean() - (of.p[base].argmax(-1) == y).mean() for of in splits]
        half = 2.5706 * np.sqrt((1 / 6 + 0.25) * np.var(gaps, ddof=1))  # Student's t with 5 degrees of freedom
        difference = found.comparisons[1].difference
        assert difference.value == pytest.approx(np.mean(gaps), abs=1e-6)
        assert difference.high - difference.value == pytest.approx(half, rel=1e-3)


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
    assert [a.n_train for a in first.arms] == [84, 84, 84, 84, 120, 120]
    assert first.rare == ("c",) and (first.splits, first.seeds, first.steps) == (1, 2, 30)
    assert {a.name: a for a in first.arms}["oversampled + synthetic"].balanced_accuracy.value > 0.8
    save_evaluation(first, tmp_path / "sub" / "evaluation.json")
    assert load_evaluation(tmp_path / "sub" / "evaluation.json") == first
    fields = json.loads((tmp_path / "sub" / "evaluation.json").read_text())
    del fields["arms"][0]["mcc"]
    (tmp_path / "old.json").write_text(json.dumps(fields))
    with pytest.raises(ValueError, match=r"not an evaluation of this version.*: arms.0. has no entry 'mcc'; delete it"):
        load_evaluation(tmp_path / "old.json")


def test_more_images_are_trained_on_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    config = EvaluateConfig(batch_size=64)
    assert [config.steps_for(n) for n in (100, 2742, 9040, 10**6)] == [300, 300, 988, 3000]
    assert EvaluateConfig(steps=20).steps_for(10**6) == 20
    train, test = shapes((2000, 800, 200), 0), shapes((4, 4, 4), 1)

    def untrained(arm, train, synthetic, test, filled, training, on_step):  # type: ignore[no-untyped-def]
        assert training.steps == 7 * 3000 // 50
        return np.full((len(training.seeds), len(test), 3), 1 / 3), len(train)

    monkeypatch.setattr("gensynth.evaluate.evaluate.train_arm", untrained)
    settings = EvaluateConfig(seeds=2, batch_size=50, arms=("real", "oversampled + synthetic"))
    assert evaluate(train, drawn(train), test, settings, quiet=True).steps == 7 * 3000 // 50


def test_wrong_inputs_are_refused() -> None:
    train, test = shapes((4, 4, 4), 0), shapes((4, 4, 4), 1)
    synthetic, config = drawn(train), EvaluateConfig()
    with pytest.raises(ValueError, match="synthetic has no images"):
        evaluate(train, synthetic.subset([]), test, config)
    with pytest.raises(ValueError, match="test has no images"):
        evaluate(train, synthetic, test.subset([]), config)
    with pytest.raises(ValueError, match=r"synthetic images have shape \(1, 9, 9\)"):
        evaluate(train, replace(synthetic, x=Pixels(torch.zeros((12, 1, 9, 9), dtype=torch.uint8))), test, config)
    with pytest.raises(ValueError, match="classes of test"):
        evaluate(train, synthetic, replace(test, classes=("a", "b", "d")), config)
    for settings, message in (
        ({"seeds": 1}, "seeds must be at least 2, got 1"),
        ({"steps": 9}, "steps must be at least 10, got 9"),
        ({"rope": 1.0}, "rope must be at least 0 and less than 1"),
        ({"arms": ("real", "resampled")}, "'resampled' are unknown; allowed: real, class weights"),
        ({"arms": ("mixup + synthetic",)}, "at least one of real, .*, to compare synthetic images with"),
        ({"arms": ("real", "mixup")}, "at least one of real \\+ synthetic, .*, to compare"),
    ):
        with pytest.raises(ValueError, match=message):
            EvaluateConfig(**settings)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="splits is empty"):
        evaluate_splits([], config)
    for classifier, message in (
        (LinearSVC(), "no predict_proba"),
        (LogisticRegression, "give an instance"),
        ("resnet", "estimator of scikit-learn or a function"),
        (lambda channels, classes: None, "must make an nn.Module"),
    ):
        with pytest.raises(TypeError, match=message):
            evaluate(train, synthetic, test, config, quiet=True, classifier=classifier)
    with pytest.raises(ValueError, match="takes no sample_weight, which the arms 'mixup'"):
        all_ways = EvaluateConfig(arms=("mixup", "real + synthetic"))
        evaluate(train, synthetic, test, all_ways, classifier=KNeighborsClassifier(1))
    wide = nn.Sequential(nn.Flatten(), nn.Linear(72, 5))
    with pytest.raises(ValueError, match=r"one logit per class, shape \(64, 3\)"):
        evaluate(train, synthetic, test, config, classifier=lambda channels, classes: wide)


def test_arms_can_be_named_on_the_command_line() -> None:
    argv = ["made", "--real", "photos", "--evaluate.arms", "real,oversampled,oversampled + synthetic"]
    parser, _ = parser_of(commands.evaluate, "evaluate", argv)
    assert EvaluateConfig(**parser.parse_args(argv)["evaluate"].as_dict()).arms == (
        "real",
        "oversampled",
        "oversampled + synthetic",
    )
