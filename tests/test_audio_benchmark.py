"""The benchmark of audio: no speaker is on both sides, and what samplers were tuned on is not claimed on."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from gensynth.data.labeled import LabeledData
from gensynth.kinds.audio.clips import Clips, Form, clip_of

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
SPEAKERS = "ann", "bob", "cyd"


@pytest.fixture
def audio(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("audio")


@pytest.fixture
def takes() -> LabeledData:
    ids = [(digit, speaker, take) for digit in range(10) for speaker in SPEAKERS for take in range(40)]
    clip = clip_of(np.zeros((1, 10), dtype=np.float32), Form(8000))
    return LabeledData(
        Clips((clip,) * len(ids)),
        np.array([digit for digit, _, _ in ids]),
        tuple("0123456789"),
        tuple(f"{digit}/{speaker}_{take}.wav" for digit, speaker, take in ids),
        groups=tuple(speaker for _, speaker, _ in ids),
    )


def test_a_speaker_is_on_one_side(audio: ModuleType, takes: LabeledData) -> None:
    tested = set()
    for draw in (0, 1, 2, 100):
        train, test, rare = audio.split(takes, 10, draw)
        assert not set(train.groups) & set(test.groups)
        assert len(set(test.groups)) == 1
        assert [n for _, n in train.class_counts.items()] == [10 if label in rare else 60 for label in range(10)]
        assert len(test) == 400
        tested |= set(test.groups) if draw < 3 else set()
    assert tested == set(SPEAKERS)


def test_digits_that_samplers_were_tuned_on_are_not_claimed_on(audio: ModuleType, takes: LabeledData) -> None:
    assert audio.split(takes, 20, 100)[2] == [0, 1, 2]
    claimed = [audio.split(takes, 20, draw)[2] for draw in audio.DRAWS]
    assert all(len(set(rare)) == 3 and min(rare) > 2 for rare in claimed)
    assert len({tuple(rare) for rare in claimed}) > 3


def test_what_is_compared_is_told_with_an_interval(audio: ModuleType) -> None:
    arms = {"real": 0.3, "oversampled": 0.5}
    arms |= {f"{way} + {name}": arms[way] for way in tuple(arms) for name in audio.SAMPLERS}
    gains = {"oversampled + deformation": (0.04, 0.06, 0.08), "oversampled + recipes": (0.01, 0.0, -0.01)}
    kept = [
        {
            f"small: {arm}": {"balanced_accuracy": value + gains.get(arm, (0, 0, 0))[draw], "rare_recall": 0.25}
            for arm, value in arms.items()
        }
        for draw in range(3)
    ]
    rows = {row[1]: row for row in audio.answer(10, "small", kept)}
    assert rows["small: oversampled"][3] == "the bar"
    half = 4.302653 * 0.02 / 3**0.5  # t of 2 degrees of freedom
    told = f"+6.0 ({100 * (0.06 - half):+.1f} to {100 * (0.06 + half):+.1f})"
    assert rows["small: oversampled + deformation"][2:] == ["56.0", told, "0.11", "25.0", "3"]
    assert rows["small: oversampled + recipes"][3].startswith("+0.0 (")
    assert rows["small: oversampled + deformation over recipes"][3].startswith("+6.0 (")
    assert rows["small: real + recipes"][3] == ""


def test_only_what_was_declared_is_written(audio: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- audio:begin -->\n<!-- audio:end -->\n")
    given = ["--data", "x", "--out", str(tmp_path), "--draws", "100-104", "--write", str(page)]
    monkeypatch.setattr("sys.argv", ["audio.py", *given])
    with pytest.raises(ValueError, match="only draws 0-9 are written"):
        audio.main()
