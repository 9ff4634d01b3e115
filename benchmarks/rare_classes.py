"""The field's usual benchmark, with the rows that are left out: ten classes cut to 4000, 2000, ... 40 images.

    OMP_NUM_THREADS=1 python benchmarks/rare_classes.py --quick
    OMP_NUM_THREADS=1 python benchmarks/rare_classes.py --jobs 2 --write docs/benchmark.md
    OMP_NUM_THREADS=1 python benchmarks/rare_classes.py --bar --data mnist --draws 5-24 --write docs/benchmark.md

MNIST and Fashion-MNIST as in DeepSMOTE (Dablain, Krawczyk and Chawla 2022): the training file is cut, five times at
random; a generator sees the cut alone, the test file is scored at the end. Every arm trains the same network, that of
`gensynth evaluate`, for the same number of steps and from the same seed. The first run fetches the data (see
`idx_data`); finished arms lie in `--out`, so that the same command goes on after an interruption, the arms that matter
most first. `--report` prints the tables of what is finished.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from idx_data import fetch
from rare_jobs import BAR, BATCH, FACTORS, Job, jobs
from rare_measure import draw_bank, load, measure
from rare_report import about, tables
from table_report import check_markers, machine, write_between
from tqdm import tqdm

DATA, SAMPLERS = ("mnist", "fashion"), ("deformation", "recipes", "smote", "vae", "dcgan")
DRAWS, STEPS, QUICK_STEPS = "0-4", 1000, 300
LIBRARIES = ("numpy", "scikit-learn", "torch", "torchvision", "imbalanced-learn")


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


def numbers(text: str) -> range:
    """Read `5` or `5-24`."""
    found = re.fullmatch("([0-9]+)(?:-([0-9]+))?", text)
    if not found or not (read := range(int(found[1]), int(found[2] or found[1]) + 1)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number or a range of numbers, such as {DRAWS}")
    return read


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help=f"one draw, {QUICK_STEPS} steps, the deformation alone")
    parser.add_argument("--draws", type=numbers, default=DRAWS, help=f"numbers of the cuts, such as {DRAWS}")
    parser.add_argument("--bar", action="store_true", help="only the rows that the bar is about")
    parser.add_argument("--samplers", default=",".join(SAMPLERS), help="separated by commas")
    parser.add_argument("--data", default=",".join(DATA), help="mnist, fashion")
    parser.add_argument("--folder", type=Path, default=Path("runs/rare_classes/data"), help="where the data sets lie")
    parser.add_argument("--out", type=Path, default=Path("runs/rare_classes"), help="folder of finished arms")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--report", action="store_true", help="measure nothing, print the tables of what is finished")
    parser.add_argument("--write", type=Path, help="Markdown file to put the tables into, between its markers")
    args = parser.parse_args(arguments)
    if args.write and args.quick:
        parser.error("--write is for the full run, not for --quick.")
    block = "the bar" if args.bar else "rare classes"
    if args.write:
        check_markers(args.write, block)
    samplers, names = (["deformation"] if args.quick else args.samplers.split(",")), args.data.split(",")
    if unknown := [name for name in samplers if name not in SAMPLERS] + [name for name in names if name not in DATA]:
        parser.error(f"unknown {', '.join(unknown)}; samplers: {', '.join(SAMPLERS)}; data: {', '.join(DATA)}.")
    draws, steps = (range(1), QUICK_STEPS) if args.quick else (args.draws, STEPS)
    folders = {name: fetch(name, args.folder / name) for name in names}
    todo = [job for job in jobs(names, draws, steps, samplers) if not (args.quick and job.target in FACTORS)]
    if args.bar:
        todo = [job for job in todo if job.arm in BAR]
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
        write_between(args.write, block, text)


if __name__ == "__main__":
    main()
