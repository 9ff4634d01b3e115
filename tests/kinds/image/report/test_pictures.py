"""What the page shows of images: their own pixels, in any shape, and not too many of them."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import torch
from pages import Strict, part, report
from PIL import Image

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.report.pictures import sheet
from gensynth.report.contents import Contents
from gensynth.report.page import render


def noise(classes: int, shape: tuple[int, int, int], n: int, seed: int, treated: int | None = None) -> LabeledData:
    y = np.repeat(np.arange(classes if treated is None else treated), n)
    x = torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (len(y), *shape), dtype=np.uint8))
    names = tuple(f"class {i}" for i in range(classes))
    return LabeledData(Pixels(x), y, names, tuple(f"{seed}-{i}.png" for i in range(len(y))))


def contents_of(classes: int, shape: tuple[int, int, int], n: int, treated: int) -> Contents:
    parts = Parts(*(noise(classes, shape, n, seed) for seed in range(3)))
    return report(parts, noise(classes, shape, 10, 9, treated))


def pixels(image: dict[str, str]) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (1, 6, 20), (3, 200, 100), (1, 1, 1)])
def test_images_of_any_shape(shape: tuple[int, int, int]) -> None:
    page = Strict(render(contents_of(2, shape, 4, treated=1)))
    assert all(image["alt"] for image in page.images)
    for image in page.images:
        picture = pixels(image)
        assert int(image["width"]) * picture.height == int(image["height"]) * picture.width


def test_a_sheet_holds_the_pixels_it_was_given() -> None:
    x = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 3, 5, 7), dtype=np.uint8))
    found = Strict(sheet(x, 2, "three")).images
    array = np.asarray(pixels(found[0]))
    gap = array.shape[1] - 14
    assert array.shape == (10 + gap, 14 + gap, 4)
    assert (array[5 + gap :, :7, :3] == x[2].permute(1, 2, 0).numpy()).all()
    assert (array[5 + gap :, 7 + gap :, 3] == 0).all()


def test_of_a_hundred_classes_the_treated_come_first_and_the_rest_are_folded() -> None:
    contents = contents_of(100, (1, 4, 4), 2, treated=30)
    assert len(contents.front) == 20 and set(contents.front) <= set(contents.drawn)
    page = render(contents)
    assert "The other 80 classes" in page and "18 more classes" in page
    assert all(f">{name}<" in page for name in contents.real)
    assert part(page, "rejected").count("<img") == 4 * 12
