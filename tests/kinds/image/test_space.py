"""What the checker says of images, beside what holds for every kind (tests/fidelity/test_checker.py)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checked import CLASSES, ORDER, digit_parts, digits, drawn, of_class, samples_of
from PIL import Image
from sklearn.datasets import load_digits

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.gate import Gate
from gensynth.fidelity.metrics import all_metrics
from gensynth.fidelity.verdict import FAIL, INSUFFICIENT, PASS, REVIEW
from gensynth.kinds.image import cache
from gensynth.kinds.image.folder import read_folder
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.space import ImageSpace

N_TRAIN = 900
RARE, N_RARE = 3, 20


@pytest.fixture(scope="module")
def parts() -> tuple[LabeledData, LabeledData, LabeledData]:
    """Train (80 per class, 25 of d3, 6 of d2), held-out and fresh images."""
    torch.set_num_threads(1)
    return digit_parts(80, 80, 6, 25)


@pytest.fixture(scope="module")
def checker(parts) -> FidelityChecker:
    return FidelityChecker(parts[0], [parts[1]])


@pytest.fixture(scope="module")
def train() -> LabeledData:
    y = load_digits().target[ORDER[:N_TRAIN]]
    return digits(np.delete(np.arange(N_TRAIN), np.flatnonzero(y == RARE)[N_RARE:]))


@pytest.fixture(scope="module")
def fresh() -> LabeledData:
    return digits(np.arange(N_TRAIN, 1797))


@pytest.fixture(scope="module")
def all_digits(train) -> FidelityChecker:
    return FidelityChecker(train)


def reasons(checker: FidelityChecker, x: torch.Tensor, y: np.ndarray) -> tuple[str, ...]:
    return checker.gate(drawn(x, y, CLASSES)).reason


def caught(checker: FidelityChecker, x: torch.Tensor, y: np.ndarray) -> float:
    return float(np.mean([r != "" for r in reasons(checker, x, y)]))


def test_fresh_real_images_pass_and_a_class_of_six_is_not_judged(checker, parts):
    verdict = checker.check(samples_of(parts[2]))
    assert [c.label for c in verdict.classes] == list(CLASSES[:4])
    assert [c.status for c in verdict.classes] == [PASS, PASS, INSUFFICIENT, PASS] and verdict.status == REVIEW
    two = verdict.classes[2]
    given = {s.name for s in two.scores if s.value is not None}
    assert given <= {"label_agreement", "copies", "copying"}
    assert verdict.samples.accepted.mean() > 0.85
    assert verdict.contamination == 0
    for c in verdict.classes:
        assert c.n_accepted + sum(c.rejected.values()) == c.n_synthetic and c.why


def test_scores_carry_what_is_needed_to_read_them(checker, parts):
    zero = checker.check(samples_of(parts[2])).classes[0]
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
    zero = checker.check(samples_of(parts[2])).classes[0]
    near = {s.name: (s.value, s.yardstick) for s in zero.scores if s.value is not None}
    for name in ("precision", "recall", "nn_accuracy", "clipped_density", "clipped_coverage", "vendi_ratio"):
        assert near[name][0] == pytest.approx(near[name][1], abs=0.15), name


def test_samples_made_from_real_images_are_not_blamed_for_lying_near_them(checker, parts):
    zero = of_class(parts[0], "d0")
    half = torch.roll(zero.x[:], 1, 0).float() * 0.3 + zero.x[:].float() * 0.7
    silent = drawn(half.byte(), zero.y, zero.classes)
    named = replace(silent, parents=tuple(zip(zero.ids, np.roll(zero.ids, 1).tolist(), strict=True)))
    copying = [next(s for s in checker.check(x).classes[0].scores if s.name == "copying") for x in (silent, named)]
    assert copying[0].p_value < 1e-3 and copying[1].p_value is None and "by design" in copying[1].note
    assert copying[0].value == copying[1].value > 0.6


def test_few_images_are_said_to_be_few(checker, parts):
    three = checker.check(samples_of(parts[2])).classes[3]
    assert three.n_real == 25 and 0.1 < three.detectable < 1
    assert f"With 25 real images only a shift of all features by {three.detectable:.2f}" in three.why[-1]


def test_files_are_read_twice_and_judged_as_pixels_in_memory(
    train: LabeledData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(60):
        (tmp_path / f"d{train.y[at]}").mkdir(exist_ok=True)
        Image.fromarray(train.x[at, 0].numpy()).save(tmp_path / f"d{train.y[at]}" / f"{at}.png")
    disk, memory = read_folder(tmp_path, memory_gb=1e-9), read_folder(tmp_path)
    held_out, read = np.arange(60) % 5 == 0, []
    decode = cache.decode_image
    monkeypatch.setattr(cache, "decode_image", lambda path, *a: read.append(path) or decode(path, *a))
    gates = [
        Gate(ImageSpace(data.subset(~held_out)), data.subset(~held_out), [data.subset(held_out)])
        for data in (disk, memory)
    ]
    assert len(read) == 2 * 48 + 12, "training images twice, held-out ones once"
    found = [gate.measure(data.x, data.y) for gate, data in zip(gates, (disk, memory), strict=True)]
    assert len(read) == 2 * 48 + 12 + 60, "and once to be measured"
    assert found[0].seen.hashes == found[1].seen.hashes and np.array_equal(found[0].seen.points, found[1].seen.points)
    assert all(np.array_equal(found[0].scores[s], found[1].scores[s], equal_nan=True) for s in found[0].scores)


def test_fresh_images_of_ten_classes_pass(all_digits, fresh):
    verdicts = all_digits.gate(samples_of(fresh))
    assert verdicts.accepted.mean() > 0.92
    assert verdicts.accepted[fresh.y == RARE].mean() > 0.85
    assert np.mean([r == "dup_near" for r in verdicts.reason]) < 0.01


def test_images_of_another_class_are_caught(all_digits, fresh):
    others = fresh.subset(np.flatnonzero(fresh.y != RARE)[:300])
    assert caught(all_digits, others.x, np.full(300, RARE)) > 0.95


def test_copies_under_noise_are_caught(all_digits, train):
    x, y = train.x[:80], train.y[:80]
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)) * 0.05 * 255
    noisy = (x.float() + noise).round().clamp(0, 255).byte()
    verdicts = all_digits.gate(drawn(noisy, y, CLASSES))
    assert np.mean([r == "dup_near" for r in verdicts.reason]) > 0.9
    assert all("dup_near" in pair for pair in zip(verdicts.reason, verdicts.review, strict=True))


def test_a_blend_of_two_real_images_is_no_copy(all_digits, train):
    at = np.flatnonzero(train.y == RARE)
    a, b = train.x[at[:10]].float(), train.x[at[10:20]].float()
    for share in (0.2, 0.5):
        blend = (a * (1 - share) + b * share).round().byte()
        assert "dup_near" not in reasons(all_digits, blend, np.full(10, RARE))


def test_garbage_is_caught(all_digits, fresh):
    generator = torch.Generator().manual_seed(0)
    y = np.arange(100) % 10
    noise = torch.randint(0, 256, (100, 1, 8, 8), dtype=torch.uint8, generator=generator)
    shuffled = fresh.x[:100].flatten(1)[:, torch.randperm(64, generator=generator)].view(100, 1, 8, 8)
    assert caught(all_digits, noise, y) == 1
    assert caught(all_digits, shuffled, y) > 0.95
    grey = torch.arange(100, dtype=torch.uint8)[:, None, None, None].expand(100, 1, 8, 8)
    assert set(reasons(all_digits, grey, y)) == {"invalid"}


def test_binary_images_are_not_called_saturated(train):
    binary = LabeledData(Pixels((train.x[:] > 100).byte() * 255), train.y, train.classes, train.ids)
    assert not ImageSpace(binary).see(binary.x).faults["saturated"].any()


def test_a_class_of_one_image_and_a_lone_class_do_not_break_it(train):
    few = train.subset(np.r_[np.flatnonzero(train.y == 0)[:30], np.flatnonzero(train.y == 1)[:1]])
    lone = train.subset(np.flatnonzero(train.y == 0)[:30])
    for data in (few, lone):
        verdicts = FidelityChecker(data).gate(samples_of(data))
        assert not verdicts.accepted.any()


@pytest.mark.parametrize("shape", [(1, 9, 9), (3, 8, 8)])
def test_images_of_another_shape_are_refused(checker, parts, shape):
    other = Pixels(torch.zeros(len(parts[2]), *shape, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"\(1, 8, 8\)"):
        checker.check(drawn(other, parts[2].y, parts[2].classes))
    with pytest.raises(ValueError, match=r"\(1, 8, 8\) like the training images"):
        FidelityChecker(parts[0], [replace(parts[2], x=other)])


def test_noise_fails(checker, parts):
    x = torch.randint(0, 256, (50, 1, 8, 8), generator=torch.Generator().manual_seed(0)).byte()
    verdict = checker.check(drawn(x, np.zeros(50, dtype=np.int64), parts[0].classes))
    assert verdict.status == FAIL and not verdict.samples.accepted[1:].any()
