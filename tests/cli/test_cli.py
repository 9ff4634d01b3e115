"""The command line as a user meets it: what each verb does and prints, exit codes."""

from __future__ import annotations

import builtins
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import DIGITS, QUICK, SHIPPED, picture, refused, run
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from gensynth.cli.arguments import function_of, parser_of
from gensynth.cli.main import main
from gensynth.evaluate.leak import measure_leak
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.verdict import Verdict
from gensynth.kinds.image.classifier.config import EvaluateConfig
from gensynth.kinds.image.files import FolderFiles
from gensynth.kinds.image.read import Parts
from gensynth.kinds.image.samplers.neural import NeuralSampler
from gensynth.kinds.image.samplers.recipe_safety import recipe_safety
from gensynth.sampler.synthetic import Synthetic


@pytest.fixture(autouse=True)
def quick_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the leak with fewer steps."""
    quick = partial(measure_leak, config=EvaluateConfig(seeds=5, steps=60))
    for module in ("gensynth.evaluate.leak", "gensynth.report.check", "gensynth.rebalance.rebalance"):
        monkeypatch.setattr(f"{module}.measure_leak", quick)


def test_help_and_unknown_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--help")[0] == 0
    assert "Did you mean 'rebalance'?" in refused(capsys, "rebalanse")


def test_waiting_threads_sleep_unless_the_user_says_otherwise(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert run(capsys, "explore", folder)[0] == 0 and os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    # OpenMP reads it when torch is loaded.
    code = f"""
import importlib.abc, os, sys
from gensynth.cli.main import main
class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *rest):
        if name == "torch":
            print(os.environ.get("OMP_WAIT_POLICY"))
sys.meta_path.insert(0, Watch())
main(["explore", {str(folder)!r}])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("PASSIVE")


