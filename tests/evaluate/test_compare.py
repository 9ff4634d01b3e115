"""compare: verdicts, corrections and headlines, for networks with seeds and for classifiers that say probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.compare import Key, Said, compare
from gensynth.evaluate.config import ArmsConfig
from gensynth.evaluate.intervals import CANNOT_TELL, HELPS, HURTS, NO_EFFECT
from gensynth.evaluate.outcome import Probabilities
from gensynth.evaluate.results import Evaluation
from gensynth.evaluate.ways import REAL, THRESHOLD, WEIGHTS
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.table.config import CLASSIFIERS, TableEvaluateConfig
from gensynth.kinds.table.tables import from_frame

NETWORK, ROWS = EvaluateConfig(), TableEvaluateConfig()
FOUR = ("real", "oversampled", "real + synthetic", "oversampled + synthetic")
MINE = "real + mine"


def images(y: np.ndarray) -> LabeledData:
    x = torch.zeros((len(y), 1, 8, 9), dtype=torch.uint8)
    return LabeledData(Pixels(x), y, ("a", "b", "c"), tuple(map(str, range(len(y)))))


def rows(y: np.ndarray) -> LabeledData:
    names = np.array(["common", "rare"])
    return from_frame(pd.DataFrame({"x": np.arange(len(y)) / 7, "label": names[y]}), "label")


def certain(y: np.ndarray, predicted: dict[str, np.ndarray]) -> dict[Key, Probabilities]:
    """What networks from several seeds said of three classes, with certainty; labels by arm, shape (seeds, n)."""
    sure = np.eye(3, dtype=np.float32)
    return {(arm, "network"): Probabilities(y, sure[of], 15 if "+" in arm else 10) for arm, of in predicted.items()}


def likely(y: np.ndarray, logits: dict[str, np.ndarray], models: Sequence[str], threshold: float = 0.5):
    """What classifiers said of the rare one of two classes."""
    shares = np.array([0.9, 0.1])
    found: dict[Key, Probabilities] = {}
    for model in models:
        for arm, z in logits.items():
            p = 1 / (1 + np.exp(-z))
            found[arm, model] = Probabilities(
                y, np.stack([1 - p, p], 1)[None], 100, 1, shares, shares, threshold, arm == THRESHOLD
            )
    return found


def luck(rng: np.random.Generator, y: np.ndarray, image: float, seed: float, noise: float, shift: float = 0.0):
    """Four arms of five seeds; those with synthetic images are better by `shift` (probit scale), class c only."""
    base, found = 1.3 + rng.normal(size=len(y)), {}
    for arm in FOUR:
        z = base + image * rng.normal(size=len(y)) + seed * rng.normal(size=(5, 3))[:, y]
        z = z + noise * rng.normal(size=(5, len(y))) + shift * ("+" in arm) * (y == 2)
        found[arm] = np.where(z > 0, y, (y + 1) % 3)
    return found


def answer(outcomes: dict[Key, Probabilities], y: np.ndarray, config: ArmsConfig) -> Evaluation:
    of_images = isinstance(config, EvaluateConfig)
    return compare(
        [Said((images if of_images else rows)(y), 2 * len(y), outcomes)], ["c" if of_images else "rare"], config
    )


def simulated(kind: str, rng: np.random.Generator, n: tuple[int, int], shift: float) -> Evaluation:
    """Arms that differ by luck, and those with synthetic examples by `shift` on the rare class."""
    if kind == "image":
        y = np.repeat(np.arange(3), (n[0], n[0], n[1]))
        return answer(certain(y, luck(rng, y, 0.2, 0.1, 0.3, shift)), y, NETWORK)
    y, models = np.repeat([0, 1], n), CLASSIFIERS[:3] if kind == "rows, three classifiers" else CLASSIFIERS[:1]
    base = 2.0 * y - 3 + 0.7 * rng.normal(size=len(y))
    found: dict[Key, Probabilities] = {}
    for model in models:
        z = {arm: base + 0.5 * rng.normal(size=len(y)) + shift * y * (arm == MINE) for arm in (REAL, WEIGHTS, MINE)}
        found |= likely(y, z, [model])
    return answer(found, y, ROWS)


KINDS = ("image", "rows", "rows, three classifiers")


@pytest.mark.parametrize("kind", KINDS)
def test_equal_arms_rarely_help_or_hurt(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gensynth.evaluate.compare.DRAWS", 100)
    monkeypatch.setattr("gensynth.evaluate.compare.SLOW_DRAWS", (2, 2))  # scores that no verdict rests on
    rng = np.random.default_rng(0)
    wrong = sum(simulated(kind, rng, (100, 50), 0).verdict in (HELPS, HURTS) for _ in range(100))
    assert wrong <= 10  # 5 % are announced; 100 runs allow for 5 points


@pytest.mark.parametrize("kind", KINDS)
def test_planted_gain_helps_and_planted_loss_hurts(kind: str) -> None:
    for shift, verdict in ((1.5, HELPS), (-1.5, HURTS)):
        found = simulated(kind, np.random.default_rng(0), (600, 300), shift)
        assert found.verdict == verdict and {c.verdict for c in found.comparisons} == {verdict}
        assert found.rare in (("c",), ("rare",)) and [*found.n_test.values()][-1] == 300
        change = found.headline.rare_recall_difference
        assert (change.low > 0) == (shift > 0) and "points" in found.why and "bootstrap" in found.intervals
        assert found.positive == (None if kind == "image" else "rare") and found.noun in found.intervals


def test_headline_is_the_best_synthetic_arm_against_the_strongest_baseline() -> None:
    y = np.repeat(np.arange(3), 100)
    for wrong, verdict, said in (((0,), NO_EFFECT, "oversampled"), ((0, 1, 2), HELPS, "real"), ((2, 3), HURTS, "real")):
        predicted = {arm: np.tile(y, (5, 1)) for arm in FOUR}
        for at in wrong:
            predicted[FOUR[at]][:, 200:275] = 0
        found = answer(certain(y, predicted), y, NETWORK)
        assert found.verdict == verdict and {c.baseline for c in found.comparisons} == {said}
        assert found.why == found.headline.why and f"of '{said}', the strongest" in found.why
    assert [a.name for a in found.arms] == list(FOUR) and found.arms[2].n_train == 15


def test_the_verdict_is_of_the_first_synthetic_examples_that_are_given() -> None:
    y = np.repeat([0, 1], (300, 200))
    z = np.random.default_rng(0).normal(size=500) + 2 * y
    arms = {REAL: z, MINE: z, "real + other": z + 2 * y}
    assert answer(likely(y, arms, CLASSIFIERS[:1]), y, ROWS).headline.arm == MINE
    arms = {REAL: z, "real + other": z + 2 * y, MINE: z}
    assert answer(likely(y, arms, CLASSIFIERS[:1]), y, ROWS).headline.arm == "real + other"


def test_a_gain_that_a_threshold_also_gives_is_none() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], (500, 300))
    weak, strong = 0.5 * y + rng.normal(size=800), 2.5 * y + rng.normal(size=800)
    found = answer(likely(y, {REAL: weak, WEIGHTS: strong, MINE: strong}, CLASSIFIERS[:1]), y, ROWS)
    assert (found.verdict, found.headline.baseline) == (NO_EFFECT, WEIGHTS)
    tuned = replace(ROWS, metric="balanced_accuracy_tuned")
    moved = likely(y, {REAL: strong - 6, THRESHOLD: strong - 6}, CLASSIFIERS[:1], 0.01)
    moved |= likely(y, {MINE: strong}, CLASSIFIERS[:1], 0.8)
    found = answer(moved, y, tuned)
    scores = {a.name: a.scores for a in found.arms}
    assert scores[MINE]["balanced_accuracy"].value > scores[REAL]["balanced_accuracy"].value + 0.2
    assert scores[THRESHOLD]["balanced_accuracy"] == scores[REAL]["balanced_accuracy_tuned"]
    assert found.verdict != HELPS and found.headline.baseline == REAL


def test_a_sure_but_negligible_gain_is_no_effect_unless_asked_for() -> None:
    y = np.repeat(np.arange(3), 1000)
    predicted = {arm: np.tile(y, (5, 1)) for arm in FOUR}
    for arm in FOUR[:2]:
        predicted[arm][:, :15] = 1  # half a point
    networks = certain(y, predicted)
    binary = np.repeat([0, 1], (4000, 4000))
    z = np.random.default_rng(0).normal(size=8000) + 2 * binary
    trees = likely(binary, {REAL: z, WEIGHTS: z, MINE: z + 0.03 * binary}, CLASSIFIERS[:1])
    for outcomes, labels, config in ((networks, y, NETWORK), (trees, binary, ROWS)):
        usual, strict = (answer(outcomes, labels, replace(config, rope=rope)) for rope in (0.01, 0.0))
        assert usual.headline.p_value < 0.01 and (usual.verdict, strict.verdict) == (NO_EFFECT, HELPS)


def test_p_values_are_corrected_for_all_arms_of_each_classifier_by_itself() -> None:
    rng = np.random.default_rng(3)
    y = np.repeat([0, 1], (300, 60))
    base = 2.0 * y - 3 + 0.7 * rng.normal(size=360)
    logits = {name: base + 0.3 * rng.normal(size=360) for name in (REAL, WEIGHTS, MINE, "real + other", "real + third")}
    logits[MINE] += 0.4 * y

    def found(*names: str):
        outcomes = likely(y, {name: logits[name] for name in (REAL, WEIGHTS, *names)}, CLASSIFIERS[:2])
        return answer(outcomes, y, ROWS).comparisons

    alone, three = found(MINE), found(MINE, "real + other", "real + third")
    assert alone[0].p_value == alone[1].p_value and 0.001 < 3 * alone[0].p_value < 1
    assert three[0].difference == alone[0].difference and three[0].p_value == pytest.approx(3 * alone[0].p_value)
    assert "corrected for 3 comparisons" in three[0].why and "corrected" not in alone[0].why
    # Arms with what the gate rejects are a family of their own: they change nothing.
    logits["real + ungated"] = logits["real + other"]
    ungated = found(MINE, "real + ungated")
    assert ungated[0] == alone[0] and ungated[1].arm == "real + ungated"


def test_arms_that_no_draw_tells_apart_are_one_baseline() -> None:
    y = np.repeat([0, 1], (300, 100))
    z = np.random.default_rng(1).normal(size=400) + y
    worse = np.random.default_rng(2).normal(size=400) + y
    p = [
        answer(likely(y, dict.fromkeys(names, z) | {MINE: worse}, CLASSIFIERS[:1]), y, ROWS).headline.p_value
        for names in ((REAL,), (REAL, THRESHOLD))
    ]
    assert p[0] == p[1] < 1


def test_picking_the_strongest_of_many_baselines_makes_no_loss() -> None:
    """Without a correction for the choice, equal arms would be said to hurt several times too often."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 50)
    names, hurts = (*NETWORK.ways, "oversampled + synthetic"), 0
    for _ in range(100):
        outcomes = certain(y, {name: luck(rng, y, 0.5, 0.05, 0.2)["real"] for name in names})
        hurts += answer(outcomes, y, NETWORK).verdict == HURTS
    assert hurts <= 9  # 5 % are announced: 10 or more have a chance of 3 %


