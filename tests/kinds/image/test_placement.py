"""Where images lie among the pixels that networks see, and that no setting of it moves them between parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from photographs import folder_of_photographs
from PIL import Image

from gensynth.data.split import split
from gensynth.kinds.image.arrays import from_arrays
from gensynth.kinds.image.config import DataConfig
from gensynth.kinds.image.folder import read_folder
from gensynth.kinds.image.pixels import choose_size, size_notes
from gensynth.kinds.image.placement import FITS, place
from gensynth.kinds.image.read import read

SIDES = st.tuples(st.integers(1, 300), st.integers(1, 300))


@given(SIDES, SIDES, st.sampled_from(FITS))
def test_nothing_but_stretch_enlarges_or_changes_proportions(
    own: tuple[int, int], size: tuple[int, int], fit: str
) -> None:
    at = place(own, size, fit)
    x = np.arange(at.scaled[0] * at.scaled[1]).reshape(1, *at.scaled)
    seen = at.filled(x)
    assert seen.shape == (1, *size)
    rows, columns = at.inside
    inside = seen[:, rows, columns]
    assert np.isin(seen, inside).all() and np.isin(inside, x).all()
    assert np.array_equal(at.filled(inside), seen), "what is seen of the image is enough to fill the margin again"
    if fit == "stretch":
        assert inside.shape == seen.shape
        return
    assert max(at.scale) <= 1
    ratios = [side / n for side, n in zip(size, own, strict=True)]
    scale = min(1.0, min(ratios) if fit == "pad" else max(ratios))
    assert all(abs(n - max(1, side * scale)) <= 0.5 for n, side in zip(at.scaled, own, strict=True))
    if fit == "pad":
        assert not at.crops and inside.size == x.size
    elif max(ratios) <= 1:
        assert not at.pads, "an image that is large enough fills it"


def test_what_lies_beside_an_image_is_its_mirror_image() -> None:
    x = np.array([[[1, 2], [3, 4]]])
    assert place((2, 2), (2, 6)).filled(x).tolist() == [[[2, 1, 1, 2, 2, 1], [4, 3, 3, 4, 4, 3]]]


@pytest.mark.parametrize(
    ("sizes", "chosen"),
    [
        ([(28, 28)] * 9, (28, 28)),
        ([(900, 600)] * 3, (64, 43)),
        ([(100, 100)] * 5 + [(20, 20)] * 5, (32, 32)),
        ([(50, 100)] * 19 + [(10, 10)], (50, 100)),
        ([(10, 12)] * 4 + [(200, 240)], (10, 12)),
    ],
)
def test_hardly_an_image_is_smaller_than_the_default_size(
    sizes: list[tuple[int, int]], chosen: tuple[int, int]
) -> None:
    assert choose_size(np.array(sizes), None) == chosen


def test_notes_count_what_was_done() -> None:
    sizes = np.array([(40, 40), (20, 20), (40, 20), (80, 80)])
    (pad,), (crop,), (stretch,) = (size_notes(sizes, (40, 40), fit) for fit in FITS)
    assert "of 4 images 1 scaled down, 2 padded" in pad
    assert "1 scaled down, 2 padded" in crop
    assert "1 scaled down, 2 enlarged, 1 stretched by more than 5 %" in stretch
    assert "1 cropped" in size_notes(np.array([(40, 60)]), (40, 40), "crop")[0]
    assert size_notes(sizes[:1], (40, 40), "pad") == ()


def test_no_setting_of_reading_moves_an_image_between_parts(tmp_path: Path) -> None:
    root = folder_of_photographs(tmp_path / "jpg", 15, quality=90)
    ids = [
        [part.ids for part in split(read(root, config), 0.25, 0.1, 0).by_name.values()]
        for config in (
            DataConfig(),
            DataConfig(size=8),
            DataConfig(size=(50, 40), channels=1, fit="crop"),
            DataConfig(size=33, fit="stretch", memory_gb=1e-9),
        )
    ]
    assert ids[0] == ids[1] == ids[2] == ids[3]
    x = np.random.default_rng(0).integers(0, 256, (40, 12, 12, 3), np.uint8)
    y = np.repeat(["a", "b"], 20)
    parts = [split(from_arrays(x, y, size=size, channels=c), 0.25, 0.1, 0) for size, c in ((None, None), (8, 1))]
    assert parts[0].test.ids == parts[1].test.ids


def test_copies_in_other_files_stay_together(tmp_path: Path) -> None:
    root = folder_of_photographs(tmp_path, 15, "png")
    for path in [*root.rglob("*.png")][:12]:
        with Image.open(path) as image:
            image.convert("RGBA").save(path.with_suffix(".tif"))
            image.save(path.with_name(f"{path.stem} again.png"), compress_level=1, pnginfo=None)
    parts = split(read_folder(root), 0.25, 0.1, 0)
    assert "24 images are exact copies" in " ".join(parts.train.notes)
    stems = [{Path(name).stem.removesuffix(" again") for name in part.ids} for part in parts.by_name.values()]
    assert not (stems[0] & stems[1] or stems[0] & stems[2] or stems[1] & stems[2])
