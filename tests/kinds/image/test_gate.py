"""Tests of gensynth.kinds.image.gate."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.judge import Judge
from gensynth.kinds.image import images
from gensynth.kinds.image.features.embedding import Embedding
from gensynth.kinds.image.folder import read_folder
from gensynth.kinds.image.gate import Gate, pixel_hashes
from gensynth.kinds.image.images import Pixels

N_TRAIN = 900
RARE, N_RARE = 3, 20


# The data come writer by writer: shuffled, so that fresh images are not by other writers.
ORDER = np.random.default_rng(0).permutation(1797)


def digits(at: np.ndarray) -> LabeledData:
    source = load_digits()
    x = torch.from_numpy(np.round(source.images[ORDER[at]] * 255 / 16).astype(np.uint8))[:, None]
    return LabeledData(
        Pixels(x), source.target[ORDER[at]], tuple(f"d{i}" for i in range(10)), tuple(str(i) for i in at)
    )


@pytest.fixture(scope="module")
def train() -> LabeledData:
    y = load_digits().target[ORDER[:N_TRAIN]]
    return digits(np.delete(np.arange(N_TRAIN), np.flatnonzero(y == RARE)[N_RARE:]))


@pytest.fixture(scope="module")
def fresh() -> LabeledData:
    return digits(np.arange(N_TRAIN, 1797))


@pytest.fixture(scope="module")
def gate(train) -> Gate:
    torch.set_num_threads(1)
    return Gate(train)


def caught(gate: Gate, x: torch.Tensor, y: np.ndarray) -> float:
    return 1 - float(gate.screen(x, y).samples.accepted.mean())


def test_embedding_is_the_same_for_any_split_into_calls_and_any_refit(train):
    a, b = Embedding.fit(train.x), Embedding.fit(train.x)
    whole = a(train.x[:200])
    assert whole.dtype == np.float64 and whole.shape[0] == 200 and whole.shape[1] <= 64
    parts = np.concatenate([a(train.x[:3]), a(train.x[3:200])])
    assert parts == pytest.approx(whole, abs=1e-4)
    assert a.stamp == b.stamp and a.stamp != Embedding.fit(train.x, seed=1).stamp
    assert {"name", "hash", "resize", "domain"} <= set(a.stamp)


def test_files_are_read_twice_and_judged_as_pixels_in_memory(
    train: LabeledData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(60):
        (tmp_path / f"d{train.y[at]}").mkdir(exist_ok=True)
        Image.fromarray(train.x[at, 0].numpy()).save(tmp_path / f"d{train.y[at]}" / f"{at}.png")
    disk, memory = read_folder(tmp_path, memory_gb=1e-9), read_folder(tmp_path)
    held_out, read = np.arange(60) % 5 == 0, []
    decode = images.decode_image
    monkeypatch.setattr(images, "decode_image", lambda path, *a: read.append(path) or decode(path, *a))
    gates = [Gate(data.subset(~held_out), [data.subset(held_out)]) for data in (disk, memory)]
    assert len(read) == 2 * 48 + 12, "training images twice, held-out ones once"
    found = [gate.measure(data.x, data.y) for gate, data in zip(gates, (disk, memory), strict=True)]
    assert len(read) == 2 * 48 + 12 + 60, "and once to be measured"
    assert found[0].hashes == found[1].hashes and np.array_equal(found[0].points, found[1].points)
    assert all(np.array_equal(found[0].scores[s], found[1].scores[s], equal_nan=True) for s in found[0].scores)


def test_embedding_keeps_global_randomness(train):
    before = torch.get_rng_state()
    Embedding.fit(train.x[:50])
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("shape", [(3, 48, 32), (1, 5, 7), (3, 16, 16)])
def test_embedding_of_other_shapes(shape):
    x = torch.randint(0, 256, (24, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    features = Embedding.fit(x)(x)
    assert np.isfinite(features).all() and len(np.unique(features.round(6), axis=0)) == 24


def test_embedding_refuses_what_it_cannot_read(train):
    embedding = Embedding.fit(train.x)
    with pytest.raises(ValueError, match=r"\(1, 8, 8\) like the training images, got \(2, 1, 9, 9\)"):
        embedding(torch.zeros(2, 1, 9, 9, dtype=torch.uint8))
    with pytest.raises(TypeError, match="must be uint8 .* got torch.float32"):
        embedding(torch.zeros(2, 1, 8, 8))
    with pytest.raises(ValueError, match="at least 2 different training images"):
        Embedding.fit(torch.zeros(5, 1, 8, 8, dtype=torch.uint8))


def test_fresh_real_images_pass(gate, fresh):
    verdicts = gate.screen(fresh.x, fresh.y).samples
    assert verdicts.accepted.mean() > 0.92
    assert verdicts.accepted[fresh.y == RARE].mean() > 0.85
    assert np.mean([r == "dup_near" for r in verdicts.reason]) < 0.01


def test_images_of_another_class_are_caught(gate, fresh):
    others = fresh.subset(np.flatnonzero(fresh.y != RARE)[:300])
    assert caught(gate, others.x, np.full(300, RARE)) > 0.95


def test_copies_are_caught_and_named(gate, train):
    x, y = train.x[:80], train.y[:80]
    verdicts = gate.screen(x, y).samples
    assert set(verdicts.reason) == {"dup_exact"}
    assert verdicts.nearest == train.ids[:80]
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)) * 0.05 * 255
    noisy = (x.float() + noise).round().clamp(0, 255).byte()
    verdicts = gate.screen(noisy, y).samples
    assert np.mean([r == "dup_near" for r in verdicts.reason]) > 0.9
    assert all("dup_near" in pair for pair in zip(verdicts.reason, verdicts.review, strict=True))


def test_a_blend_of_two_real_images_is_no_copy(gate, train):
    at = np.flatnonzero(train.y == RARE)
    a, b = train.x[at[:10]].float(), train.x[at[10:20]].float()
    for share in (0.2, 0.5):
        blend = (a * (1 - share) + b * share).round().byte()
        assert "dup_near" not in gate.screen(blend, np.full(10, RARE)).samples.reason


def test_garbage_is_caught(gate, fresh):
    generator = torch.Generator().manual_seed(0)
    y = np.arange(100) % 10
    noise = torch.randint(0, 256, (100, 1, 8, 8), dtype=torch.uint8, generator=generator)
    shuffled = fresh.x[:100].flatten(1)[:, torch.randperm(64, generator=generator)].view(100, 1, 8, 8)
    assert caught(gate, noise, y) == 1
    assert caught(gate, shuffled, y) > 0.95
    grey = torch.arange(100, dtype=torch.uint8)[:, None, None, None].expand(100, 1, 8, 8)
    assert set(gate.screen(grey, y).samples.reason) == {"invalid"}


def test_repeats_among_synthetic_images_are_kept_once(gate, fresh):
    good = np.flatnonzero(gate.screen(fresh.x, fresh.y).samples.accepted)[:5]
    x, y = fresh.x[good], fresh.y[good]
    almost = x.clone()
    almost[:, 0, 4, 4] ^= 1
    verdicts = gate.screen(torch.cat([x, x, almost]), np.tile(y, 3)).samples
    assert verdicts.reason == ("",) * 5 + ("dup_exact",) * 5 + ("dup_near",) * 5
    assert set(gate.screen(x, y, earlier=(x, y)).samples.reason) == {"dup_exact"}


def test_binary_images_are_not_called_saturated(train):
    binary = LabeledData(Pixels((train.x[:] > 100).byte() * 255), train.y, train.classes, train.ids)
    assert not Gate(binary).measure(binary.x, binary.y).flags["invalid"].any()


def test_a_class_of_one_image_and_a_lone_class_do_not_break_it(train):
    few = train.subset(np.r_[np.flatnonzero(train.y == 0)[:30], np.flatnonzero(train.y == 1)[:1]])
    lone = train.subset(np.flatnonzero(train.y == 0)[:30])
    for data in (few, lone):
        verdicts = Gate(data).screen(data.x, data.y).samples
        assert not verdicts.accepted.any()


def test_judge_is_scored_on_images_it_did_not_see():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 30)), rng.integers(0, 2, 200)
    out_of_fold = Judge.fit(x, y, 3, seed=0).out_of_fold
    assert out_of_fold.shape == (200, 3) and out_of_fold.sum(1) == pytest.approx(1)
    assert (out_of_fold.argmax(1) == y).mean() < 0.65


def test_hashes_tell_pixels_apart():
    x = torch.zeros(3, 1, 4, 4, dtype=torch.uint8)
    x[2, 0, 0, 0] = 1
    a, b, c = pixel_hashes(x)
    assert a == b != c
