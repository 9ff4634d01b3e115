"""Bad input on the command line: exit code 2, one clear sentence, nothing half-written."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import DIGITS, QUICK, SHIPPED, refused, run


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
    (["--sampler", "smoot"], "known: smote, recipes, generator, auto"),
    (["--sampler", "auto", "--choose.budget", "-1"], "budget '-1' is not a time"),
    (["--sampler", "auto", "--choose.targets", "5x", "--to", "rare"], "--to names one target"),
    (["--choose.budget", "20s"], "for the sampler auto"),
    (["--sampler", "smote", "--force"], "a setting of the sampler auto"),
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
    for text, says in (
        ("generator: vae\nmodel: 3\n", "'model' holds settings"),
        ("a: &a [1]\nb: *a\n", "must not hold aliases"),
        ("- 1\n", "must hold lines"),
        ("steps: [\n", "recipe.yaml' cannot be read"),
        ("keep: nonsense\n", "setting 'keep' is 'nonsense', and must be an object with named entries"),
    ):
        recipe.write_text(text)
        assert says in refused(capsys, "rebalance", "builtin:digits", "--config", recipe, "--out", tmp_path / "run")
    recipe.write_bytes(b"\xff")
    assert "UTF-8" in refused(capsys, "rebalance", "builtin:digits", "--config", recipe, "--out", tmp_path / "run")
    huge = refused(capsys, "explore", "builtin:digits", "--memory_gb", "9" * 400)
    assert "too large to calculate with" in huge


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (
            "explore photos --target y",
            "setting 'target' is for clips, tables, documents, and none is named here: ",
        ),
        ("check photos --against photos --schema s.json", "setting 'schema' is for tables"),
        ("rebalance photos --out run --target y", "; a table's name ends in .csv"),
        ("train vae --data photos --settings.steps 3", "--settings are for smote, recipes and tables"),
        ("explore t.csv --target y --size 32", "setting 'size' is for images"),
        ("mix t.csv --real t.csv --out u.csv --link hard", "setting 'link' is for images"),
        ("train copula --data t.csv --model.z_dim 3", "setting 'model.z_dim' is for images"),
        ("check photos --against t.csv --target y", "'photos' is not a table; its name must end in .csv"),
        ("check t.csv --against photos", "'photos' is not a table"),
        ("train vae --data t.csv --target y", "'vae' is for images; for tables there are bootstrap, cart, copula"),
        ("train copula --data photos", "'copula' is for tables; for images there are cyclegan"),
        ("train tabular_vae --data photos", "'tabular_vae' is for tables"),
        ("rebalance t.csv --target y --out u.csv --sampler recipes", "'recipes' is for clips, images; for"),
        ("rebalance photos --out run --sampler copula", "'copula' is for tables; for images there are smote, recipes"),
    ],
)
def test_what_is_for_the_other_kind_of_data_is_told_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Path("t.csv").write_text("x,y\n" + "1,a\n2,b\n" * 4)
    assert says in refused(capsys, *argv.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "t.csv"]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("explore", "'gensynth explore' also needs data (A folder with one sub-folder per class"),
        (
            "sample x.sampler --label a",
            "'gensynth sample' also needs --out (New folder for images",
        ),
        (
            "explore builtin:digits --keep 8:10",
            "--keep is '8:10'; name classes and how many of each to keep: --keep NAM",
        ),
        ("explore builtin:digits --keep 8=few", "--keep is '8=few'; name"),
        ("explore builtin:digits --keep {8:few}", "must be an object with named entries or null"),
        ("explore builtin:digits --size few", "setting 'size' is 'few', and must be a whole number or a list or null"),
        ("explore builtin:digits --channels 2", "setting 'channels' is '2', and must be one of 1, 3 or null"),
    ],
)
def test_what_is_missing_and_what_is_of_a_wrong_type_is_told_without_names_of_python(
    capsys: pytest.CaptureFixture[str], command: str, says: str
) -> None:
    message = refused(capsys, *command.split())
    assert says in message and "class '" not in message and "typing" not in message


@pytest.mark.parametrize("name", ["\ud800", "a\0b"])
def test_what_is_no_text_is_refused(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert "holds a character that no file or text can have" in refused(capsys, "mix", name, "--real", "x")


@pytest.mark.parametrize("option", ["--config", "--schema=", "--json", "recipe"])
def test_pipes_and_devices_are_not_waited_for(capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str) -> None:
    pipe, recipe = tmp_path / "pipe", tmp_path / "recipe.yaml"
    os.mkfifo(pipe)
    recipe.write_text(f"schema: {pipe}\n")
    options = {"recipe": ["--config", recipe], "--schema=": [f"--schema={pipe}"]}.get(option, [option, pipe])
    message = refused(capsys, "check", "rows.csv", "--against", "real.csv", "--target", "y", *options)
    assert message == f"gensynth: {pipe} is a pipe or a device; give a file, or a folder where one is asked for."
    assert "/dev/zero is a pipe" in refused(capsys, "sample", "/dev/zero", "--label", "a", "--out", tmp_path / "out")


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
    told = refused(capsys, "train", "vae", *options, "--model.z_dim", "5", "--steps", "5")
    assert "steps: 4 there, 5 here" in told and "model.z_dim" in told and f"--init {tmp_path}/vae.ckpt" in told


def test_generator_of_recipe_and_command_line_must_agree(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recipe = Path(__file__).parents[2] / "configs" / "dcgan.yaml"
    options = ["--data", "builtin:digits", "--out", tmp_path / "x"]
    assert "'dcgan'" in refused(capsys, "train", "vae", *options, "--config", recipe)
    assert "unknown setting" in refused(capsys, "rebalance", *DIGITS, "--out", tmp_path / "x", "--gen", "dcgan")


def test_a_bad_draw_is_refused_before_training(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    message = refused(
        capsys, "rebalance", *DIGITS, "--out", tmp_path / "run", "--draw", "nonsense", "--generator", "vae", *QUICK
    )
    assert "allowed: borrow, smote, gaussian, prior" in message and not (tmp_path / "run").exists()


def test_parents_in_the_test_part_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Samples of a checkpoint that was trained on another split were made from what is now the test part."""
    run(capsys, "sample", SHIPPED, "--label", "8", "--n", 40, "--out", tmp_path / "s")
    (tmp_path / "s" / "8" / "x.heic").write_bytes(b"x")
    for verb in (["evaluate"], ["mix", "--out", str(tmp_path / "m")]):
        code, _, err = run(capsys, verb[0], tmp_path / "s", "--real", "builtin:digits", "--split_seed", 1, *verb[1:])
        assert code == 2 and "belong to the validation or test part" in err
        assert f"note: {tmp_path / 's'}: Not read: 1 of 41 files of '8' (1 .heic)" in err


def test_out_of_range_numbers(capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: Path) -> None:
    options = ["sample", checkpoint, "--label", "8", "--out", tmp_path / "x"]
    code, _, err = run(capsys, *options, "--n", 2, "--seed", 10**30)
    assert code == 0, err


def test_a_data_folder_may_be_called_like_a_generator(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder.rename("dcgan")
    assert "none of 'rare'" in refused(capsys, "rebalance", "dcgan", "--out", "run", "--to", "lots", *QUICK)


@pytest.mark.parametrize("name", ["rows.csv", "folder"])
def test_mix_refuses_what_is_there_before_it_reads(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    mine = tmp_path / name if "." in name else tmp_path / name / "mine"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("precious")
    assert " exists" in refused(capsys, "mix", f"no/{name}", "--real", f"none/{name}", "--out", tmp_path / name)
    assert mine.read_text() == "precious"
