"""What verbs cost on photographs: CPU seconds and memory as their number and size grow, all in one run.

    python benchmarks/photographs.py --out photographs.json

For each number of images and each longer side it makes a folder of photographs (`benchmarks/photograph_data.py`) and
runs the command line on it in processes of their own. Growth is what counts: seconds per image, over those of the
smallest set. A line a measurement, and a measurement that is in the file is not made again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from photograph_data import make

QUICK = ["--steps", "100", "--evaluate.steps", "50", "--evaluate.seeds", "2", "--to", "2x", "--quiet"]
VERBS = ("explore", "explore again", "sample", "check", "rebalance")


def cost(*argv: str) -> dict[str, float]:
    """Run gensynth; return CPU seconds, wall seconds and peak memory in MB of the process."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "gensynth", *argv], stdout=subprocess.DEVNULL)
    # Of this process: that of all children together knows the largest one only.
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise RuntimeError(f"gensynth {' '.join(argv)} ended with {os.waitstatus_to_exitcode(status)}")
    return {"cpu": used.ru_utime + used.ru_stime, "wall": time.perf_counter() - start, "mb": used.ru_maxrss / 1e3}


def measure(n: int, side: int, verb: str, folder: Path) -> dict[str, float]:
    """Run one verb on n photographs of a longer side; what it needs beforehand is made, and does not count."""
    data = folder / f"{n}_{side}"
    if not data.exists():
        make(n, (side, side), data)
    cache, drawn = ["--cache", str(folder / f"cache_{n}_{side}")], folder / f"drawn_{n}_{side}"
    if verb.startswith("explore"):
        return cost("explore", str(data), *cache)
    if verb == "rebalance":
        return cost("rebalance", str(data), "--out", str(folder / f"run_{n}_{side}"), *cache, *QUICK)
    checkpoint = folder / f"c_{n}_{side}" / "deformation.ckpt"
    if not checkpoint.exists():
        out = ["--out", str(checkpoint.parent)]
        cost("train", "deformation", "--data", str(data), *out, "--steps", "100", "--quiet", *cache)
    draw = ["sample", str(checkpoint), "--label", "person", "--n", "100", "--out", str(drawn)]
    if verb == "sample":
        return cost(*draw)
    cost(*draw)
    return cost("check", str(drawn), "--against", str(data), "--page", str(folder / "check.html"), *cache)


def main() -> None:
    """Measure what is not in the file yet, and print all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--numbers", default="1000,5000,20000")
    parser.add_argument("--sides", default="64,128,256")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    numbers, sides = ([int(value) for value in text.split(",")] for text in (args.numbers, args.sides))
    found: dict[str, Any] = json.loads(args.out.read_text()) if args.out.exists() else {}
    print(f"{'images':>7} {'side':>5}  {'verb':14} {'CPU s':>8} {'wall s':>8} {'MB':>6}  CPU ms per image")
    for side in sides:
        for n in numbers:
            with TemporaryDirectory() as folder:
                for verb in VERBS:
                    key = f"{n} {side} {verb}"
                    if key not in found:
                        found[key] = measure(n, side, verb, Path(folder))
                        args.out.write_text(json.dumps(found, indent=1))
                    one = found[key]
                    print(
                        f"{n:7} {side:5}  {verb:14} {one['cpu']:8.1f} {one['wall']:8.1f} {one['mb']:6.0f}  "
                        f"{1000 * one['cpu'] / n:.2f}",
                        flush=True,
                    )


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    main()
