"""The command line as a user meets it: exit codes, one clear sentence for bad input, nothing half-written."""

from __future__ import annotations

import json
import struct
import zlib
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from gensynth import commands
from gensynth.arguments import parser_of
from gensynth.cli import main
from gensynth.data.read import Parts
from gensynth.evaluate import EvaluateConfig
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.verdict import Verdict
from gensynth.leak import measure_leak
from gensynth.mix import read_synthetic
from gensynth.recipe_safety import recipe_safety
from gensynth.samplers.base import Synthetic
from gensynth.samplers.neural import NeuralSampler

QUICK = ["--steps", "4", "--batch_size", "8", "--quiet", "--accelerator", "cpu"]
DIGITS = ["builtin:digits", "--keep", "8=20,9=40"]
SHIPPED = Path(__file__).parent.parent / "checkpoints" / "digits_vae.ckpt"


def run(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in argv])
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def refused(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    """Run, expect exit code 2 and one sentence on standard error; return it."""
    code, _, err = run(capsys, *argv)
    lines = [line for line in err.splitlines() if line.startswith("gensynth: ")]
    assert code == 2 and len(lines) == 1 and "Traceback" not in err, err
    return lines[0]


@pytest.fixture(autouse=True)
def quick_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the leak with fewer steps."""
    quick = partial(measure_leak, config=EvaluateConfig(seeds=5, steps=60))
    for module in ("gensynth.leak", "gensynth.check", "gensynth.rebalance"):
        monkeypatch.setattr(f"{module}.measure_leak", quick)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    with pytest.raises(SystemExit) as stop:
        main(["train", "vae", "--data", *DIGITS, "--out", str(out), *QUICK])
    assert stop.value.code == 0
    return out / "vae.ckpt"


def picture(path: Path, shade: int, size: tuple[int, int] = (12, 12)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(shade).integers(0, 60, (*size, 3)) + shade
    Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of colour images, 12 'fine' and 6 '-odd näme', 12 x 12."""
    for at in range(12):
        picture(tmp_path / "data" / "fine" / f"{at}.png", 20 + at)
    for at in range(6):
        picture(tmp_path / "data" / "-odd näme" / "nested" / f"{at}.jpg", 150 + at)
    return tmp_path / "data"


def test_help_and_unknown_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--help")[0] == 0
    assert "Did you mean 'rebalance'?" in refused(capsys, "rebalanse")


def test_explore_prints_counts(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    code, out, _ = run(capsys, "explore", folder)
    assert code == 0 and "fine" in out and "-odd näme" in out
    code, out, _ = run(capsys, "explore", folder, "--json")
    assert json.loads(out)["class_counts"] == {"-odd näme": 6, "fine": 12}


def test_explore_measures_recipes(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = partial(recipe_safety, recipes=("hflip", "noise"))
    monkeypatch.setattr("gensynth.data.explore.recipe_safety", few)
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
    capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path
) -> None:
    options = ["sample", checkpoint, "--label", "8", "--n", 5, "--start", 30, "--seed", 7]
    assert run(capsys, *options, "--out", tmp_path / "a")[0] == 0
    code, _, err = run(capsys, *options, "--others", 3, "--out", tmp_path / "b")
    assert code == 0, err
    drawn, _ = read_synthetic(tmp_path / "b", tuple("0123456789"), (1, 8, 8))
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
    assert "shortcut: " in out and "treated images of other classes for '8' or '9'" in out and "made from" in out
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


def test_per_class_gan_below_twenty_images_names_what_works(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    message = refused(
        capsys,
        "train",
        "dcgan",
        "--data",
        "builtin:digits",
        "--keep",
        "8=19",
        "--label",
        "8",
        "--out",
        tmp_path,
        *QUICK,
    )
    assert "19 images (at least 20)" in message and "--init" in message and "vae" in message
    assert not list(tmp_path.iterdir())


BAD_SETTINGS = [
    (["--model.zdim", "3"], "Did you mean 'model.z_dim'?"),
    (["--model.z_dim", "x"], "z_dim"),
    (["--stepz", "3"], "Did you mean 'steps'?"),
    (["--steps", "0"], "steps must be at least 1"),
    (["--size", "7"], "size must be 8 to 256"),
    (["--keep", "8=many"], "keep"),
    (["--keep", "8=9999"], "8"),
    (["--keep", "eight=3"], "eight"),
    (["--precision", "nonsense"], "precision"),
    (["--generator", "vea"], "Did you mean 'vae'?"),
    (["--to", "lots"], "'5x'"),
    (["--sampler", "smoot"], "allowed: smote, recipes, generator, auto"),
    (["--sampler", "auto", "--budget", "soon"], "90s, 20m, 2h"),
    (["--sampler", "auto", "--budget", "0m"], "above 0"),
    (["--budget", "20m"], "settings of the sampler auto"),
    (["--sampler", "smote", "--force"], "settings of the sampler auto"),
    (["--sampler", "auto", "--source", "zzz"], "leave out source"),
    (["--sampler", "smote", "--per-class"], "leave them out"),
    (["--sampler", "recipes", "--draw", "borrow"], "leave them out"),
    (["--sampler", "auto", "--dp.epsilon", "8"], "--sampler generator"),
    (["--sampler", "auto", "--devices", "2"], "--sampler generator"),
]


@pytest.mark.parametrize(("options", "says"), BAD_SETTINGS, ids=lambda v: str(v)[:30])
def test_bad_settings(capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str], says: str) -> None:
    message = refused(capsys, "rebalance", *DIGITS, "--out", tmp_path / "run", *QUICK, *options)
    assert says in message


def test_bad_recipe(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("generator: vae\nmodel:\n  widht: 3\n")
    message = refused(capsys, "rebalance", "builtin:digits", "--config", recipe, "--out", tmp_path / "run")
    assert "widht" in message and "width" in message


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def spoil(kind: str, folder: Path) -> str:
    """Make a folder of images bad in one way; return a word that the message must hold."""
    if kind == "missing":
        return str(folder / "nowhere")
    if kind == "empty":
        for path in sorted(folder.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
    elif kind == "one class":
        (folder / "fine").rename(folder.parent / "elsewhere")
    elif kind == "class of one":
        for path in list((folder / "fine").iterdir())[1:]:
            path.unlink()
    elif kind == "truncated jpeg":
        path = folder / "-odd näme" / "nested" / "3.jpg"
        path.write_bytes(path.read_bytes()[:200])
        return "3.jpg"
    elif kind == "text called png":
        (folder / "fine" / "notes.png").write_text("not an image")
        return "notes.png"
    elif kind == "bomb":
        (folder / "fine" / "bomb.png").write_bytes(png_header(60_000, 60_000))
        return "bomb.png"
    return "data"


BAD_FOLDERS = ["missing", "empty", "one class", "class of one", "truncated jpeg", "text called png", "bomb"]


@pytest.mark.parametrize("kind", BAD_FOLDERS)
def test_bad_folders(capsys: pytest.CaptureFixture[str], tmp_path: Path, folder: Path, kind: str) -> None:
    word = spoil(kind, folder)
    source = folder / "nowhere" if kind == "missing" else folder
    message = refused(capsys, "rebalance", source, "--out", tmp_path / "run", *QUICK)
    assert word in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["..", "a/b", "", "nul\0", "."])
def test_bad_class_names_of_an_npz(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 255, (40, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(40) % 2, classes=np.array(["fine", name]))
    refused(capsys, "rebalance", tmp_path / "d.npz", "--out", tmp_path / "run", *QUICK)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.npz"]


def test_foreign_output_folder_is_left_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert "is not a gensynth run" in refused(capsys, "rebalance", *DIGITS, "--out", tmp_path, *QUICK)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_bad_checkpoints(capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path) -> None:
    def sample(path: Path) -> str:
        message = refused(capsys, "sample", path, "--label", "8", "--n", 2, "--out", tmp_path / "x")
        assert not (tmp_path / "x").exists()
        return message

    assert "no checkpoint at" in sample(tmp_path / "none.ckpt")
    (tmp_path / "text.ckpt").write_text("hello")
    assert "is not a gensynth checkpoint" in sample(tmp_path / "text.ckpt")
    (tmp_path / "cut.ckpt").write_bytes(checkpoint.read_bytes()[:1000])
    assert "is not a gensynth checkpoint" in sample(tmp_path / "cut.ckpt")
    contents = torch.load(checkpoint, weights_only=True)
    torch.save(contents | {"format": "gensynth-0"}, tmp_path / "old.ckpt")
    assert "'gensynth-0'; this version reads 'gensynth-1'" in sample(tmp_path / "old.ckpt")
    torch.save(contents | {"generator": "../evil"}, tmp_path / "evil.ckpt")
    assert "unknown generator" in sample(tmp_path / "evil.ckpt")
    torch.save(contents | {"config": {"z_dim": 3, "os": "system"}}, tmp_path / "keys.ckpt")
    assert "unknown settings ['os']" in sample(tmp_path / "keys.ckpt")
    torch.save({"format": "gensynth-1", "generator": Path}, tmp_path / "code.ckpt")  # needs code to be read
    assert "is not a gensynth checkpoint" in sample(tmp_path / "code.ckpt")
    assert "'nine' is not one of the classes" in refused(
        capsys, "sample", checkpoint, "--label", "nine", "--n", 2, "--out", tmp_path / "x"
    )


def test_diverging_training_names_the_network_and_keeps_the_last_good_state(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ["--model.lr", "1e30", "--steps", "9", "--save_every", "1", "--quiet", "--batch_size", "8"]
    message = refused(capsys, "train", "vae", "--data", *DIGITS, "--out", tmp_path, *options)
    assert "training stopped at step" in message and "--model.lr" in message
    assert not (tmp_path / "vae.ckpt").exists()
    assert "decoder" in message or "encoder" in message or "recon" in message


def test_another_setting_does_not_continue_a_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ["--data", *DIGITS, "--out", tmp_path, *QUICK]
    assert run(capsys, "train", "vae", *options)[0] == 0
    assert run(capsys, "train", "vae", *options)[0] == 0  # finished: nothing to do
    assert "other data or settings" in refused(capsys, "train", "vae", *options, "--model.z_dim", "5")


def test_the_checkpoint_that_ships_draws_recognisable_digits(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, parts: Parts
) -> None:
    """A nearest-neighbour classifier on real test digits, which the checkpoint never saw, reads them right."""
    judge = KNeighborsClassifier(1).fit(parts.test.x.flatten(1).numpy(), parts.test.y)
    for label in ("3", "8"):
        code, _, err = run(capsys, "sample", SHIPPED, "--label", label, "--n", 60, "--out", tmp_path / label)
        assert code == 0, err
        drawn, _ = read_synthetic(tmp_path / label, parts.test.classes, parts.test.shape)
        assert (judge.predict(drawn.x.flatten(1).numpy()) == int(label)).mean() > 0.9


def npz(path: Path, classes: list[str], counts: list[int]) -> Path:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(len(classes)), counts)
    np.savez(path, x=rng.integers(0, 255, (len(y), 8, 8)).astype(np.uint8), y=y, classes=np.array(classes))
    return path


def test_a_class_may_be_called_like_a_part_or_like_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = npz(tmp_path / "d.npz", ["bus", "null", "train"], [60, 40, 20])
    code, out, err = run(
        capsys, "rebalance", data, "--out", tmp_path / "run", *QUICK, "--evaluate.steps", 10, "--evaluate.seeds", 2
    )
    assert code in (0, 1) and "report:" in out, err  # noise may well be rejected, but the run goes to its end
    assert (tmp_path / "run" / "report.html").exists()
    code, _, err = run(capsys, "train", "vae", "--data", data, "--label", "null", "--out", tmp_path / "ck", *QUICK)
    assert code == 0 and [p.name for p in (tmp_path / "ck").iterdir()] == ["null.ckpt"], err


def test_flags_and_dashes_are_taken_as_people_write_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = npz(tmp_path / "d.npz", ["-x", "b"], [60, 25])
    options = ["--num-nodes", 1, "--size", "8,12", *QUICK]
    code, _, err = run(capsys, "train", "vae", "--data", data, "--out", tmp_path / "a", "--label", "-x", *options)
    assert code == 0, err
    code, _, err = run(capsys, "train", "vae", "--data", data, "--out", tmp_path / "b", "--per-class", *options)
    assert code == 0 and sorted(p.name for p in (tmp_path / "b").iterdir()) == ["-x.ckpt", "b.ckpt"], err
    message = refused(capsys, "train", "dcgan", "--data", data, "--out", tmp_path / "c", "--per-class", *options)
    assert "at least 20" in message and not (tmp_path / "c").exists()


def test_generator_of_recipe_and_command_line_must_agree(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recipe = Path(__file__).parent.parent / "configs" / "dcgan.yaml"
    options = ["--data", "builtin:digits", "--out", tmp_path / "x"]
    assert "'dcgan'" in refused(capsys, "train", "vae", *options, "--config", recipe)
    assert "unknown setting" in refused(capsys, "rebalance", *DIGITS, "--out", tmp_path / "x", "--gen", "dcgan")


def test_keep_may_be_said_twice(tmp_path: Path) -> None:
    argv = ["builtin:digits", "--out", str(tmp_path), "--keep", "8=20", "--keep", "9=12"]
    parser, _ = parser_of(commands.rebalance, "rebalance", argv)
    assert parser.parse_args(argv)["keep"] == {"8": 20, "9": 12}


def test_a_bad_draw_is_refused_before_training(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    message = refused(
        capsys, "rebalance", *DIGITS, "--out", tmp_path / "run", "--draw", "nonsense", "--generator", "vae", *QUICK
    )
    assert "allowed: borrow, smote, gaussian, prior" in message and not (tmp_path / "run").exists()


def test_parents_in_the_test_part_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Samples of a checkpoint that was trained on another split were made from what is now the test part."""
    run(capsys, "sample", SHIPPED, "--label", "8", "--n", 40, "--out", tmp_path / "s")
    for verb in (["evaluate"], ["mix", "--out", str(tmp_path / "m")]):
        message = refused(capsys, verb[0], tmp_path / "s", "--real", "builtin:digits", "--split_seed", 1, *verb[1:])
        assert "are validation or test examples" in message


def test_the_model_of_fewer_classes_wins_in_a_folder(tmp_path: Path, checkpoint: Path) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    (folder / "shared.ckpt").write_bytes(checkpoint.read_bytes())
    with pytest.raises(SystemExit):
        main(
            ["train", "vae", "--data", *DIGITS, "--label", "8", "--init", str(checkpoint), "--out", str(folder), *QUICK]
        )
    alone = NeuralSampler(folder / "8.ckpt").sample("8", 4, 0)
    assert torch.equal(NeuralSampler(folder).sample("8", 4, 0).x, alone.x)
    (folder / "again.ckpt").write_bytes((folder / "8.ckpt").read_bytes())
    with pytest.raises(ValueError, match="two checkpoints in .* draw '8'"):
        NeuralSampler(folder).sample("8", 4, 0)


def test_out_of_range_numbers(capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path) -> None:
    options = ["sample", checkpoint, "--label", "8", "--out", tmp_path / "x"]
    assert "n must be at least 1" in refused(capsys, *options, "--n", 0)
    assert "not negative" in refused(capsys, *options, "--seed=-1")
    code, _, err = run(capsys, *options, "--n", 2, "--seed", 10**30)
    assert code == 0, err


def test_a_data_folder_may_be_called_like_a_generator(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder.rename("dcgan")
    assert "none of 'balance'" in refused(capsys, "rebalance", "dcgan", "--out", "run", "--to", "lots", *QUICK)


def test_a_run_that_treats_every_class_counts_the_filled_ones_as_rare(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    options = ["--to", "30", "--evaluate.steps", 10, "--evaluate.seeds", 2, "--spread", "all", "--model.width", 8]
    options += ["--steps", 120, "--batch_size", 32, "--quiet", "--accelerator", "cpu", "--generator", "vae"]
    code, text, err = run(capsys, "rebalance", *DIGITS, "--out", out, *options)
    assert code in (0, 1) and "treated images were spread over all classes, and now: " in text, err
    assert json.loads((out / "evaluation.json").read_text())["rare"] == ["8"]
    table = (out / "dataset" / "train" / "metadata.csv").read_text().splitlines()
    assert len({row.split("/")[0] for row in table if ",1,vae," in row}) > 5
    assert 'id="shortcut"' in (out / "report.html").read_text()
    message = refused(capsys, "rebalance", *DIGITS, "--out", tmp_path / "x", *options, "--per_class")
    assert "per_class" in message and not (tmp_path / "x").exists()
