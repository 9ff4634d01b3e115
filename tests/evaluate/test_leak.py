"""leak: a shortcut that was planted is found, vanishes when it is spread, and is not seen where there is none."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.intervals import CANNOT_TELL
from gensynth.evaluate.leak import measure_leak
from gensynth.evaluate.outcome import Outcome, Probabilities
from gensynth.evaluate.results import LEAKS, NO_LEAK, Leak, load_leak, save_leak
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.classifier.networks import Networks
from gensynth.kinds.image.files import FolderFiles
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.read import Parts
from gensynth.kinds.image.rebalance import ImageAsked, ImageJob, ImageRunFiles
from gensynth.kinds.image.rebalance_config import RebalanceConfig
from gensynth.kinds.image.samplers.smote import SmoteSampler
from gensynth.mix.targets import SPREAD, spread_counts
from gensynth.rebalance.rebalance import sample_and_check
from gensynth.sampler.synthetic import Synthetic

QUICK = EvaluateConfig(seeds=5, steps=60, batch_size=32)
RARE = ("8", "9")


def made(data: LabeledData, rows: np.ndarray, pixels: Tensor, parents: bool = True) -> Synthetic:
    n = len(rows)
    ids = tuple((data.ids[i],) if parents else () for i in rows)
    return Synthetic(Pixels(pixels), data.y[rows], data.classes, np.arange(n), "mark", 0, ("",) * n, ids, ("",) * n)


def inverted(data: LabeledData, rows: np.ndarray, parents: bool = True) -> Synthetic:
    return made(data, rows, 255 - data.x[torch.from_numpy(rows)], parents)


def same(data: LabeledData, rows: np.ndarray, parents: bool = True) -> Synthetic:
    return made(data, rows, data.x[torch.from_numpy(rows)], parents)


def rows_of(data: LabeledData, rare: bool, per_class: int, start: int = 0) -> np.ndarray:
    """Rows `start` to `start + per_class` of every rare class, or of every other one."""
    wanted = [k for k, name in enumerate(data.classes) if (name in RARE) == rare]
    return np.concatenate([np.flatnonzero(data.y == k)[start : start + per_class] for k in wanted])


def filled(data: LabeledData) -> Synthetic:
    """Inverted images of the rare classes."""
    return inverted(data, rows_of(data, True, 40))


def others(data: LabeledData) -> np.ndarray:
    """Some rows of each other class."""
    return rows_of(data, False, 15)


@pytest.fixture(scope="module")
def planted(parts: Parts) -> Leak:
    train = parts.train
    return measure_leak(train, filled(train), inverted(train, others(train)), RARE, (), QUICK)


def test_a_planted_shortcut_is_found(planted: Leak) -> None:
    assert planted.leaks and planted.verdict == LEAKS and planted.paired
    assert planted.difference is not None and planted.difference.value > 0.8
    assert (planted.n_changed, planted.n_original, planted.rare) == (120, 120, RARE)
    assert "'8' or '9'" in planted.why and "made from" in planted.why and planted.why.count("points") == 1


def test_it_vanishes_when_the_change_is_spread(parts: Parts) -> None:
    train = parts.train
    filling = np.concatenate([rows_of(train, True, 40), rows_of(train, False, round(115 * SPREAD), start=60)])
    shown = inverted(train, others(train))
    leak = measure_leak(train, inverted(train, filling), shown, RARE, (), EvaluateConfig(seeds=5, steps=150))
    assert not leak.leaks and leak.difference is not None and leak.difference.value < 0.05


def test_a_change_that_does_nothing_does_not_leak(parts: Parts) -> None:
    train = parts.train
    leak = measure_leak(train, same(train, rows_of(train, True, 40)), same(train, others(train)), RARE, (), QUICK)
    assert leak.verdict == NO_LEAK and leak.difference is not None and leak.difference.value == 0


def test_without_parents_held_out_images_of_the_same_classes_are_the_yardstick(parts: Parts) -> None:
    filling, fresh = rows_of(parts.train, True, 40), rows_of(parts.validation, False, 10)
    # Another program's data may list its classes in another order.
    turned = replace(parts.test, classes=parts.test.classes[::-1], y=9 - parts.test.y)
    for change, verdict in ((inverted, LEAKS), (same, NO_LEAK)):
        synthetic, changed = change(parts.train, filling, False), change(parts.validation, fresh, False)
        leak = measure_leak(parts.train, synthetic, changed, RARE, (turned,), QUICK)
        assert leak.verdict == verdict and not leak.paired and "held-out" in leak.why
        assert (leak.n_changed, leak.n_original) == (80, 80)
        assert leak.share_original is not None and leak.share_original < 0.1


def test_too_few_images_cannot_tell(parts: Parts) -> None:
    train, shown = parts.train, others(parts.train)
    for changed, rare, why in (
        (inverted(train, shown[:0]), RARE, "there are 0 and 0"),
        (inverted(train, shown[:29]), RARE, "there are 29 and 29"),
        (inverted(train, np.repeat(shown[:29], 10)), RARE, "there are 290 and 29"),
        (inverted(train, shown, parents=False), RARE, "there are 0 and 0"),
        (inverted(train, shown[:0]), train.classes, "Every class is filled"),
    ):
        leak = measure_leak(train, filled(train), changed, rare)
        assert leak.verdict == CANNOT_TELL and not leak.leaks and why in leak.why
        assert (leak.share_changed, leak.difference) == (None, None)


def test_what_is_compared_was_not_learned(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the parents nor other images made from them are trained on; at most half of a class is missing."""
    train, seen = parts.train, {}

    def look(self: Networks, way: str, train: LabeledData, added: Synthetic, test: LabeledData, *_: Any) -> Outcome:
        seen.update(images=torch.cat([train.x[:], added.x[:]]), y=np.concatenate([train.y, added.y]))
        seen.update(way=way, shown=test.x[:])
        taken = np.zeros((1, len(test)), dtype=np.int64)
        taken[:, : len(test) // 4] = 8  # half of the changed ones
        return Probabilities(test.y, np.eye(10)[taken], len(train))

    monkeypatch.setattr(Networks, "try_way", look)
    filling = np.concatenate([rows_of(train, True, 40), rows_of(train, False, 200)])
    leak = measure_leak(train, same(train, filling), inverted(train, rows_of(train, False, 200)), RARE)
    changed, original = seen["shown"].split(len(seen["shown"]) // 2)
    assert torch.equal(changed, 255 - original)
    assert not {x.numpy().tobytes() for x in original} & {x.numpy().tobytes() for x in seen["images"]}
    n_real = np.bincount(train.y)[:8]
    assert leak.n_changed == (n_real // 2).sum()
    assert np.array_equal(np.bincount(seen["y"])[:8], 2 * (n_real - n_real // 2))
    assert seen["way"] == "oversampled"
    assert leak.share_changed == pytest.approx(0.5, abs=0.01) and leak.share_original == 0


def test_images_of_one_parent_do_not_count_as_many(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def guess(self: Networks, way: str, train: LabeledData, added: Synthetic, test: LabeledData, *_: Any) -> Outcome:
        by_parent = np.repeat(np.random.default_rng(0).random(40) < 0.5, len(test) // 80)
        taken = np.concatenate([np.where(by_parent, 8, 0), np.zeros(len(test) // 2, dtype=np.int64)])
        return Probabilities(test.y, np.eye(10)[np.tile(taken, (2, 1))], len(train))

    monkeypatch.setattr(Networks, "try_way", guess)
    filling, few = rows_of(parts.train, True, 40), rows_of(parts.train, False, 5)
    once, often = (
        measure_leak(parts.train, same(parts.train, filling), same(parts.train, np.repeat(few, n)), RARE).difference
        for n in (1, 10)
    )
    assert once is not None and often is not None and once.value == pytest.approx(often.value)
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.01)


def test_it_is_determined_by_its_seed_and_survives_json(parts: Parts, planted: Leak, tmp_path: Path) -> None:
    shown = others(parts.train)
    args = (parts.train, filled(parts.train), inverted(parts.train, shown), RARE, ())
    before = torch.get_rng_state()
    assert measure_leak(*args, QUICK) == planted
    assert torch.equal(torch.get_rng_state(), before)
    assert measure_leak(*args, replace(QUICK, seed=1)) != planted
    nothing = measure_leak(*args[:2], inverted(parts.train, shown[:2]), *args[3:])
    for leak in (planted, nothing):
        save_leak(leak, tmp_path / "leak.json")
        assert load_leak(tmp_path / "leak.json") == leak


def test_wrong_inputs_are_refused(parts: Parts) -> None:
    filling = filled(parts.train)
    with pytest.raises(ValueError, match="classes other than the rare ones, '8', '9'"):
        measure_leak(parts.train, filling, filling, RARE)
    with pytest.raises(ValueError, match="must agree"):
        measure_leak(parts.train, replace(filling, classes=("a",) * 10), filling, RARE)
    with pytest.raises(ValueError, match="must agree"):
        measure_leak(parts.train, filling, replace(filling, x=Pixels(filling.x[:, :, :, 1:])), RARE)


def job(parts: Parts, out: Path, spread: str = "auto") -> ImageJob:
    files = ImageRunFiles(out, parts, {"rebalance": RebalanceConfig()})
    unused: Any = dict.fromkeys(("source", "out", "rebalance", "data", "choose", "generator", "model", "train"))
    return ImageJob(files=files, asked=ImageAsked(evaluate=QUICK, **unused), targets={}, adds={}, spread=spread)


class Pale(SmoteSampler):
    """SMOTE on pixels, then a change that a person would hardly notice."""

    parents = True

    def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
        drawn = super()._sample(label, index, seed)
        pale = (drawn.x[:].float() * 0.6 + 50).to(torch.uint8)
        return replace(drawn, x=Pixels(pale), parents=drawn.parents if self.parents else ((),) * len(index))


def test_a_run_spreads_a_change_that_leaks(parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "gensynth.rebalance.rebalance.measure_leak", partial(measure_leak, config=replace(QUICK, steps=100))
    )
    sampler, adds = Pale().fit(parts.train), {"8": 80, "9": 79}
    sample_and_check(job(parts, tmp_path), sampler, adds)
    before, after = load_leak(tmp_path / "leak.json"), load_leak(tmp_path / "leak_spread.json")
    assert before.leaks and before.paired and not after.leaks
    assert after.share_changed is not None and before.share_changed is not None
    assert after.share_changed < before.share_changed / 4
    synthetic, samples = FolderFiles().read(tmp_path / "synthetic", parts.train)
    assert samples is not None
    accepted = synthetic.subset(samples.accepted)
    got = dict(zip(synthetic.classes, np.bincount(accepted.y, minlength=10).tolist(), strict=True))
    share = spread_counts(parts.train.class_counts, adds)
    assert set(share) == set("01234567") and all(got[name] <= n for name, n in (adds | share).items())
    assert sum(got[name] for name in share) > 0.8 * sum(share.values())


def test_a_class_that_lacks_a_few_gets_its_share_too(parts: Parts, tmp_path: Path) -> None:
    adds = {"7": 3, "8": 80, "9": 79}
    sample_and_check(job(parts, tmp_path, "all"), Pale().fit(parts.train), adds)
    synthetic, samples = FolderFiles().read(tmp_path / "synthetic", parts.train)
    share = spread_counts(parts.train.class_counts, adds)["7"]
    assert samples is not None and 3 < (synthetic.y[samples.accepted] == 7).sum() <= share == 41
    sevens = synthetic.index[synthetic.y == 7]
    assert len(set(sevens.tolist())) == len(sevens)  # no sample stands there twice


def test_where_every_class_is_filled_the_rare_ones_are_looked_at(parts: Parts, tmp_path: Path) -> None:
    adds = {name: 150 - n for name, n in parts.train.class_counts.items()}
    sample_and_check(job(parts, tmp_path), Pale().fit(parts.train), adds)
    leak = load_leak(tmp_path / "leak.json")
    assert leak.rare == RARE and leak.share_changed is not None and not (tmp_path / "leak_spread.json").exists()


def test_a_sampler_that_cannot_spread_does_not_stop_a_run(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Some(Pale):
        labels = ("7", *RARE)  # type: ignore[assignment]

    def leaks(*given: Any) -> Leak:
        return replace(measure_leak(*given, config=QUICK), verdict=LEAKS)

    monkeypatch.setattr("gensynth.rebalance.rebalance.measure_leak", leaks)
    adds = {"7": 60, "8": 80, "9": 79}  # 7 has more than its share, and no other class can be drawn
    sample_and_check(job(parts, tmp_path / "auto"), Some().fit(parts.train), adds)
    assert load_leak(tmp_path / "auto" / "leak.json").leaks and not (tmp_path / "auto" / "leak_spread.json").exists()
    with pytest.raises(ValueError, match="classes that are not rare"):
        sample_and_check(job(parts, tmp_path / "all", "all"), Some().fit(parts.train), adds)


def test_a_run_without_parents_only_warns(parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gensynth.rebalance.rebalance.measure_leak", partial(measure_leak, config=QUICK))
    sampler = Pale().fit(parts.train)
    sampler.parents = False
    sample_and_check(job(parts, tmp_path), sampler, {"8": 80, "9": 79})
    leak = load_leak(tmp_path / "leak.json")
    assert leak.leaks and not leak.paired and not (tmp_path / "leak_spread.json").exists()
    synthetic, _ = FolderFiles().read(tmp_path / "synthetic", parts.train)
    assert set(synthetic.y) == {8, 9}


class OnlyRare(Pale):
    labels = RARE  # type: ignore[assignment]


def test_a_sampler_of_the_rare_classes_alone(parts: Parts, tmp_path: Path) -> None:
    sampler, adds = OnlyRare().fit(parts.train), {"8": 20, "9": 20}
    sample_and_check(job(parts, tmp_path / "auto"), sampler, adds)
    assert load_leak(tmp_path / "auto" / "leak.json").verdict == CANNOT_TELL
    with pytest.raises(ValueError, match="draws only '8', '9'"):
        sample_and_check(job(parts, tmp_path / "all", "all"), sampler, adds)
