"""Photographs for trying things on, of the pictures that scikit-learn and scikit-image ship.

    python benchmarks/photograph_data.py --tiles 48 --out tiles

cuts them into tiles that do not overlap, of so many pixels a side: a class for each picture, which holds those of one
kind of thing, such as tissue, brick or a cat.

    python benchmarks/photograph_data.py --n 2000 --sides 3000,4000 --out photos

makes crops as large as those of a phone, which do overlap: for trying out what large files cost, not how well they are
told apart. A crop is turned, mirrored, brightened and scaled at random, and saved as JPEG of a quality of 80 to 95; the
last class is rare.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

RARE = 0.05
"""Share of the images that are of the last class."""
FLAT = 8
"""Standard deviation of the values of a tile, of 255, below which it shows nothing."""
EDGE = 0.05
"""Share of the longer side that a turn by 5 degrees leaves empty at either end, at most."""


def pictures() -> dict[str, Image.Image]:
    """Return the pictures by name."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    found = dict(zip(("temple", "flower"), load_sample_images().images, strict=True))
    found |= {"cup": data.coffee(), "cat": data.chelsea(), "rocket": data.rocket(), "person": data.astronaut()}
    return {name: Image.fromarray(np.asarray(pixels)[..., :3]) for name, pixels in found.items()}


def cut(side: int, out: Path) -> None:
    """Cut pictures into tiles.

    Args:
        side: Of a tile, in pixels.
        out: Folder to make.
    """
    from skimage import data

    more = {"tissue": data.immunohistochemistry(), "machine": data.stereo_motorcycle()[0]}
    more |= {"brick": data.brick(), "grass": data.grass()}
    found = pictures() | {name: Image.fromarray(np.asarray(pixels)).convert("RGB") for name, pixels in more.items()}
    for name, picture in found.items():
        (out / name).mkdir(parents=True, exist_ok=True)
        for top in range(0, picture.height - side + 1, side):
            for left in range(0, picture.width - side + 1, side):
                tile = picture.crop((left, top, left + side, top + side))
                if np.asarray(tile).std() >= FLAT:  # tiles of sky are copies of each other
                    tile.save(out / name / f"{name}_{top}_{left}.jpg", quality=90)


def crop(picture: Image.Image, sides: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Return a part of a picture, at least half of it, with a longer side between `sides`, changed a little."""
    share = rng.uniform(0.5, 1.0)
    part_w, part_h = w, h = [max(8, round(share * side)) for side in picture.size]
    left, top = (int(rng.integers(0, whole - part + 1)) for whole, part in zip(picture.size, (w, h), strict=True))
    scale = rng.integers(sides[0], sides[1] + 1) / max(w, h)
    w, h = round(w * scale), round(h * scale)
    # Larger by what a turn leaves empty in the corners, which is cut off.
    edge = round(EDGE * max(w, h))
    size, box = (w + 2 * edge, h + 2 * edge), (left, top, left + part_w, top + part_h)
    part = picture.resize(size, Image.Resampling.BICUBIC, box).rotate(rng.uniform(-5, 5), Image.Resampling.BICUBIC)
    part = part.crop((edge, edge, edge + w, edge + h))
    if rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return ImageEnhance.Brightness(part).enhance(rng.uniform(0.7, 1.3))


def make(n: int, sides: tuple[int, int], out: Path, seed: int = 0) -> None:
    """Write n photographs; image i depends on (seed, i) only.

    Args:
        n: How many.
        sides: Shortest and longest longer side, in pixels.
        out: Folder to make.
        seed: Non-negative int.
    """
    found = list(pictures().items())
    n_rare = max(10, round(RARE * n))

    def write(i: int) -> None:
        rng = np.random.default_rng([seed, i])
        name, picture = found[-1] if i < n_rare else found[i % (len(found) - 1)]
        (out / name).mkdir(parents=True, exist_ok=True)
        part = crop(picture, sides, rng)
        part.save(out / name / f"IMG_{i:05d}.jpg", quality=int(rng.integers(80, 96)))

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(n)))


def main() -> None:
    """Read the command line and make the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiles", type=int, help="side of a tile, in pixels; without, crops are made")
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--sides", default="600,1200", help="shortest and longest longer side, in pixels")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.tiles is not None:
        cut(args.tiles, args.out)
        return
    low, high = (int(side) for side in args.sides.split(","))
    make(args.n, (low, high), args.out, args.seed)


if __name__ == "__main__":
    main()
