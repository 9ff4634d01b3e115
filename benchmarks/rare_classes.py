"""The field's usual benchmark, with the rows that are left out: ten classes cut to 4000, 2000, ... 40 images.

    OMP_NUM_THREADS=1 python benchmarks/rare_classes.py --quick
    OMP_NUM_THREADS=1 python benchmarks/rare_classes.py --jobs 2 --write docs/benchmark.md

MNIST and Fashion-MNIST as in DeepSMOTE (Dablain, Krawczyk and Chawla 2022): the training file is cut, five times at
random; a generator sees the cut alone, the test file is scored at the end. Every arm trains the same network, that of
`gensynth evaluate`, for the same number of steps and from the same seed. The first run fetches the data (see
`idx_data`); finished arms lie in `--out`, so that the same command goes on after an interruption, the arms that matter
most first. `--report` prints the tables of what is finished.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import lru_cache, partial
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from idx_data import fetch, read_idx
from rare_jobs import BATCH, COUNTS, EVERY, FACTORS, GENERATOR_STEPS, MAJORITY, Job, jobs, save
from rare_report import about, tables
from table_report import machine, write_between
from tqdm import tqdm

from gensynth.arms import Training, train_arm
from gensynth.data.arrays import from_arrays
from gensynth.data.labeled import LabeledData
from gensynth.fidelity.checker import FidelityChecker
from gensynth.registry import get_generator
from gensynth.samplers.base import Sampler, Synthetic
from gensynth.samplers.neural import NeuralSampler
from gensynth.samplers.recipes import Recipes
from gensynth.samplers.smote import SmoteSampler
from gensynth.train import TrainConfig, train

DATA = ("mnist", "fashion")
DRAWS, STEPS, QUICK_STEPS = 5, 1000, 300
PLAIN: dict[str, Callable[[], Sampler]] = {"smote": SmoteSampler, "recipes": partial(Recipes, "auto")}
LIBRARIES = ("numpy", "scikit-learn", "torch", "torchvision", "imbalanced-learn")


@lru_cache(maxsize=4)
def load(folder: Path, part: str) -> LabeledData:
    """Return the training or test file of a data set."""
    x, y = read_idx(folder, part)
    return from_arrays(x, y)


def cut(folder: Path, draw: int) -> LabeledData:
    """Return `COUNTS` images of the training file, drawn at random."""
    data, rng = load(folder, "train"), np.random.default_rng(draw)
    return data.subset(np.concatenate([rng.permutation(np.flatnonzero(data.y == c))[:n] for c, n in enumerate(COUNTS)]))


def adds(target: str) -> dict[str, int]:
    """Return how many synthetic images each class receives."""
    most = max(COUNTS)
    if target == EVERY:
        return {str(c): 2 * most - n for c, n in enumerate(COUNTS)}
    factor = np.inf if target == MAJORITY else int(target.removesuffix("x"))
    return {str(c): int(min(factor * n, most)) - n for c, n in enumerate(COUNTS)}


def sampler_of(name: str, real: LabeledData, seed: int, checkpoint: Path) -> Sampler:
    """Return a sampler that was fitted on the cut alone; the training of a generator goes on where it stopped."""
    if name in PLAIN:
        return PLAIN[name]().fit(real)
    config = TrainConfig(steps=GENERATOR_STEPS[name], seed=seed)
    return NeuralSampler(train(real, name, get_generator(name).Config(), config, checkpoint, quiet=True))


def draw_bank(job: Job, folders: dict[str, Path], out: Path) -> None:
    """Draw the most that an arm wants of a sampler, and let the fidelity gate judge what fills up to the majority."""
    torch.set_num_threads(1)
    path = out / f"{job.bank}.npz"
    if path.exists():
        return
    real = cut(folders[job.data], job.draw)
    times = [time.process_time()]
    fitted = sampler_of(job.sampler, real, job.draw, path.with_suffix(".ckpt"))
    times.append(time.process_time())
    drawn = [fitted.sample(name, n, job.draw) for name, n in adds(EVERY).items()]
    times.append(time.process_time())
    x, y = torch.cat([each.x for each in drawn]).numpy(), np.repeat(np.arange(len(drawn)), list(adds(EVERY).values()))
    few = [part.subset(np.arange(n)) for part, n in zip(drawn, adds(MAJORITY).values(), strict=True)]
    judged = FidelityChecker(real).gate(Synthetic.concat(few).relabel(real.classes)).accepted
    times.append(time.process_time())
    accepted = np.zeros(len(y), dtype=bool)
    accepted[first_of_each(y, adds(MAJORITY))] = judged
    save(path, x=x, y=y, accepted=accepted, seconds=np.diff(times))


def first_of_each(y: np.ndarray, counts: dict[str, int]) -> np.ndarray:
    """Return where the first images of each class are: sample i is the same, however many are drawn."""
    return np.concatenate([np.flatnonzero(y == c)[:n] for c, n in enumerate(counts.values())])


def samples(job: Job, real: LabeledData, out: Path) -> tuple[Synthetic, float]:
    """Return the synthetic images of an arm, and the seconds to fit, to draw so many and, if asked, to check them."""
    x, y, rows, seconds = np.empty((0, *real.shape), np.uint8), real.y[:0], np.arange(0), 0.0
    if job.sampler:
        with np.load(out / f"{job.bank}.npz") as bank:
            x, y, accepted = bank["x"], bank["y"], bank["accepted"]
            fit, draw, gate = bank["seconds"].tolist()
        rows = first_of_each(y, adds(job.target))
        seconds = fit + draw * len(rows) / len(y) + gate * job.gated
        rows = rows[accepted[rows]] if job.gated else rows
    plain = ("",) * len(rows)
    made = Synthetic(
        x=torch.from_numpy(x[rows]),
        y=y[rows],
        classes=real.classes,
        index=rows,
        sampler=job.sampler,
        seed=job.draw,
        how=plain,
        parents=((),) * len(rows),
        checkpoint_sha256=plain,
    )
    return made, seconds


def measure(job: Job, folders: dict[str, Path], out: Path) -> None:
    """Train one arm on one draw and keep what it says of the test images."""
    torch.set_num_threads(1)
    real, test = cut(folders[job.data], job.draw), load(folders[job.data], "t10k")
    made, seconds = samples(job, real, out)
    start, filled = time.process_time(), np.flatnonzero(np.array(COUNTS) < max(COUNTS))
    training = Training([job.draw], job.steps, BATCH, jitter=job.jitter)
    p, _ = train_arm(job.way, real, made, test, filled, training, lambda _: None)
    save(out / f"{job.file}.npz", p=p[0].astype(np.float16), seconds=seconds + time.process_time() - start)


def run(todo: Sequence[Job], folders: dict[str, Path], out: Path, processes: int) -> None:
    """Measure what is not done yet, in order; what a sampler draws is drawn before its first arm."""
    todo = [job for job in todo if not (out / f"{job.file}.npz").exists()]
    # Forked processes would inherit the locks of the threads of torch.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool, tqdm(total=len(todo)) as bar:
        work = map if processes == 1 else pool.map
        for sampler, group in groupby(todo, key=lambda job: job.sampler):
            mine = list(group)
            banks = {job.bank: job for job in mine if sampler}
            for _ in work(partial(draw_bank, folders=folders, out=out), banks.values()):
                pass
            for _ in work(partial(measure, folders=folders, out=out), mine):
                bar.update()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help=f"one draw, {QUICK_STEPS} steps, the deformation alone")
    parser.add_argument("--draws", type=int, default=DRAWS, help="cuts of the training file")
    parser.add_argument("--samplers", default="deformation,recipes,smote,vae", help="separated by commas; also dcgan")
    parser.add_argument("--data", default=",".join(DATA), help="mnist, fashion")
    parser.add_argument("--folder", type=Path, default=Path("runs/rare_classes/data"), help="where the data sets lie")
    parser.add_argument("--out", type=Path, default=Path("runs/rare_classes"), help="folder of finished arms")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--report", action="store_true", help="measure nothing, print the tables of what is finished")
    parser.add_argument("--write", type=Path, help="Markdown file to put the tables into, between its markers")
    args = parser.parse_args(arguments)
    if args.write and args.quick:
        parser.error("--write is for the full run, not for --quick.")
    samplers, names = (["deformation"] if args.quick else args.samplers.split(",")), args.data.split(",")
    known = [*GENERATOR_STEPS, *PLAIN]
    if unknown := [name for name in samplers if name not in known] + [name for name in names if name not in DATA]:
        parser.error(f"unknown {', '.join(unknown)}; samplers: {', '.join(known)}; data: {', '.join(DATA)}.")
    draws, steps = (1, QUICK_STEPS) if args.quick else (args.draws, STEPS)
    folders = {name: fetch(name, args.folder / name) for name in names}
    todo = [job for job in jobs(names, draws, steps, samplers) if not (args.quick and job.target in FACTORS)]
    if not args.report:
        run(todo, folders, args.out, args.jobs)
    given = sys.argv[1:] if arguments is None else arguments
    command = " ".join(["OMP_NUM_THREADS=1 python benchmarks/rare_classes.py", *given])
    parts = [f"`{command}`  \n{machine(LIBRARIES)}, {date.today()}", about(steps, BATCH)]
    for name in names:
        parts.append(tables([job for job in todo if job.data == name], load(folders[name], "t10k").y, args.out))
    text = "\n\n".join(parts)
    print(text)
    if args.write:
        write_between(args.write, "rare classes", text)


if __name__ == "__main__":
    main()
