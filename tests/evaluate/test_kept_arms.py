"""Arms without synthetic images are trained once for all samplers that are tested on the same data."""

from __future__ import annotations

import io
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import SHIPPED, refused, run
from torch import nn
from two_kinds import CASES, drawn, shapes

from gensynth.evaluate.evaluate import evaluate, evaluate_splits
from gensynth.evaluate.outcome import Probabilities
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.classifier.networks import Networks
from gensynth.sampler.synthetic import Synthetic

CONFIG = EvaluateConfig(seeds=2, steps=10, batch_size=8, arms=("real", "augmented", "real + synthetic"))


def made(seed: int) -> Synthetic:
    return drawn(shapes((0, 9), seed))


TRAIN, TEST = shapes((20, 5), 0), shapes((12, 12), 1)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gensynth.evaluate.compare.DRAWS", 200)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arms that are trained; they are said to answer at random."""
    found: list[str] = []

    def counted(self, way, train, added, test, on_step):
        found.append(way if added is None else f"{way} + synthetic")
        on_step(self.steps)
        rng = np.random.default_rng([zlib.crc32(way.encode()), 0 if added is None else int(added.x[:].sum())])
        p = rng.dirichlet(np.ones(len(test.classes)), (len(self.training.seeds), len(test))).astype(np.float32)
        return Probabilities(test.y, p, len(train), self.positive)

    monkeypatch.setattr(Networks, "try_way", counted)
    return found


def test_other_synthetic_images_train_their_arms_only(
    tmp_path: Path, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(TRAIN, made(2), TEST, CONFIG, quiet=True, kept=tmp_path / "arms")
    assert sorted(trained) == sorted(CONFIG.arms) and len(list((tmp_path / "arms").iterdir())) == 2
    trained.clear()
    done: list[float] = []
    monkeypatch.setattr("gensynth.evaluate.evaluate.tqdm.update", lambda bar, n: done.append(n))
    evaluate(TRAIN, made(3), TEST, CONFIG, quiet=True, kept=tmp_path / "arms")
    assert trained == ["real + synthetic"]
    assert sum(done) == 3 * 10, "what is kept counts as done"


@pytest.mark.parametrize("kind", list(CASES))
def test_what_is_kept_gives_the_same_evaluation(kind: str, tmp_path: Path) -> None:
    make, config = CASES[kind].make, CASES[kind].config
    train, test, first, second = (make(counts, i) for i, counts in enumerate(((30, 8), (20, 12), (9, 30), (9, 20))))
    evaluate(train, drawn(first, "b"), test, config, quiet=True, kept=tmp_path)
    assert len(list(tmp_path.iterdir())) == len(CASES[kind].baselines)
    found = [evaluate(train, drawn(second, "b"), test, config, quiet=True, kept=kept) for kept in (tmp_path, None)]
    assert found[0] == found[1]


def test_other_data_and_settings_have_arms_of_their_own(tmp_path: Path, trained: list[str]) -> None:
    evaluate(TRAIN, made(2), TEST, CONFIG, quiet=True, kept=tmp_path)
    for n, (train, test, config) in enumerate(
        (
            (shapes((20, 5), 4), TEST, CONFIG),
            (TRAIN, shapes((12, 12), 5), CONFIG),
            (TRAIN, TEST, replace(CONFIG, seed=1)),
            (TRAIN, TEST, replace(CONFIG, seeds=3)),
            (TRAIN, TEST, replace(CONFIG, steps=11)),
            (TRAIN, TEST, replace(CONFIG, batch_size=9)),
        )
    ):
        trained.clear()
        evaluate(train, made(2), test, config, quiet=True, kept=tmp_path)
        assert sorted(trained) == sorted(CONFIG.arms) and len(list(tmp_path.iterdir())) == 2 * (n + 2)
    trained.clear()
    evaluate(TRAIN, made(2), TEST, replace(CONFIG, rope=0.1), quiet=True, kept=tmp_path)
    assert trained == ["real + synthetic"], "what is only compared otherwise is not trained again"


def test_a_damaged_or_foreign_file_is_made_again(tmp_path: Path, trained: list[str]) -> None:
    expected = evaluate(TRAIN, made(2), TEST, CONFIG, quiet=True, kept=tmp_path)
    paths = sorted(tmp_path.iterdir())
    whole = [path.read_bytes() for path in paths]

    def archive(p: np.ndarray) -> bytes:
        file, arrays = io.BytesIO(), Probabilities(TEST.y, p, 25, 1).arrays()
        np.savez(file, **arrays)
        return file.getvalue()

    n = len(TEST)
    for content in (
        b"",
        whole[0][:-100],
        b"not an archive",
        archive(np.full((2, n, 2), 1)),
        archive(np.full((2, n - 1, 2), 0.5, dtype=np.float32)),
        archive(np.full((2, n, 2), np.nan, dtype=np.float32)),
        archive(np.full((2, n, 2), "a")),
    ):
        trained.clear()
        for path in paths:
            path.write_bytes(content)
        assert evaluate(TRAIN, made(2), TEST, CONFIG, quiet=True, kept=tmp_path) == expected
        assert [path.read_bytes() for path in paths] == whole and sorted(trained) == sorted(CONFIG.arms)


def test_arms_of_a_classifier_of_the_users_are_not_kept(tmp_path: Path) -> None:
    def network(channels: int, n_classes: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(72, n_classes))

    evaluate(TRAIN, made(2), TEST, CONFIG, quiet=True, classifier=network, kept=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_splits_with_the_same_real_images_share_their_arms(tmp_path: Path, trained: list[str]) -> None:
    splits = [(TRAIN, made(2), TEST), (TRAIN, made(3), TEST)]
    first = evaluate_splits(splits, CONFIG, quiet=True, kept=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    trained.clear()
    assert evaluate_splits(splits, CONFIG, quiet=True, kept=tmp_path) == first
    assert trained == ["real + synthetic"] * 2


def test_a_killed_evaluation_keeps_the_arms_that_are_done(
    tmp_path: Path, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = Networks.try_way

    def stopped(self, way, train_part, added, test, on_step):
        if added is not None:
            raise KeyboardInterrupt
        return train(self, way, train_part, added, test, on_step)

    with monkeypatch.context() as patch:
        patch.setattr(Networks, "try_way", stopped)
        with pytest.raises(KeyboardInterrupt):
            evaluate(TRAIN, made(2), TEST, CONFIG, quiet=True, kept=tmp_path)
    trained.clear()
    evaluate(TRAIN, made(2), TEST, CONFIG, quiet=True, kept=tmp_path)
    assert trained == ["real + synthetic"]


def test_arms_are_kept_where_the_command_line_says(
    tmp_path: Path, few_eights: Path, trained: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "made"
    draw = ["--label", "8", "--n", 20, "--out", made, "--device", "cpu"]
    assert run(capsys, "sample", SHIPPED, *draw)[0] == 0
    (made / "metadata.csv").unlink()  # which images are whose parents depends on the split of other data
    test = ["evaluate", made, "--real", few_eights, "--evaluate.arms", "real,real + synthetic", "--keep-arms"]
    assert "--keep_arms" in refused(capsys, *test, made / "arms")
    for expected in (["real", "real + synthetic"], ["real + synthetic"]):
        trained.clear()
        code, out, err = run(capsys, *test, tmp_path / "arms")
        assert "did it help" in out and trained == expected, err
    assert [path.suffix for path in (tmp_path / "arms").iterdir()] == [".npz"]
