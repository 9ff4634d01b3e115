"""What files alone give away is found, and nothing is found where they give nothing away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photographs import photograph
from PIL import Image

from gensynth.kinds.image.file_cues import file_cues, file_notes
from gensynth.mix.manifest import UNKNOWN, write_manifest

Form = Callable[[Image.Image], tuple[Image.Image, str, dict[str, Any]]]


def mixed(folder: Path, synthetic: Form, n: int = 30) -> Path:
    """N real photographs, and as many that were made from them."""
    rows = []
    for at in range(2 * n):
        picture = photograph(at % n, 80 + at % 7, 90 + at % 5)
        picture, suffix, options = (picture, "jpg", {}) if at < n else synthetic(picture)
        path = folder / "flower" / f"{at}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, **options)
        of = {"label": "flower", "synthetic": int(at >= n), "parents": f'["{at % n}.jpg"]', "index": at}
        rows.append(UNKNOWN | of | {"file_name": f"flower/{at}.{suffix}"})
    write_manifest(folder / "metadata.csv", rows)
    return folder


def blurred(picture: Image.Image) -> Image.Image:
    return picture.resize((45, 40)).resize(picture.size)


def flipped(picture: Image.Image) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(np.asarray(picture)[:, ::-1]))


@pytest.mark.parametrize(
    ("form", "cue"),
    [
        (lambda picture: (picture.resize((32, 32)), "jpg", {}), {"width", "height", "bytes per pixel"}),
        (lambda picture: (picture, "png", {}), {"format", "bytes per pixel", "compression"}),
        (lambda picture: (picture, "jpg", {"quality": 95}), {"compression", "bytes per pixel"}),
        (lambda picture: (picture.convert("L"), "jpg", {}), {"colour mode", "compression"}),
        (lambda picture: (blurred(picture), "jpg", {}), {"fine detail", "bytes per pixel"}),
    ],
)
def test_what_gives_them_away_is_named(tmp_path: Path, form: Form, cue: set[str]) -> None:
    (found,) = file_cues(mixed(tmp_path, form))
    assert found.clear and found.accuracy > 0.7 and found.cue in cue
    (note,) = file_notes(tmp_path)
    assert f"most of all by {found.cue}" in note and "'flower'" in note


def test_files_of_one_form_are_not_told_apart(tmp_path: Path) -> None:
    (found,) = file_cues(mixed(tmp_path, lambda picture: (flipped(picture), "jpg", {})))
    assert found.n == 60 and not found.clear and file_notes(tmp_path) == []


def test_few_images_are_not_asked_about(tmp_path: Path) -> None:
    assert file_cues(mixed(tmp_path, lambda picture: (picture, "png", {}), n=19)) == []
