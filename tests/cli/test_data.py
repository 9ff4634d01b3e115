"""Settings of the data count in every verb that takes them, or are refused; what the reader changed is said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from command_line import DIGITS, QUICK, refused, run
from PIL import Image

from gensynth.generator.checkpoint import load_checkpoint


def test_explore_shows_what_a_training_would_see(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    code, out, _ = run(capsys, "explore", folder, "--json", "--keep", "fine=3", "--keep", "-odd näme=2")
    found = json.loads(out)
    assert code == 0 and found["class_counts"] == {"-odd näme": 2, "fine": 3}
    assert "training would see" in found["notes"][0] and "--keep was given" in found["notes"][0]
    _, out, _ = run(capsys, "explore", folder, "--json", "--test", 0.5)
    assert json.loads(out)["class_counts"]["fine"] < 8 and "--test was given" in out
    assert "'finne' is not one of" in refused(capsys, "explore", folder, "--keep", "finne=3")


def test_a_list_of_domains_that_is_no_text_is_told(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "metadata.csv").write_bytes(b"file_name,light\nfine/0.png,\xff\n")
    assert "metadata.csv is no CSV file in UTF-8" in refused(capsys, "explore", folder, "--domain", "light")


def test_explore_counts_domains(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*g"))
    rows = [f"{name},{'day' if at % 3 else 'night'}" for at, name in enumerate(names)]
    (folder / "metadata.csv").write_text("\n".join(["file_name,light", *rows]))
    _, out, _ = run(capsys, "explore", folder, "--domain", "light")
    assert "note: Domains: 'day' (12), 'night' (6)." in out


def test_settings_that_would_change_nothing_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for verb in (
        ["check", "x", "--against", *DIGITS],
        ["mix", "x", "--real", *DIGITS, "--out", tmp_path / "m"],
        ["evaluate", "x", "--real", *DIGITS],
        ["rebalance", *DIGITS, "--out", tmp_path / "r"],
        ["train", "vae", "--data", *DIGITS, "--out", tmp_path / "t"],
    ):
        message = refused(capsys, *verb, "--domain", "scanner")
        assert "--domain would change nothing here" in message and "--source_domain" in message
    message = refused(capsys, "check", "x", "--against", *DIGITS, "--holdout", "y", "--group", "patient", "--test", 0.5)
    assert "--keep, --test, --group would change nothing here: with --holdout" in message
    assert not any(tmp_path.iterdir())


def test_a_training_says_what_was_read_and_keeps_what_is_white(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """12-bit pictures behind a link to a store, some of them of a kind that is not read."""
    rng = np.random.default_rng(0)
    for name, n in (("common", 12), ("rare", 6)):
        (tmp_path / "store" / name).mkdir(parents=True)
        for i in range(n):
            Image.fromarray(rng.integers(0, 4096, (8, 8), dtype=np.uint16)).save(tmp_path / "store" / name / f"{i}.png")
    (tmp_path / "store" / "rare" / "6.heic").write_bytes(b"x")
    (tmp_path / "data").mkdir()
    for name in ("common", "rare"):
        os.symlink(tmp_path / "store" / name, tmp_path / "data" / name)
    options = ["train", "vae", "--data", tmp_path / "data", "--out", tmp_path / "ck", *QUICK]
    assert "--follow_links" in refused(capsys, *options)
    code, _, err = run(capsys, *options, "--follow-links")
    assert code == 0 and "note: Not read: 1 of 7 files of 'rare' (1 .heic)" in err and "4095 to 255" in err, err
    assert load_checkpoint(tmp_path / "ck" / "vae.ckpt").provenance["white"] == 4095
