"""The check verb: any synthetic examples against real ones, with a page of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from gensynth.cli.main import main
from gensynth.fidelity.verdict import load_verdict
from gensynth.kind import kinds
from gensynth.kinds.image.features.task_network import TaskNetwork
from gensynth.kinds.table.config import TableConfig

SHIPPED = Path(__file__).parents[2] / "checkpoints" / "digits_vae.ckpt"
ORDER = np.random.default_rng(0).permutation(1797)


def write(folder: Path, label: int, count: slice, size: int = 8, name: str | None = None) -> None:
    """Write digits of one class into folder/name, or into the folder itself if the name is empty."""
    source = load_digits()
    at = ORDER[source.target[ORDER] == label][count]
    target = folder / (str(label) if name is None else name)
    target.mkdir(parents=True, exist_ok=True)
    for i in at:
        image = Image.fromarray(np.round(source.images[i] * 255 / 16).astype(np.uint8))
        image.resize((size, size)).save(target / f"{i}.png")


def check(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["check", *map(str, argv)])
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("real")
    for label, n in ((0, 60), (1, 60), (2, 25)):
        write(folder, label, slice(0, n))
    return folder


@pytest.fixture(scope="module")
def holdout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("holdout")
    for label in range(3):
        write(folder, label, slice(60, 110))
    return folder


def test_genuine_images_of_another_tool_pass_and_the_page_shows_why(capsys, tmp_path, real, holdout):
    for label in range(3):
        write(tmp_path / "made", label, slice(110, 150), size=12)
    json_file = tmp_path / "v.json"
    code, out, err = check(capsys, tmp_path / "made", "--against", real, "--holdout", holdout, "--json", json_file)
    assert code == 0 and err.startswith(f"note: {tmp_path / 'made'}: Networks and checks see all images at 8 x 8"), err
    assert "fidelity: FAIL" not in out and "of the genuine held-out images" in out and str(tmp_path / "v.html") in out
    verdict = load_verdict(json_file)
    assert verdict.samples.accepted.mean() > 0.9 and verdict.stamp["name"] and verdict.false_reject["any"] < 0.1
    page = (tmp_path / "v.html").read_text()
    for words in ("Class by class", "What was rejected, and why", "real vs real", "What does the gate cost?"):
        assert words in page
    assert "<script" not in page and "http://" not in page and "https://" not in page


def test_copies_of_real_images_fail_and_of_held_out_ones_raise_the_alarm(capsys, tmp_path, real, holdout):
    write(tmp_path / "made", 0, slice(0, 30))
    write(tmp_path / "made", 1, slice(60, 90))
    code, out, _ = check(
        capsys, tmp_path / "made", "--against", real, "--holdout", holdout, "--page", tmp_path / "page.html"
    )
    assert code == 1 and "fidelity: FAIL" in out and "ALARM: 30 samples equal a held-out image" in out
    assert "dup_exact       60" in out
    assert "Contamination." in (tmp_path / "page.html").read_text()


def test_a_holdout_that_a_generator_may_have_seen_is_refused(capsys, tmp_path, real):
    write(tmp_path / "made", 0, slice(110, 130))
    write(tmp_path / "seen", 0, slice(50, 70))
    write(tmp_path / "seen", 1, slice(70, 90))
    code, _, err = check(capsys, tmp_path / "made", "--against", real, "--holdout", tmp_path / "seen")
    assert code == 2 and "10 images are in" in err


def test_two_folders_without_sub_folders_are_one_class(capsys, tmp_path):
    write(tmp_path / "real", 3, slice(0, 80), name="")
    write(tmp_path / "made", 3, slice(80, 120), name="")
    code, out, err = check(capsys, tmp_path / "made", "--against", tmp_path / "real", "--page", tmp_path / "p.html")
    assert code == 0 and "images" in out and "fidelity: PASS" in out, err


def test_a_folder_without_classes_is_refused_where_the_other_has_some(capsys, tmp_path, real):
    write(tmp_path / "made", 0, slice(110, 130), name="")
    code, _, err = check(capsys, tmp_path / "made", "--against", real, "--page", tmp_path / "p.html")
    assert code == 2 and "make one sub-folder per class" in err
    assert not (tmp_path / "p.html").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--extractor", "piramid"], "Did you mean 'pyramid'?"),
        (["--page", "no/such/page.html"], "its folder does not exist"),
        (["--json", "no/such/v.json"], "its folder does not exist"),
        (["--privacy"], "give them with --holdout"),
        (["--extractor", "pyramid", "--weights", "w.pt"], "reads no weights"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(capsys, tmp_path, real, options, words, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "made", 0, slice(110, 130))
    code, _, err = check(capsys, tmp_path / "made", "--against", real, *options)
    assert code == 2 and words in err and "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == ["made"]


def test_privacy_finds_noisy_copies_and_says_that_finding_nothing_proves_nothing(capsys, tmp_path, real, holdout):
    rng = np.random.default_rng(0)
    for name, of, count in (("copies", 0, slice(0, 60)), ("fresh", 0, slice(110, 170))):
        write(tmp_path / name, of, count)
        for path in (tmp_path / name).rglob("*.png"):
            x = np.asarray(Image.open(path)).astype(int)
            Image.fromarray((x + rng.integers(-9, 10, x.shape)).clip(0, 255).astype(np.uint8)).save(path)
    options = ["--against", real, "--holdout", holdout, "--privacy"]
    code, out, _ = check(capsys, tmp_path / "copies", *options, "--json", tmp_path / "copies.json")
    assert code == 1 and "privacy: leakage detected" in out
    code, out, _ = check(capsys, tmp_path / "fresh", *options, "--json", tmp_path / "fresh.json")
    assert code == 0 and "privacy: no leakage detected by these attacks" in out
    assert json.loads((tmp_path / "fresh.json").read_text())["privacy"]["classes"][0]["n_non_members"] == 50
    page = (tmp_path / "fresh.html").read_text()
    assert "find nothing proves nothing about others" in page and "private" not in page.lower().replace("privacy", "")


def test_another_extractor_is_named_in_the_stamp(capsys, tmp_path, real, holdout, monkeypatch):
    monkeypatch.setattr(TaskNetwork, "fit", partial(TaskNetwork.fit, steps=60))
    write(tmp_path / "made", 0, slice(110, 150))
    options = ["--against", real, "--holdout", holdout, "--json", tmp_path / "v.json"]
    check(capsys, tmp_path / "made", *options)
    first = load_verdict(tmp_path / "v.json").stamp
    code, out, err = check(capsys, tmp_path / "made", *options, "--extractor", "task")
    assert code == 0, out + err
    second = load_verdict(tmp_path / "v.json").stamp
    assert first["name"] != second["name"] and first["train"] == second["train"]


def test_all_but_a_held_out_image_raises_the_alarm(capsys, tmp_path, real, holdout):
    write(tmp_path / "made", 0, slice(60, 90))
    for path in (tmp_path / "made").rglob("*.png"):
        x = np.asarray(Image.open(path)).copy()
        x[3, 3] ^= 3
        Image.fromarray(x).save(path)
    code, out, _ = check(
        capsys, tmp_path / "made", "--against", real, "--holdout", holdout, "--page", tmp_path / "p.html"
    )
    assert code == 1 and "ALARM: 30 samples" in out and "fidelity: FAIL" in out


def test_a_class_of_twenty_is_answered_and_its_doubtful_images_are_shown(capsys, tmp_path, real, holdout):
    small = tmp_path / "real"
    for label, n in ((0, 60), (1, 60), (2, 20)):
        write(small, label, slice(0, n))
    write(tmp_path / "made", 2, slice(110, 170))
    code, out, err = check(
        capsys, tmp_path / "made", "--against", small, "--holdout", holdout, "--page", tmp_path / "p.html"
    )
    assert code == 0 and "With 20 real images only a shift of all features by" in out, out + err
    assert "should be looked at" in out and "Worth a look" in (tmp_path / "p.html").read_text()


def test_equal_real_images_do_not_break_it(capsys, tmp_path, real, holdout):
    for at in range(30):
        write(tmp_path / "same", 0, slice(0, 1), name=f"0/{at}")
    write(tmp_path / "same", 1, slice(0, 60))
    write(tmp_path / "made", 0, slice(110, 140))
    json_file = tmp_path / "v.json"
    options = ["--against", tmp_path / "same", "--holdout", tmp_path / "fresh", "--json", json_file]
    for label in (0, 1):
        write(tmp_path / "fresh", label, slice(60, 110))
    for name in ("made", "fresh"):
        (tmp_path / name / "0" / "x.heic").write_bytes(b"x")
    code, _, err = check(capsys, tmp_path / "made", *options)
    assert code in (0, 1) and json.loads(json_file.read_text())["status"], err
    for name, n in (("made", 31), ("fresh", 51)):
        assert f"note: {tmp_path / name}: Not read: 1 of {n} files of '0' (1 .heic)" in err


def test_verdict_and_page_are_two_files(capsys, tmp_path, real):
    write(tmp_path / "made", 0, slice(110, 140))
    both = ["--json", tmp_path / "x.html", "--page", tmp_path / "x.html"]
    code, _, err = check(capsys, tmp_path / "made", "--against", real, *both)
    assert code == 2 and "give two files" in err


def write_rows(path: Path, n: int, seed: int) -> pd.DataFrame:
    """Write rows of two classes that numbers and levels tell apart, the level 'seldom' in few of them."""
    rng, y = np.random.default_rng(seed), np.arange(n) % 2
    numbers = {name: rng.normal(y, 1).round(3) for name in "abcd"}
    level = np.where(rng.random(n) < 0.02, "seldom", np.where(rng.random(n) < 0.5, "left", "right"))
    frame = pd.DataFrame({**numbers, "level": level, "label": np.array(["no", "yes"])[y]})
    frame.to_csv(path, index=False)
    return frame


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    write_rows(tmp_path / "real.csv", 120, 0)
    write_rows(tmp_path / "holdout.csv", 120, 1)
    write_rows(tmp_path / "fresh.csv", 80, 2)
    return tmp_path


def test_rows_of_another_tool_have_a_page_of_their_own(capsys: pytest.CaptureFixture[str], tables: Path) -> None:
    options = ["--against", tables / "real.csv", "--target", "label", "--json", tables / "v.json"]
    code, out, err = check(capsys, tables / "fresh.csv", *options, "--holdout", tables / "holdout.csv", "--privacy")
    assert code == 0 and "of the genuine held-out rows" in out and f"page: {tables / 'v.html'}" in out, out + err
    assert "privacy: no leakage detected by these attacks" in out
    assert load_verdict(tables / "v.json").privacy["classes"][0]["n_non_members"] == 60
    page = (tables / "v.html").read_text()
    assert all(f'id="{of}"' in page for of in ("fidelity", "rejected", "nearest", "look", "privacy", "schema"))
    assert "Members are the real training rows" in page and " images" not in page and 'id="shortcut"' not in page


def test_copies_of_real_rows_fail_and_attacks_find_them(capsys: pytest.CaptureFixture[str], tables: Path) -> None:
    copies = pd.read_csv(tables / "real.csv")
    copies[["a", "b", "c", "d"]] += np.random.default_rng(0).normal(0, 0.05, (120, 4))
    copies.to_csv(tables / "copies.csv", index=False)
    options = ["--against", tables / "real.csv", "--target", "label", "--page", tables / "p.html"]
    code, out, _ = check(capsys, tables / "copies.csv", *options, "--holdout", tables / "holdout.csv", "--privacy")
    assert code == 1 and "privacy: leakage detected" in out and "fidelity: FAIL" in out
    code, _, err = check(capsys, tables / "copies.csv", *options, "--privacy")
    assert code == 2 and "real rows that no generator saw" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--holdout", "holdout.csv", "--test", "0.5"], "--test would change nothing here"),
        (["--extractor", "task"], "is for images"),
    ],
)
def test_options_that_mean_nothing_for_rows_are_refused(
    capsys: pytest.CaptureFixture[str], tables: Path, options: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tables)
    code, _, err = check(capsys, "fresh.csv", "--against", "real.csv", "--target", "label", *options)
    assert code == 2 and words in err


def test_attacks_see_members_and_others_alike(tables: Path) -> None:
    """A level that only others have would tell them from members where it was learned from members alone."""
    frame = pd.read_csv(tables / "holdout.csv").assign(level="never seen")
    frame.to_csv(tables / "holdout.csv", index=False)
    kind, config = kinds()["table"], TableConfig(target="label")
    parts = kind.against(str(tables / "real.csv"), str(tables / "holdout.csv"), config)
    x, ids = parts.train.x.join([parts.validation.x]), tuple(map(str, range(240)))
    everyone = replace(parts.train, x=x, y=np.tile(parts.train.y, 2), ids=ids)
    assert kind.blind_space(everyone).see(x).points.shape[1] == 4 + 4  # a coordinate for each number, and each level
