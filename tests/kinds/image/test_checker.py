"""Tests of gensynth.kinds.image.checker."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.metrics import all_metrics
from gensynth.fidelity.verdict import FAIL, INSUFFICIENT, PASS, load_verdict, save_verdict
from gensynth.kinds.image.checker import FidelityChecker
from gensynth.kinds.image.images import Images, Pixels
from gensynth.sampler.synthetic import Synthetic

CLASSES = ("zero", "one", "two", "three")


# The data come writer by writer: shuffled, so that fresh images are not by other writers.
ORDER = np.random.default_rng(0).permutation(1797)


def digits(at: np.ndarray) -> LabeledData:
    source = load_digits()
    x = torch.from_numpy(np.round(source.images[ORDER[at]] * 255 / 16).astype(np.uint8))[:, None]
    return LabeledData(Pixels(x), source.target[ORDER[at]], CLASSES, tuple(str(i) for i in at))


def drawn(x: torch.Tensor, y: np.ndarray, classes: tuple[str, ...] = CLASSES, parent: str = "") -> Synthetic:
    n = len(y)
    parents = ((parent,) if parent else (),) * n
    return Synthetic(
        x if isinstance(x, Images) else Pixels(x),
        np.asarray(y),
        classes,
        np.arange(n),
        "test",
        0,
        ("drawn",) * n,
        parents,
        ("",) * n,
    )


@pytest.fixture(scope="module")
def parts() -> tuple[LabeledData, LabeledData, LabeledData]:
    """Train (80 per class, 25 of "three", 6 of "two"), held-out and fresh images."""
    torch.set_num_threads(1)
    y = load_digits().target[ORDER]
    of = [np.flatnonzero(y == c) for c in range(4)]
    train = np.concatenate([at[:n] for at, n in zip(of, (80, 80, 6, 25), strict=True)])
    held_out, fresh = (np.concatenate([at[s] for at in of]) for s in (slice(80, 120), slice(120, 170)))
    return digits(train), digits(held_out), digits(fresh)


@pytest.fixture(scope="module")
def checker(parts) -> FidelityChecker:
    return FidelityChecker(parts[0], [parts[1]])


def status_of(verdict, label: str) -> str:
    return next(c.status for c in verdict.classes if c.label == label)


def test_fresh_real_images_pass_and_a_class_of_six_is_not_judged(checker, parts):
    verdict = checker.check(drawn(parts[2].x, parts[2].y))
    assert [c.label for c in verdict.classes] == list(CLASSES)
    assert [status_of(verdict, c) for c in ("zero", "one", "three")] == [PASS] * 3
    assert status_of(verdict, "two") == INSUFFICIENT and verdict.status == "REVIEW"
    two = verdict.classes[2]
    given = {s.name for s in two.scores if s.value is not None}
    assert given <= {"label_agreement", "copies", "copying"}
    assert all("there are 6 and 50" in s.note for s in two.scores if s.value is None)
    assert verdict.samples.accepted.mean() > 0.85
    assert verdict.contamination == 0
    for c in verdict.classes:
        assert c.n_accepted + sum(c.rejected.values()) == c.n_synthetic and c.why


def test_scores_carry_what_is_needed_to_read_them(checker, parts):
    zero = checker.check(drawn(parts[2].x, parts[2].y)).classes[0]
    scores = {s.name: s for s in zero.scores}
    metrics = all_metrics() | all_metrics("images")
    assert scores.keys() == metrics.keys() | {"label_agreement", "copying", "copies"}
    assert all(scores[name].higher_is_better == m.higher_is_better for name, m in metrics.items())
    for name in ("kid", "nn_accuracy", "copying"):
        assert 0.01 < scores[name].p_value <= 1
    for name in ("kid", "density", "label_agreement", "copies"):
        assert scores[name].interval[0] <= scores[name].value <= scores[name].interval[1]
    assert all(s.yardstick is not None for s in zero.scores if s.value is not None)
    assert scores["fid"].value is None and "640" in scores["fid"].note


def test_fresh_images_score_what_real_ones_score_against_real_ones(checker, parts):
    zero = checker.check(drawn(parts[2].x, parts[2].y)).classes[0]
    near = {s.name: (s.value, s.yardstick) for s in zero.scores if s.value is not None}
    for name in ("precision", "recall", "nn_accuracy", "clipped_density", "clipped_coverage", "vendi_ratio"):
        assert near[name][0] == pytest.approx(near[name][1], abs=0.15), name


def test_samples_made_from_real_images_are_not_blamed_for_lying_near_them(checker, parts):
    zero = parts[0].subset(np.flatnonzero(parts[0].y == 0))
    half = torch.roll(zero.x[:], 1, 0).float() * 0.3 + zero.x[:].float() * 0.7
    silent = drawn(half.byte(), zero.y)
    named = replace(silent, parents=tuple(zip(zero.ids, np.roll(zero.ids, 1).tolist(), strict=True)))
    copying = [next(s for s in checker.check(x).classes[0].scores if s.name == "copying") for x in (silent, named)]
    assert copying[0].p_value < 1e-3 and copying[1].p_value is None and "by design" in copying[1].note
    assert copying[0].value == copying[1].value > 0.6


def test_few_images_are_said_to_be_few(checker, parts):
    three = checker.check(drawn(parts[2].x, parts[2].y)).classes[3]
    assert three.n_real == 25 and 0.1 < three.detectable < 1
    assert f"With 25 real images only a shift of all features by {three.detectable:.2f}" in three.why[-1]


def test_the_gate_says_what_it_costs_real_images(checker, parts):
    synthetic = drawn(parts[2].x, parts[2].y)
    cost = checker.check(synthetic).false_reject
    assert cost.keys() == {"invalid", "dup_exact", "dup_near", "dup_parent", "label", "atypical", "any"}
    assert 0 <= cost["any"] < 0.15
    assert FidelityChecker(parts[0]).check(synthetic).false_reject is None


@pytest.mark.parametrize("kind", ["copies", "noise", "wrong class", "collapsed"])
def test_bad_sets_fail(checker, parts, kind):
    train, _, fresh = parts
    zero = fresh.x[fresh.y == 0]
    x = {
        "copies": train.x[:50],
        "noise": torch.randint(0, 256, (50, 1, 8, 8), generator=torch.Generator().manual_seed(0)).byte(),
        "wrong class": fresh.x[fresh.y == 1][:50],
        "collapsed": zero[:1].repeat(50, 1, 1, 1),
    }[kind]
    verdict = checker.check(drawn(x, np.zeros(len(x), dtype=np.int64)))
    assert verdict.status == FAIL and verdict.classes[0].status == FAIL
    assert not verdict.samples.accepted[1:].any()


def test_near_copies_fail_unless_the_sampler_named_the_parents(checker, parts):
    x = parts[0].x[:50].clone()
    x[:, 0, 3, 3] ^= 3
    y = np.zeros(50, dtype=np.int64)
    of_each = replace(drawn(x, y), parents=tuple((i,) for i in parts[0].ids[:50]))
    silent, named, lied = (checker.check(s) for s in (drawn(x, y), of_each, drawn(x, y, parent=parts[0].ids[60])))
    assert set(silent.samples.reason) == set(lied.samples.reason) == {"dup_near"}
    assert set(named.samples.reason) == {"dup_parent"}
    assert "copy other images" in silent.classes[0].why[0] and silent.status == lied.status == FAIL
    assert "copy other images" not in " ".join(named.classes[0].why)


def test_a_child_of_a_held_out_image_is_disqualified_and_raises_the_alarm(checker, parts):
    fresh = parts[2].subset(np.arange(10))
    verdict = checker.check(drawn(fresh.x, fresh.y, parent=parts[1].ids[0]))
    assert set(verdict.samples.reason) == {"held_out_parent"} and verdict.contamination == 10


def test_of_more_good_samples_than_wanted_the_most_varied_are_accepted(checker, parts):
    synthetic = drawn(parts[2].x, parts[2].y)
    every, some = checker.check(synthetic), checker.check(synthetic, {"zero": 30, "one": 1000})
    counts = {c.label: c for c in some.classes}
    assert counts["zero"].n_accepted == 30 and counts["zero"].rejected["quota"] >= 10
    assert counts["one"].n_accepted == every.classes[1].n_accepted and counts["two"].n_accepted == 0
    assert [c.status for c in some.classes] == [c.status for c in every.classes]
    assert (every.samples.accepted | ~some.samples.accepted).all()


def test_doubtful_samples_are_accepted_and_flagged(checker, parts):
    verdict = checker.check(drawn(parts[2].x, parts[2].y))
    flagged = np.array([r != "" for r in verdict.samples.review])
    assert flagged.any() and verdict.samples.accepted[flagged].all()
    assert sum(c.n_review for c in verdict.classes) == flagged.sum()


def test_equality_with_a_held_out_image_raises_the_alarm(checker, parts):
    verdict = checker.check(drawn(parts[1].x[:7], parts[1].y[:7]))
    assert verdict.contamination == 7 and set(verdict.samples.reason) == {"dup_exact"}


def test_classes_are_matched_by_name(checker, parts):
    fresh = parts[2]
    turned = drawn(fresh.x, 3 - fresh.y, classes=CLASSES[::-1])
    straight = drawn(fresh.x, fresh.y)
    assert checker.gate(turned).reason == checker.gate(straight).reason
    with pytest.raises(ValueError, match="'thre' is not one of the classes .* mean 'three'"):
        checker.check(replace(straight, classes=("zero", "one", "two", "thre")))


def test_rounds_are_screened_against_what_was_accepted_before(checker, parts):
    first = drawn(parts[2].x, parts[2].y)
    kept = first.subset(checker.gate(first).accepted)
    assert not checker.gate(first, kept).accepted.any()
    assert checker.check(kept).samples.accepted.all()


def test_wrong_input_is_refused(checker, parts):
    fresh = parts[2]
    with pytest.raises(ValueError, match=r"\(1, 8, 8\)"):
        checker.check(drawn(torch.zeros(3, 1, 9, 9, dtype=torch.uint8), np.zeros(3, dtype=np.int64)))
    with pytest.raises(TypeError, match="uint8"):
        checker.check(drawn(fresh.x[:].float(), fresh.y))
    with pytest.raises(ValueError, match="nothing to check"):
        checker.check(drawn(fresh.x[:0], fresh.y[:0]))
    without = parts[0].subset(np.flatnonzero(parts[0].y != 2))
    with pytest.raises(ValueError, match=r"\['two'\] have no real training image"):
        FidelityChecker(without).check(drawn(fresh.x, fresh.y))
    with pytest.raises(ValueError, match="held-out images must have the training images' shape"):
        FidelityChecker(parts[0], [replace(fresh, x=Pixels(torch.zeros(len(fresh), 1, 9, 9, dtype=torch.uint8)))])


def test_the_same_question_has_the_same_answer_and_survives_a_file(checker, parts, tmp_path):
    synthetic = drawn(parts[2].x, parts[2].y)
    first, second = checker.check(synthetic), FidelityChecker(parts[0], [parts[1]]).check(synthetic)
    assert first.classes == second.classes and first.stamp == second.stamp
    path = tmp_path / "verdict.json"
    save_verdict(first, path)
    read = load_verdict(path)
    assert [p.name for p in tmp_path.iterdir()] == ["verdict.json"]
    assert (read.status, read.classes, read.false_reject) == (first.status, first.classes, first.false_reject)
    assert (read.thresholds, read.stamp, read.contamination) == (first.thresholds, first.stamp, 0)
    assert read.samples.reason == first.samples.reason and read.samples.nearest == first.samples.nearest
    assert read.samples.review == first.samples.review
    assert np.array_equal(read.samples.accepted, first.samples.accepted)
    assert all(np.array_equal(read.samples.scores[k], v, equal_nan=True) for k, v in first.samples.scores.items())


def test_a_file_that_is_no_verdict_is_refused(tmp_path, checker, parts):
    path = tmp_path / "x.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match="is not a verdict"):
        load_verdict(path)
    with pytest.raises(FileNotFoundError, match="create it first"):
        save_verdict(checker.check(drawn(parts[2].x[:2], parts[2].y[:2])), tmp_path / "no" / "x.json")
