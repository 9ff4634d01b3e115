"""What a trunk sees: images and samples as their files show them, not the small ones that checks see, enlarged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from samples_of_photographs import again, sampler_of
from torch import Tensor

from gensynth.kinds.image.finer import Finer
from gensynth.kinds.image.folder import read_folder
from gensynth.kinds.image.images import Pixels

LARGE = (96, 96)


def seen(x: object, n: int) -> Tensor:
    return Finer(x, LARGE)[torch.arange(n)]  # type: ignore[arg-type]


def enlarged(x: Tensor) -> Tensor:
    return F.interpolate(x.float(), size=LARGE, mode="bicubic", antialias=True, align_corners=False).clamp(0, 255)


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
@pytest.mark.parametrize("name", ["deformation", "hflip+brightness"])
def test_a_change_is_seen_as_in_the_file_that_is_written(
    photographs: Path, tmp_path: Path, name: str, fit: str
) -> None:
    data = read_folder(photographs, size=(32, 32), fit=fit)
    samples = sampler_of(name, data, tmp_path).sample("china", 8, 0)
    written = again(samples, data, tmp_path / "out")
    x = seen(samples.x, 8)
    assert x.dtype == torch.uint8 and x.shape == (8, 3, *LARGE)
    difference = float((x.float() - seen(written.x, 8).float()).abs().mean())
    assert difference < 3, "levels of 255: what is left is compression and interpolation"
    assert difference < 0.4 * float((enlarged(samples.x[:]) - seen(written.x, 8).float()).abs().mean())


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
def test_real_images_lie_where_checks_see_them(photographs: Path, fit: str) -> None:
    data = read_folder(photographs, size=(40, 32), fit=fit)
    x = Finer(data.x, (80, 64))[torch.arange(len(data))]
    small = F.interpolate(x.float(), size=(40, 32), mode="bicubic", antialias=True, align_corners=False)
    off, elsewhere = ((small - data.x[:].roll(shift, 2).float()).abs().mean() for shift in (0, 2))
    assert off < 0.5 * elsewhere, "corners are whole pixels, so that it may be half a pixel off"


def test_images_are_found_in_any_order_and_as_often_as_asked(photographs: Path) -> None:
    data = read_folder(photographs, size=(32, 32))
    finer, at = Finer(data.x, LARGE), torch.tensor([3, 0, 3, 1])
    every = finer[torch.arange(4)]
    assert torch.equal(finer[at], every[at])
    assert finer[torch.arange(0)].shape[0] == 0
    assert torch.equal(Finer(data.x, None)[at], data.x[at])


def test_without_a_file_an_image_is_enlarged(photographs: Path, tmp_path: Path) -> None:
    shutil.copytree(photographs, tmp_path / "moved")
    data = read_folder(tmp_path / "moved", size=(32, 32))
    shutil.rmtree(tmp_path / "moved")
    n = len(data)
    for x in (data.x, Pixels(data.x[:])):
        assert float((seen(x, n).float() - enlarged(data.x[:])).abs().max()) <= 0.5