def test_several_splits_speak_of_other_training_examples() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 100)
    for shift, verdict in ((2.5, HELPS), (-2.5, HURTS)):
        said = [luck(rng, y, 0.2, 0.1, 0.2, shift) for _ in range(6)]
        tested = [
            Said(replace(images(y), ids=tuple(f"{k % 3}/{i}" for i in range(300))), 1200, certain(y, of))
            for k, of in enumerate(said)
        ]
        found = compare(tested, ["c"], NETWORK)
        assert found.verdict == verdict and found.splits == 6 and "6 splits" in found.why
        assert "Nadeau and Bengio" in found.intervals
        assert found.n_test == {"a": 300, "b": 300, "c": 300}  # three different test parts, each of them twice
        base = found.comparisons[1].baseline
        gaps = [(of[FOUR[3]] == y).mean() - (of[base] == y).mean() for of in said]
        half = 2.5706 * np.sqrt((1 / 6 + 0.25) * np.var(gaps, ddof=1))  # Student's t with 5 degrees of freedom
        difference = found.comparisons[1].difference
        assert difference.value == pytest.approx(np.mean(gaps), abs=1e-6)
        assert difference.high - difference.value == pytest.approx(half, rel=1e-3)


def test_small_or_missing_classes_cannot_tell() -> None:
    for counts, name in (((40, 40, 9), "c"), ((40, 0, 40), "b"), ((40, 40, 0), "c")):
        y = np.repeat(np.arange(3), counts)
        predicted = {arm: np.tile(y if "+" in arm else (y + 1) % 3, (2, 1)) for arm in FOUR}
        found = answer(certain(y, predicted), y, NETWORK)
        assert found.verdict == CANNOT_TELL and f"too few of '{name}'" in found.why
        assert (name in found.arms[0].recall) == (counts[2] == 9)
        assert found.arms[2].scores["balanced_accuracy"].value == 1


