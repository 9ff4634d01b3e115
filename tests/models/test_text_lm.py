"""The transformer for documents: what a piece may see, and what a class begins with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gensynth.generator.config import TrainConfig, TrainingDiverged
from gensynth.generator.registry import get_generator
from gensynth.kinds.text.generator import TextGenerator
from gensynth.kinds.text.train_documents import LOOKS, Packed, train_documents

QUICK = TrainConfig(steps=30, batch_size=16, precision="32-true", accelerator="cpu")
DOCUMENTS = [np.array([1 + i % 3, 4, 5 + i % 2] * (1 + i % 4), dtype=np.int32) for i in range(60)]
Y = np.arange(60) // 3 % 2


def model(**settings: Any) -> TextGenerator:
    cls = get_generator("text_lm", "text")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made: TextGenerator = cls(cls.Config(**{"width": 16, "context": 8, **settings}), 8, 2)
    return made.eval()


def step_by_step(of: TextGenerator, pieces: list[int], label: int) -> Tensor:
    """Return the logits behind each piece as they are when documents are drawn, shape (pieces, 8)."""
    past, found = None, []
    for piece in pieces:
        logits, past = of._next(torch.tensor([piece]), torch.tensor([label]), past)
        found.append(logits[0])
    return torch.stack(found).detach()


def at_once(of: TextGenerator, pieces: list[int], label: int) -> Tensor:
    seen, row = torch.ones(1, 1, len(pieces), len(pieces), dtype=torch.bool).tril(), torch.tensor([pieces])
    return of._logits(row, torch.full_like(row, label), seen, None)[0][0].detach()


class TestLogits:
    def test_are_drawn_from_as_they_were_learned(self) -> None:
        of, pieces = model(), [0, 1, 4, 5, 2, 4, 6]
        torch.testing.assert_close(step_by_step(of, pieces, 1), at_once(of, pieces, 1))

    def test_look_back_so_far_and_no_further(self) -> None:
        of, pieces = model(depth=1), [0, *[1, 4, 5, 2, 4, 6] * 3]
        torch.testing.assert_close(step_by_step(of, pieces, 0)[-1], at_once(of, pieces[-8:], 0)[-1])

    @torch.no_grad()
    def test_know_nothing_of_what_comes_nor_of_other_documents(self) -> None:
        of, config = model(), QUICK
        pool = Packed(DOCUMENTS, Y, of.context)
        together = pool.batch(np.array([3, 4, 8]), config.seed, 0.0)
        apart = [pool.batch(np.array([i]), config.seed, 0.0) for i in (3, 4, 8)]
        sizes = [part.pieces.numel() for part in apart]
        assert max(sizes) <= 8, "none is cut, which would be done at random"
        mean = sum(float(of._loss(part)) * n for part, n in zip(apart, sizes, strict=True)) / sum(sizes)
        straight = {name: getattr(together, name).flatten()[None, : sum(sizes)] for name in together._fields[:4]}
        assert float(of._loss(together._replace(**straight))) == pytest.approx(mean, rel=1e-5)

    def test_of_all_classes_begin_the_same(self) -> None:
        of = model()
        assert torch.equal(at_once(of, [0, 1, 2], 0), at_once(of, [0, 1, 2], 1))


class TestTraining:
    def test_keeps_the_best_look_and_leaves_the_random_state_alone(self) -> None:
        of, before = model(), torch.get_rng_state()
        curves = train_documents(of, DOCUMENTS, Y, QUICK, "test")
        assert torch.equal(torch.get_rng_state(), before) and not of.training
        assert curves["step"][-1] == 30 and len(curves["val/loss"]) == len(curves["train/loss"]) == 30
        assert min(curves["val/loss"]) < curves["val/loss"][0] / 1.2
        again = model()
        train_documents(again, DOCUMENTS, Y, QUICK, "test")
        assert all(torch.equal(w, again.state_dict()[name]) for name, w in of.state_dict().items())
        assert not torch.equal(at_once(of, [0, 1, 2], 0), at_once(of, [0, 1, 2], 1))

    def test_stops_when_the_held_out_documents_say_so(self) -> None:
        rng = np.random.default_rng(0)
        noise = [rng.integers(1, 8, 6).astype(np.int32) for _ in range(60)]
        config = TrainConfig(steps=600, batch_size=16, precision="32-true", accelerator="cpu")
        curves = train_documents(model(lr=0.05, dropout=0.0), noise, Y, config, "test")
        assert len(curves["val/loss"]) - 1 - int(np.argmin(curves["val/loss"])) == LOOKS.patience
        assert curves["step"][-1] < 600

    def test_divergence_is_an_error(self) -> None:
        with pytest.raises(TrainingDiverged, match="test stopped at step .*Lower the model's lr"):
            train_documents(model(lr=1e30), DOCUMENTS, Y, QUICK, "test")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"width": 20}, "width a multiple of 2 x heads, got 20, 2, 4 and 8"),
        ({"depth": 0}, "must be positive"),
        ({"dropout": 1.0}, r"dropout in \[0, 1\), got 0.003, 0.1 and 1.0"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        model(**settings)
