"""Hostile and broken inputs: every one is answered by an exit status and a sentence of ours, soon and in little memory.

    python benchmarks/fuzz.py --inputs 5000 [--seed 0] [--kinds recipe,npz] [--seconds 10] [--megabytes 1500]

Each input is a sound file or command line of one of the kinds below, changed at random, and given to the command line
in this process. It prints how many inputs of each kind were answered how, and every one that was not answered well:
with an error that no sentence was written for, a traceback, another exit status than 0, 1 and 2, after too long, with
too much memory, or with something written outside its folder. The exit status is 1 if there is any. Inputs are the same
for the same seed; `--only KIND:NUMBER` repeats one of them and prints its traceback.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import torch
from fuzz_inputs import KINDS, Sound
from fuzz_judge import Answer, Case, answered, outside


def one(sound: Sound, kind: str, number: int, seed: int, seconds: float, megabytes: float) -> tuple[Case, Answer]:
    """Make one input, give it to the command line, and remove what it left."""
    arena = sound.folder / "arena" / "a" / "b"
    shutil.rmtree(arena, ignore_errors=True)
    arena.mkdir(parents=True)
    case = KINDS[kind](sound, arena, random.Random(f"{seed}/{kind}/{number}"))
    before = outside(sound.folder)
    answer = answered(case, seconds, megabytes)
    if outside(sound.folder) != before or {p.name for p in (sound.folder / "arena").iterdir()} != {"a"}:
        answer.faults.append("wrote outside its folder")
    return case, answer


def main(argv: list[str] | None = None) -> int:
    """Run the inputs; return 1 if any was not answered well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--megabytes", type=float, default=1500.0)
    parser.add_argument("--only", help="KIND:NUMBER")
    parser.add_argument("--show", action="store_true", help="print every answer")
    given = parser.parse_args(argv)
    kinds = given.kinds.split(",")
    chosen = [(kinds[at % len(kinds)], at // len(kinds)) for at in range(given.inputs)]
    if given.only:
        chosen = [(given.only.partition(":")[0], int(given.only.partition(":")[2]))]
    counts: Counter[tuple[str, str]] = Counter()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        sound = Sound(Path(folder).resolve(), runs="run" in {kind for kind, _ in chosen})
        for kind, number in chosen:
            case, answer = one(sound, kind, number, given.seed, given.seconds, given.megabytes)
            counts[kind, "not well" if answer.faults else str(answer.status)] += 1
            if answer.faults:
                bad += 1
                said = answer.said.strip().splitlines()[-1:] or [""]
                print(
                    f"{kind}:{number} {', '.join(answer.faults)} in {answer.seconds:.1f} s: {said[0][:300]!r}",
                    flush=True,
                )
                last = [line.strip() for line in answer.where.splitlines() if "gensynth/" in line or "models/" in line]
                print(f"    {last[-1] if last else ''}")
            if given.show:
                print(
                    f"{kind}:{number} {answer.status} {answer.seconds:.1f} s {answer.said.strip()[-300:]!r}", flush=True
                )
            if given.only:
                print(case.argv, answer.status, answer.said, answer.where, sep="\n")
    answers = sorted({answer for _, answer in counts})
    print(f"{'kind':>12} " + " ".join(f"{a:>9}" for a in answers))
    for kind in dict.fromkeys(kind for kind, _ in chosen):
        print(f"{kind:>12} " + " ".join(f"{counts[kind, a]:>9}" for a in answers))
    print(f"{len(chosen)} inputs, {bad} not answered well")
    return 1 if bad else 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())
