"""run: a run is continued by the same settings and data, wherever they lie, and a difference is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gensynth.cli.runs import report
from gensynth.data.settings import differences
from gensynth.kind import Kind, kinds
from gensynth.rebalance.run import Run

SETTINGS: dict[str, Any] = {
    "source": "/a/photos",
    "model": {"z_dim": 8},
    "data": {"size": None, "test_data": None, "download": True},
    "train": {"steps": 20},
    "fingerprint": "ab" * 32,
}


def test_differences_name_both_values() -> None:
    other = SETTINGS | {"model": {"z_dim": 5}, "train": {"steps": 40}, "fingerprint": "cd" * 32}
    assert differences(SETTINGS, other) == "model.z_dim: 8 there, 5 here, steps: 20 there, 40 here, other data"
    assert differences({"a": (1, 2), "b": None}, {"a": [1, 2]}) == ""
    assert differences({}, {str(i): i for i in range(7)}).endswith("4: None there, 4 here and 2 more")


def test_a_run_whose_data_were_moved_goes_on(tmp_path: Path) -> None:
    Run.open(tmp_path / "run", SETTINGS)
    moved = SETTINGS | {"source": "/b", "data": SETTINGS["data"] | {"test_data": "/c", "download": False}}
    (tmp_path / "run" / "made.json").touch()
    Run.open(tmp_path / "run", moved)
    assert Run.read(tmp_path / "run")["settings"] == moved, "the next report finds them"
    with pytest.raises(ValueError, match=r"other settings \(other data\); choose another --out"):
        Run.open(tmp_path / "run", moved | {"fingerprint": "cd" * 32})
    with pytest.raises(ValueError, match=r"\(steps: 20 there, 40 here\)"):
        Run.open(tmp_path / "run", moved | {"train": {"steps": 40}})


def test_a_run_whose_first_step_is_refused_leaves_nothing(tmp_path: Path) -> None:
    def refuse() -> None:
        raise ValueError("no.")

    with pytest.raises(ValueError, match="no"):
        Run.open(tmp_path, SETTINGS).step("fit", refuse)
    assert not [*tmp_path.iterdir()]
    Run.open(tmp_path, SETTINGS)  # and then killed
    run = Run.open(tmp_path, SETTINGS | {"train": {"steps": 40}})
    (tmp_path / "made.json").touch()
    with pytest.raises(ValueError, match="no"):
        run.step("draw", refuse)
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "made.json"}
    (tmp_path / "made.json").unlink()
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ValueError):  # somebody else's file of that name
        Run.open(tmp_path, SETTINGS)


def test_hidden_files_are_no_content(tmp_path: Path) -> None:
    (tmp_path / ".run.json.lock").touch()
    Run.open(tmp_path, SETTINGS)
    (tmp_path / "run.json").rename(tmp_path / "precious")
    with pytest.raises(ValueError, match="is not a gensynth run"):
        Run.open(tmp_path, SETTINGS)


@pytest.mark.parametrize("asked", [False, True])
def test_a_report_downloads_only_what_this_command_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    whole = {"kind": "image", "generator": "vae", "source": "torchvision:CIFAR10"}
    whole |= {"rebalance": {}, "choose": {}, "evaluate": {}}
    record = {"settings": SETTINGS | whole, "command": "", "versions": "", "seconds": {}}
    (tmp_path / "run.json").write_text(json.dumps(record))

    def read_parts(kind: Kind, source: str, config: Any) -> None:
        assert (source, config.download) == ("/here", asked)
        raise FileNotFoundError("not there.")

    monkeypatch.setattr(type(kinds()["image"]), "parts", read_parts)
    with pytest.raises(FileNotFoundError, match=r"not there\. If the data of .* were moved, say with --data"):
        report(kinds()["image"], tmp_path, data="/here", download=asked)
