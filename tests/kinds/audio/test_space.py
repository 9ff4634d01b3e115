"""Tests of gensynth.kinds.audio.space: what the gate rejects, and what sets of clips are told by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import soxr
from checked import drawn, of_class
from made_pips import CLASSES, RATE, VIEW, clip, pip_data, pips

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.metrics import kid_permutation_test
from gensynth.fidelity.verdict import FAIL, PASS, SampleVerdicts
from gensynth.kinds.audio.clips import Clips, View
from gensynth.kinds.audio.look import looks
from gensynth.kinds.audio.space import AudioSpace, Usual
from gensynth.sampler.synthetic import Synthetic

Waves = list[np.ndarray]


@pytest.fixture(scope="module")
def checker() -> FidelityChecker:
    return FidelityChecker(pip_data(0), [pip_data(1)])


def waves(seed: int, label: str = "low") -> Waves:
    return [one.wave() for one in of_class(pip_data(seed), label).x.clips]


def samples(made: Waves, parents: list[str] | None = None) -> Synthetic:
    """Waves as samples of the class `low`."""
    return drawn(Clips(tuple(map(clip, made)), VIEW), [1] * len(made), CLASSES, parents)


def rejected(verdicts: SampleVerdicts, reason: str) -> float:
    return float(np.mean([found == reason for found in verdicts.reason]))


def test_genuine_clips_pass_and_those_of_another_class_fail(checker: FidelityChecker) -> None:
    genuine, other = checker.check(samples(waves(2))), checker.check(samples(waves(2, "high")[:40]))
    assert genuine.classes[0].status == PASS and genuine.samples.accepted.mean() > 0.9
    assert other.classes[0].status == FAIL and other.samples.accepted.mean() < 0.1
    p = {v: {s.name: s for s in v.classes[0].scores}["kid"].p_value for v in (genuine, other)}
    assert p[genuine] > 0.05 > p[other]


def test_sets_of_genuine_clips_are_told_apart_as_seldom_as_they_should_be() -> None:
    p = []
    for draw in range(20):
        space = AudioSpace(pip_data(100 + draw, 2, 20))
        fresh = space.see(Clips(tuple(map(clip, waves(200 + draw)[:20])), VIEW))
        p.append(kid_permutation_test(space.real.points[2:], fresh.points, draw, 100))
    assert 0.25 < np.mean(p) < 0.75 and np.mean(np.array(p) <= 0.05) <= 0.25


COPIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "later": lambda x: np.pad(x, ((0, 0), (333, 0))),
    "earlier": lambda x: x[:, 60:],
    "fainter": lambda x: x / np.float32(5),
    "faster": lambda x: soxr.resample(x.T, RATE * 1.02, RATE).T,
    "slower": lambda x: soxr.resample(x.T, RATE / 1.03, RATE).T,
    "noisier": lambda x: x + np.random.default_rng(0).normal(0, 0.003, x.shape).astype(np.float32),
}


@pytest.mark.parametrize("change", COPIES)
def test_copies_are_found_however_they_were_changed(checker: FidelityChecker, change: str) -> None:
    made = [COPIES[change](x) for x in waves(0)]
    ids = list(of_class(pip_data(0), "low").ids)
    silent, named = checker.gate(samples(made)), checker.gate(samples(made, ids))
    assert rejected(silent, "dup_near") > 0.9 and rejected(named, "dup_parent") > 0.9
    assert np.mean([a == b for a, b in zip(silent.nearest, ids, strict=True)]) > 0.9
    assert np.median(silent.scores["near_duplicate"]) < 0.5


def test_the_same_sample_twice_is_a_copy_of_the_earlier_one(checker: FidelityChecker) -> None:
    new = waves(2)[:6]
    twice = checker.gate(samples([*new, *(np.pad(x, ((0, 0), (100, 0))) for x in new)]))
    assert [*twice.reason[6:]] == ["dup_near" if not r else r for r in twice.reason[:6]]


FAULTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "silent": lambda x: 0 * x,
    "clipped": lambda x: np.clip(40 * x, -1, 1),
    "constant part": lambda x: x + np.float32(0.1),
    "click": lambda x: np.concatenate(
        [x[:, :2000], x[:, 2000:] + np.float32(0.9) * (np.arange(x.shape[1] - 2000) < 1)], 1
    ),
    "not a number": lambda x: np.where(np.arange(x.shape[1]) == 9, np.float32(np.nan), x),
    "length": lambda x: np.tile(x, 3),
    "too short": lambda x: x[:, :800],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_is_invalid(checker: FidelityChecker, fault: str) -> None:
    assert rejected(checker.gate(samples([FAULTS[fault](x) for x in waves(2)[:8]])), "invalid") == 1


def test_what_real_clips_do_is_no_fault() -> None:
    found = looks([clip(FAULTS[name](x)) for name in list(FAULTS)[:5] for x in waves(3)[:2]], VIEW)
    assert not any(of.any() for of in Usual(found).faults(found).values())
    one = looks([clip(x) for x in waves(3)], VIEW)
    assert {name for name, of in Usual(one).faults(found).items() if of.any()} == {*list(FAULTS)[:5]}


def test_clips_that_are_heard_otherwise_are_refused() -> None:
    data = pip_data(0, 4, 4)
    with pytest.raises(ValueError, match="must be heard as the training clips"):
        AudioSpace(data).see(Clips(data.x.clips, View(8000, 0.5)))


def test_what_is_seen_of_a_clip_depends_on_no_other(checker: FidelityChecker) -> None:
    rng = np.random.default_rng(5)
    train = LabeledData(
        Clips(tuple(clip(pips("low", rng)) for _ in range(4)), VIEW), np.zeros(4, np.int64), ("a",), tuple("abcd")
    )
    space, x = AudioSpace(train), pip_data(6).x
    together, alone = space.see(x), space.see(x.take(np.array([7])))
    assert np.array_equal(together.points[7], alone.points[0]) and np.array_equal(together.wide[7], alone.wide[0])
