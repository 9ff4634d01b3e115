"""What is odd about a data set is said before anything is made from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gensynth.data.labeled import LabeledData
from gensynth.kinds.image.arrays import from_arrays
from gensynth.kinds.image.explore import explore
from gensynth.kinds.image.files import write_png
from gensynth.kinds.image.folder import read_folder
from gensynth.kinds.image.images import Pixels


def noise(*counts: int, seed: int = 0) -> LabeledData:
    y = np.repeat(np.arange(len(counts)), counts)
    x = np.random.default_rng(seed).integers(0, 256, (len(y), 8, 8), np.uint8)
    return from_arrays(x, y, [f"c{i}" for i in range(len(counts))])


def advice(data: LabeledData) -> str:
    return " ".join(explore(data).advice)


def test_counts_and_advice_for_a_rare_class() -> None:
    found = explore(noise(60, 45, 12))
    assert found.class_counts == {"c0": 60, "c1": 45, "c2": 12} and found.imbalance == 5.0
    assert found.sizes == {"8 x 8": 117} and found.shape == (1, 8, 8)
    text = " ".join(found.advice)
    assert "Rare classes" in text and "'c2' (12)" in text and "'c1'" not in text
    assert "lacks 63 images, 48 of them of 'c2'" in text
    assert "refused below 20" in text and "conditional VAE" in text
    assert "No fidelity verdict" not in text
    assert "alone tells" not in text and not found.copies and not found.blank


@pytest.mark.parametrize(("n", "gan", "verdict"), [(20, True, True), (19, False, True), (9, False, False)])
def test_thresholds(n: int, gan: bool, verdict: bool) -> None:
    text = advice(noise(60, n))
    assert ("every generator" in text) == gan and ("refused" in text) != gan
    assert ("No fidelity verdict" in text) != verdict


def test_balanced_classes_are_said_to_be_so() -> None:
    assert "same number" in advice(noise(30, 30))


def test_brightness_and_size_that_give_the_label_away() -> None:
    data = noise(40, 40)
    x = data.x[:].clone()
    x[:40] //= 4
    dark = explore(replace(data, x=Pixels(x)))
    assert dark.cues["brightness"] > 0.95 and dark.chance == 0.5
    assert "The brightness alone" in " ".join(dark.advice)
    assert dark.brightness["c0"] < 0.2 < dark.brightness["c1"]
    natives = tuple(replace(native, own=(20, 30)) if at < 40 else native for at, native in enumerate(data.x.natives))
    found = explore(replace(data, x=replace(data.x, natives=natives)))
    assert found.cues["size"] == 1.0 and "size" not in explore(data).cues
    assert found.sizes == {"20 x 30": 40, "8 x 8": 40}


def test_copies_conflicts_and_blank_images() -> None:
    data = noise(20, 20)
    x = data.x[:].clone()
    x[1], x[21], x[5] = x[0], x[20], 7
    x[39] = x[19]
    found = explore(replace(data, x=Pixels(x)))
    assert found.copies == (("0", "1"), ("20", "21"))
    assert found.conflicts == (("19", "39"),)
    assert found.blank == ("5",)
    text = " ".join(found.advice)
    assert "different labels, such as 19, 39" in text and "2 images are exact copies" in text


def test_too_few_images_compare_nothing() -> None:
    found = explore(noise(3, 3))
    assert found.cues == {} and found.chance == 0.0
    with pytest.raises(ValueError, match="'c1' have no images"):
        explore(noise(3, 3).subset([0, 1, 2]))


def test_text_holds_every_class_note_and_advice() -> None:
    found = explore(replace(noise(30, 12), notes=("Something was done.",)))
    text = found.as_text()
    for part in (*found.class_counts, *found.notes, *found.advice, "imbalance 2.5 : 1"):
        assert part in text


def test_columns_that_could_be_groups_are_named(tmp_path: Path) -> None:
    data = noise(12, 12, 12)
    names = [f"c{label}/{at}.png" for at, label in enumerate(data.y)]
    for name, x in zip(names, data.x[:].numpy(), strict=True):
        write_png(tmp_path / name, x)
    columns = {
        "file_name": [f"./{name}" for name in names],
        "patient": np.arange(36) // 3,
        "number": np.arange(36),  # one image each
        "diagnosis": [f"is {label}" for label in data.y],
        "eye": np.arange(36) % 2,  # too few to be split
        "blank": [""] + ["x", "y", "z", "z", "z"] * 7,
    }
    (tmp_path / "metadata.csv").write_text("no table")
    assert explore(read_folder(tmp_path)).possible_groups == {}
    pd.DataFrame(columns).to_csv(tmp_path / "metadata.csv", index=False)
    found = explore(read_folder(tmp_path))
    assert found.possible_groups == {"patient": 12}
    assert any("--group patient" in sentence for sentence in found.advice)
    grouped = replace(read_folder(tmp_path), groups=tuple(map(str, columns["patient"])))
    assert explore(grouped).possible_groups == {}
