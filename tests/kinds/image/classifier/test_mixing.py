"""mixup and CutMix in closed form: pixels come from two images, labels by share."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gensynth.kinds.image.classifier.mixing import BLENDED, PASTED, Mixing, cutmix, mixup


def test_mixup_blends_pixels_and_labels_alike() -> None:
    x = torch.tensor([0.0, 100.0])[:, None, None, None].expand(2, 1, 3, 4)
    mixed, own = mixup(x, torch.tensor([[0.75], [0.4]]))
    torch.testing.assert_close(mixed[:, 0, 0, 0], torch.tensor([25.0, 40.0]))
    torch.testing.assert_close(own, torch.tensor([0.75, 0.4]))


def test_a_box_has_the_area_that_is_drawn_and_labels_are_shared_by_pixels() -> None:
    x = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].expand(2, 3, 8, 12)
    # A quarter of the area in the middle; the whole area around a corner, of which the image holds a quarter.
    pasted, own = cutmix(x, torch.tensor([[0.25, 0.5, 0.5], [1.0, 0.0, 1.0]]))
    wanted = torch.zeros(8, 12, dtype=torch.uint8)
    wanted[2:6, 3:9] = 255
    assert torch.equal(pasted[0], wanted.expand(3, -1, -1))
    wanted = torch.full((8, 12), 255, dtype=torch.uint8)
    wanted[4:, :6] = 0
    assert torch.equal(pasted[1], wanted.expand(3, -1, -1))
    assert own.tolist() == [0.75, 0.75]


def test_a_box_is_the_same_at_any_size() -> None:
    drawn = torch.from_numpy(PASTED.draw(np.random.default_rng(0), (50,))).float()
    marks = torch.arange(50.0)[:, None, None, None]
    small, large = (cutmix(marks.expand(50, 1, *size), drawn) for size in ((40, 60), (400, 600)))
    assert (small[1] - large[1]).abs().max() < 0.06  # two pixels of 40 and of 60
    assert (small[0] != large[0][:, :, 5::10, 5::10]).float().mean() < 0.02


@pytest.mark.parametrize("mixing", [BLENDED, PASTED], ids=["mixup", "cutmix"])
def test_each_network_mixes_its_own_batch_with_the_image_before(mixing: Mixing) -> None:
    drawn = torch.from_numpy(mixing.draw(np.random.default_rng(0), (2, 5))).float()
    x = torch.rand(2, 5, 1, 6, 7, generator=torch.Generator().manual_seed(0))
    both, own = mixing.mix(x, drawn)
    assert both.shape == x.shape and own.shape == (2, 5) and 0 <= own.min() and own.max() <= 1
    alone, alone_own = mixing.mix(x[1], drawn[1])
    assert torch.equal(both[1], alone) and torch.equal(own[1], alone_own)
    lower, upper = torch.minimum(x, x.roll(1, 1)), torch.maximum(x, x.roll(1, 1))
    assert ((both >= lower - 1e-6) & (both <= upper + 1e-6)).all()
