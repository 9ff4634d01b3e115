"""What a sample at its parent's size costs, beside opening that parent and writing it again: CPU seconds of an image.

    OMP_NUM_THREADS=1 python benchmarks/native_speed.py

For each longer side it makes a folder of photographs (`benchmarks/photograph_data.py`), trains the learned deformation
for a few steps and draws a few images and many: the difference is what an image costs, without imports and loading.
Writing alone decodes each parent and encodes it with its own tables, as a sample is encoded.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from photograph_data import make
from photographs import cost
from PIL import Image

FEW, MANY, LABEL = 4, 24, "person"


def sampled(folder: Path, side: int) -> float:
    """Return CPU seconds of a sample."""
    data, checkpoints, cache = folder / "data", folder / "checkpoints", ["--cache", str(folder / "cache")]
    make(100, (side, side), data)
    cost("train", "deformation", "--data", str(data), "--out", str(checkpoints), "--steps", "50", "--quiet", *cache)
    spent = []
    for n in (FEW, MANY):
        drawn = ["--n", str(n), "--out", str(folder / f"drawn_{n}")]
        spent.append(cost("sample", str(checkpoints / "deformation.ckpt"), "--label", LABEL, *drawn)["cpu"])
    return (spent[1] - spent[0]) / (MANY - FEW)


def written(folder: Path) -> float:
    """Return CPU seconds of reading a parent and writing it again."""
    parents = sorted((folder / "data" / LABEL).iterdir())
    before = time.process_time()
    for path in parents:
        with Image.open(path) as image:
            image.convert("RGB").save(io.BytesIO(), "JPEG", qtables=image.quantization)
    return (time.process_time() - before) / len(parents)


def main() -> None:
    """Print a line for each side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", default="256,1000,3000")
    args = parser.parse_args()
    print("| longer side | samples a CPU second | read and written again | ratio |\n|---|---|---|---|", flush=True)
    for side in map(int, args.sides.split(",")):
        with TemporaryDirectory() as name:
            one, alone = sampled(Path(name), side), written(Path(name))
        print(f"| {side:,} | {1 / one:.2g} | {1 / alone:.2g} | {one / alone:.1f} |", flush=True)


if __name__ == "__main__":
    main()