def test_agreement_on_few_examples_is_not_certainty() -> None:
    y = np.repeat(np.arange(3), 10)
    found = answer(certain(y, dict.fromkeys(FOUR, np.tile(y, (5, 1)))), y, NETWORK)
    assert found.verdict == CANNOT_TELL
    assert found.arms[0].recall["c"].low < 0.9 and found.arms[0].recall["c"].high == 1
    for n, few in ((9, True), (12, False)):
        y = np.repeat([0, 1], (400, n))
        found = answer(likely(y, dict.fromkeys((REAL, WEIGHTS, MINE), 8.0 * y - 4), CLASSIFIERS[:1]), y, ROWS)
        assert found.verdict == CANNOT_TELL and ("too few of 'rare'" in found.why) == few


def test_the_first_paragraph_says_where_classifiers_disagree() -> None:
    rng, y = np.random.default_rng(0), np.arange(900) % 3
    right = np.where(rng.random((1, 900)) < 0.9, y, (y + 1) % 3)
    better, worse = (np.where(rng.random((1, 900)) < share, y, (y + 1) % 3) for share in (0.99, 0.7))
    sure = np.eye(3, dtype=np.float32)
    outcomes = {
        (arm, model): Probabilities(y, sure[of], 10)
        for model, gain in (("good", better), ("bad", worse))
        for arm, of in (("real", right), ("real + synthetic", gain))
    }
    found = answer(outcomes, y, NETWORK)
    assert found.verdict == "HELPS" and found.headline.model == "good" and found.models == ["good", "bad"]
    assert found.why.startswith(found.headline.why) and found.why != found.headline.why
    assert "The classifiers disagree: HELPS with good, but HURTS with bad ('real + synthetic': -" in found.why
    agreed = answer({key: of for key, of in outcomes.items() if key[1] == "good"}, y, NETWORK)
    assert agreed.why == agreed.headline.why and "disagree" not in agreed.why


def test_a_gain_of_a_worse_model_alone_never_helps() -> None:
    rng, y = np.random.default_rng(0), np.arange(900) % 3
    said = {share: np.where(rng.random((1, 900)) < share, y, (y + 1) % 3) for share in (0.6, 0.8, 0.9, 0.97)}
    sure = np.eye(3, dtype=np.float32)

    def told(worse: tuple[float, float], best: float) -> Evaluation:
        shares = {("real", "weak"): worse[0], ("real + synthetic", "weak"): worse[1]}
        shares |= {("real", "strong"): best, ("real + synthetic", "strong"): best}
        return answer({key: Probabilities(y, sure[said[share]], 10) for key, share in shares.items()}, y, NETWORK)

    weak = next(c for c in told((0.6, 0.8), 0.9).comparisons if c.model == "weak")
    assert weak.verdict == "NO GAIN OVER THE BEST MODEL" and weak.difference.low > 0.1
    assert "only a worse model gains: strong reaches 9" in weak.why
    ahead = next(c for c in told((0.6, 0.97), 0.8).comparisons if c.model == "weak")
    assert ahead.verdict == "HELPS" and "worse model" not in ahead.why