def test_explore_prints_counts(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    code, out, _ = run(capsys, "explore", folder)
    assert code == 0 and "fine" in out and "-odd näme" in out
    code, out, _ = run(capsys, "explore", folder, "--json")
    assert json.loads(out)["class_counts"] == {"-odd näme": 6, "fine": 12}


def test_explore_measures_recipes(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = partial(recipe_safety, recipes=("hflip", "noise"))
    monkeypatch.setattr("gensynth.kinds.image.samplers.recipe_safety.recipe_safety", few)
    code, out, _ = run(capsys, "explore", folder, "--recipes")
    # Too few validation images: those of the training part are asked.
    assert code == 0 and "12 x 12" in out and "hflip" in out and "Share of 12 held-out" in out
    code, out, _ = run(capsys, "explore", folder, "--recipes", "--json")
    assert {row["recipe"] for row in json.loads(out)["recipes"]["by_class"]} == {"hflip", "noise"}
    (folder / "fine").rename(folder.parent / "elsewhere")
    assert "single class" in refused(capsys, "explore", folder, "--recipes")


def test_explore_says_why_recipes_cannot_be_measured(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in [*(folder / "-odd näme" / "nested").iterdir()][2:]:
        path.unlink()  # one image is left to learn from
    code, out, _ = run(capsys, "explore", folder, "--recipes")
    assert code == 0 and "12 x 12" in out and "recipes cannot be measured" in out
    assert "--sampler generator" in out
    code, out, _ = run(capsys, "explore", folder, "--recipes", "--json")
    assert code == 0 and json.loads(out)["recipes"] is None and json.loads(out)["class_counts"]["fine"] == 12


def test_sample_writes_numbered_images(capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path) -> None:
    code, _, err = run(capsys, "sample", checkpoint, "--label", "8", "--n", 40, "--seed", 7, "--out", tmp_path / "a")
    assert code == 0, err
    assert len(list((tmp_path / "a" / "8").glob("*.png"))) == 40
    run(
        capsys,
        "sample",
        checkpoint,
        "--label=8",
        "--n",
        5,
        "--start",
        33,
        "--seed",
        7,
        "--out",
        tmp_path / "b",
    )
    for path in (tmp_path / "b" / "8").glob("*.png"):
        assert path.read_bytes() == (tmp_path / "a" / "8" / path.name).read_bytes()
    assert (tmp_path / "a" / "metadata.csv").read_text().count("\n") == 41


def test_sample_draws_other_classes_into_the_same_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path, parts: Parts
) -> None:
    options = ["sample", checkpoint, "--label", "8", "--n", 5, "--start", 30, "--seed", 7]
    assert run(capsys, *options, "--out", tmp_path / "a")[0] == 0
    code, _, err = run(capsys, *options, "--others", 3, "--out", tmp_path / "b")
    assert code == 0, err
    drawn, _ = FolderFiles().read(tmp_path / "b", parts.train)
    assert np.bincount(drawn.y).tolist() == [3] * 8 + [5, 3] and drawn.y[0] == 8
    for path in (tmp_path / "a" / "8").glob("*.png"):
        assert path.read_bytes() == (tmp_path / "b" / "8" / path.name).read_bytes()
    run(capsys, "sample", checkpoint, "--label", "3", "--n", 3, "--start", 30, "--seed", 7, "--out", tmp_path / "c")
    for path in (tmp_path / "c" / "3").glob("*.png"):
        assert path.read_bytes() == (tmp_path / "b" / "3" / path.name).read_bytes()
    assert "must not be negative" in refused(capsys, *options, "--others=-1", "--out", tmp_path / "d")
    run(capsys, "train", "vae", "--data", *DIGITS, "--label", "8", "--out", tmp_path / "alone", *QUICK)
    options[1] = tmp_path / "alone" / "8.ckpt"
    assert "draws '8' only" in refused(capsys, *options, "--others", 3, "--out", tmp_path / "d")
    assert not (tmp_path / "d").exists()


@pytest.fixture(scope="module")
def with_others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 eights and 20 of every other digit, from the checkpoint that ships."""
    out = tmp_path_factory.mktemp("drawn") / "samples"
    with pytest.raises(SystemExit) as stop:
        main(["sample", str(SHIPPED), "--label", "8", "--n", "40", "--others", "20", "--out", str(out)])
    assert stop.value.code == 0
    return out


def test_check_measures_the_shortcut_or_says_how(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, with_others: Path
) -> None:
    _, out, _ = run(capsys, "check", with_others, "--against", *DIGITS, "--page", tmp_path / "c.html")
    assert "shortcut: " in out and "changed images of other classes for '8' or '9'" in out and "made from" in out
    run(capsys, "sample", SHIPPED, "--label", "8", "--n", 40, "--out", tmp_path / "eights")
    _, out, _ = run(capsys, "check", tmp_path / "eights", "--against", *DIGITS, "--page", tmp_path / "c.html")
    assert "--others 100" in out and "A classifier takes" not in out


def test_check_warns_of_a_shortcut(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label in range(9):
        rows = np.flatnonzero(parts.train.y == label)[:20]
        for at, x in enumerate(255 - parts.train.x[torch.from_numpy(rows)]):
            path = tmp_path / "inverted" / str(label) / f"{at}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(x[0].numpy()).save(path)

    def all_pass(self: FidelityChecker, synthetic: Synthetic) -> Verdict:
        verdict = judge(self, synthetic)
        return replace(verdict, samples=replace(verdict.samples, accepted=np.ones(len(synthetic), dtype=bool)))

    judge = FidelityChecker.check
    monkeypatch.setattr(FidelityChecker, "check", all_pass)
    _, out, _ = run(capsys, "check", tmp_path / "inverted", "--against", *DIGITS, "--page", tmp_path / "c.html")
    assert "shortcut: LEAKS" in out and "WARNING" in out and "--spread all" in out and "held-out" in out


def test_mix_gives_every_class_a_share_where_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, with_others: Path
) -> None:
    options = ["mix", with_others, "--real", *DIGITS]
    counts = {}
    for spread in ("rare", "all"):
        code, _, err = run(capsys, *options, "--spread", spread, "--to", "50", "--out", tmp_path / spread)
        assert code == 0, err
        table = (tmp_path / spread / "train" / "metadata.csv").read_text().splitlines()[1:]
        counts[spread] = Counter(row.split("/")[0] for row in table if ",1,vae," in row)
    assert set(counts["rare"]) == {"8", "9"} and set(counts["all"]) == set("0123456789")
    assert all(n == counts["rare"].get(name, n) <= 30 for name, n in counts["all"].items())
    run(capsys, "sample", SHIPPED, "--label", "8", "--n", 40, "--out", tmp_path / "eights")
    code, _, err = run(capsys, *options, "--out", tmp_path / "default")
    assert code == 0, err
    table = (tmp_path / "default" / "train" / "metadata.csv").read_text().splitlines()[1:]
    # Up to the largest class, and as far as the samples go: five times the real images would be fewer.
    assert sum(",1,vae," in row for row in table) > counts["rare"].total()
    options[1] = tmp_path / "eights"
    for to in ("5x", "200"):
        assert "--others" in refused(capsys, *options, "--spread", "all", "--to", to, "--out", tmp_path / "x")
    assert "spread" in refused(capsys, *options, "--spread", "every", "--out", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_odd_class_names_go_all_the_way(capsys: pytest.CaptureFixture[str], tmp_path: Path, folder: Path) -> None:
    out = tmp_path / "ck"
    code, _, err = run(capsys, "train", "vae", "--data", folder, "--out", out, "--label=-odd näme", *QUICK)
    assert code == 0, err
    made = tmp_path / "made"
    code, _, err = run(capsys, "sample", out / "-odd näme.ckpt", "--label=-odd näme", "--n", 3, "--out", made)
    assert code == 0, err
    assert len(list((made / "-odd näme").glob("*.png"))) == 3


def test_check_says_no_with_exit_code_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for at in range(12):
        picture(tmp_path / "bad" / "8" / f"{at}.png", at, (8, 8))
    code, out, _ = run(capsys, "check", tmp_path / "bad", "--against", *DIGITS, "--json", tmp_path / "v.json")
    assert code == 1 and "FAIL" in out
    assert json.loads((tmp_path / "v.json").read_text())["status"] == "FAIL"


def test_fine_tunes_a_shared_checkpoint(capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path) -> None:
    options = ["--data", *DIGITS, "--label", "8", "--init", checkpoint, "--out", tmp_path]
    code, _, err = run(capsys, "train", "vae", *options, *QUICK)
    assert code == 0, err
    assert (
        "was not trained"
        in refused(capsys, "sample", tmp_path / "8.ckpt", "--label", "9", "--n", 2, "--out", tmp_path / "x")
        or not (tmp_path / "x").exists()
    )


def test_the_checkpoint_that_ships_draws_recognisable_digits(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, parts: Parts
) -> None:
    """A nearest-neighbour classifier on real test digits, which the checkpoint never saw, reads them right."""
    judge = KNeighborsClassifier(1).fit(parts.test.x[:].flatten(1).numpy(), parts.test.y)
    for label in ("3", "8"):
        code, _, err = run(capsys, "sample", SHIPPED, "--label", label, "--n", 60, "--out", tmp_path / label)
        assert code == 0, err
        drawn, _ = FolderFiles().read(tmp_path / label, parts.test)
        assert (judge.predict(drawn.x[:].flatten(1).numpy()) == int(label)).mean() > 0.9


def npz(path: Path, classes: list[str], counts: list[int]) -> Path:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(len(classes)), counts)
    np.savez(path, x=rng.integers(0, 255, (len(y), 8, 8)).astype(np.uint8), y=y, classes=np.array(classes))
    return path


def test_a_class_may_be_called_like_a_part_or_like_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = npz(tmp_path / "d.npz", ["a:b", "null", "train"], [60, 40, 20])
    code, out, err = run(
        capsys, "rebalance", data, "--out", tmp_path / "run", *QUICK, "--evaluate.steps", 10, "--evaluate.seeds", 2
    )
    assert code in (0, 1) and "report:" in out, err  # noise may well be rejected, but the run goes to its end
    moved, folder = data.rename(tmp_path / "moved.npz"), (tmp_path / "run").rename(tmp_path / "moved")
    page = (folder / "report.html").read_bytes()
    assert "were moved, say with --data where they are" in refused(capsys, "report", folder)
    code, out, err = run(capsys, "report", folder, "--data", moved)
    assert code == 0 and (folder / "report.html").read_bytes() == page, err
    data = moved
    for label, stem in (("null", "null"), ("a:b", "a%3Ab")):
        out = tmp_path / stem
        code, _, err = run(capsys, "train", "vae", "--data", data, "--label", label, "--out", out, *QUICK)
        assert code == 0 and [p.name for p in out.iterdir()] == [f"{stem}.ckpt"], err
    code, _, err = run(capsys, "sample", out, "--label", "a:b", "--n", 2, "--out", tmp_path / "made", "--device", "cpu")
    assert code == 0 and "note: class 'a:b' lies in 'a%3Ab', for Windows would refuse" in err


def test_flags_and_dashes_are_taken_as_people_write_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = npz(tmp_path / "d.npz", ["-x", "b"], [60, 25])
    options = ["--num-nodes", 1, "--size", "8,12", *QUICK]
    code, _, err = run(capsys, "train", "vae", "--data", data, "--out", tmp_path / "a", "--label", "-x", *options)
    assert code == 0, err
    code, _, err = run(capsys, "train", "vae", "--data", data, "--out", tmp_path / "b", "--per-class", *options)
    assert code == 0 and sorted(p.name for p in (tmp_path / "b").iterdir()) == ["-x.ckpt", "b.ckpt"], err
    message = refused(capsys, "train", "dcgan", "--data", data, "--out", tmp_path / "c", "--per-class", *options)
    assert "at least 20" in message and not (tmp_path / "c").exists()


def test_keep_may_be_said_twice(tmp_path: Path) -> None:
    argv = ["builtin:digits", "--out", str(tmp_path), "--keep", "8=20", "--keep", "9=12"]
    parser, _ = parser_of(function_of("rebalance", argv), "rebalance", argv)
    assert parser.parse_args(argv)["keep"] == {"8": 20, "9": 12}


def test_the_model_of_fewer_classes_wins_in_a_folder(tmp_path: Path, checkpoint: Path) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    (folder / "shared.ckpt").write_bytes(checkpoint.read_bytes())
    with pytest.raises(SystemExit):
        main(
            ["train", "vae", "--data", *DIGITS, "--label", "8", "--init", str(checkpoint), "--out", str(folder), *QUICK]
        )
    alone = NeuralSampler(folder / "8.ckpt").sample("8", 4, 0)
    assert torch.equal(NeuralSampler(folder).sample("8", 4, 0).x[:], alone.x[:])
    (folder / "again.ckpt").write_bytes((folder / "8.ckpt").read_bytes())
    with pytest.raises(ValueError, match="two checkpoints draw '8'"):
        NeuralSampler(folder).sample("8", 4, 0)


def test_a_run_that_changes_every_class_counts_the_filled_ones_as_rare(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = ["--to", "30", "--evaluate.steps", 10, "--evaluate.seeds", 2, "--spread", "all", "--model.width", 8]
    options += ["--steps", 120, "--batch_size", 32, "--quiet", "--accelerator", "cpu", "--generator", "vae"]
    code, text, err = run(capsys, "rebalance", *DIGITS, "--out", out, *options)
    assert code in (0, 1) and "changed ones were spread over all classes, and now: " in text, err
    assert json.loads((out / "evaluation.json").read_text())["rare"] == ["8"]
    table = (out / "dataset" / "train" / "metadata.csv").read_text().splitlines()
    assert len({row.split("/")[0] for row in table if ",1,vae," in row}) > 5
    assert 'id="shortcut"' in (out / "report.html").read_text()
    message = refused(capsys, "rebalance", *DIGITS, "--out", tmp_path / "x", *options, "--per_class")
    assert "per_class" in message and not (tmp_path / "x").exists()


def test_an_interruption_while_packages_are_imported_ends_like_any_other(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = builtins.__import__

    def interrupted(name: str, *rest: Any) -> Any:
        if name == "gensynth.cli" and "arguments" in rest[2]:
            raise KeyboardInterrupt
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    assert run(capsys, "explore", "builtin:digits") == (
        130,
        "",
        "gensynth: interrupted; the same command continues where it stopped.\n",
    )


def test_sigterm_ends_the_work_and_removes_what_is_half_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkpoint: Path
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def stopped(*_: Any) -> None:
        assert [path.name for path in tmp_path.glob(".*.partial")] != []
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("gensynth.mix.folder_files.write_manifest", stopped)
    code, _, err = run(capsys, "sample", checkpoint, "--label", "8", "--n", 2, "--out", tmp_path / "made")
    assert code == 130 and "interrupted" in err and list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before
