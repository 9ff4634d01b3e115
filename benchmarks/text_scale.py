"""CPU seconds and peak memory of each verb on 10,000 and on 100,000 short documents, and documents drawn a second.

    OMP_NUM_THREADS=1 python benchmarks/text_scale.py --out FOLDER      # about 10 minutes
    OMP_NUM_THREADS=1 python benchmarks/text_scale.py --out FOLDER --n 10000 --only explore

The documents are made: 5 to 25 words of a vocabulary whose frequencies follow Zipf's law, six in ten of them one of a
few that may follow the last one, one in ten of the words of the class. There are three classes, 1 % of the documents
are of the rare one. They are read from a CSV file. Each step has a process of its own, one after the other; CPU seconds
are those of all its threads, importing included, which hold on a shared machine, too. What a sampler draws a second is
measured in memory, after the first 100 documents, for which it works out its chains.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from table_scale import measured

CLASSES, SHARES = ("often", "at times", "rare"), (0.69, 0.3, 0.01)
VOCABULARY, FOLLOWERS, OWN, LONGEST = 20_000, 5, 200, 25
SAMPLERS = ("edits", "ngram", "splice", "shuffle", "synonyms")
DRAWN = 5_000


def main() -> None:
    """Time every step and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="new folder for the documents and what is made of them")
    parser.add_argument("--n", type=int, nargs="+", default=[10_000, 100_000], help="documents")
    parser.add_argument("--only", default="", help="time the steps alone whose names hold this")
    asked = parser.parse_args()
    for n in asked.n:
        out = asked.out / str(n)
        out.mkdir(parents=True, exist_ok=True)
        if not (out / "documents.csv").exists():
            write_documents(out / "documents.csv", n)
        print(f"| {n:,} documents | CPU s | peak MB |\n|---|---:|---:|", flush=True)
        for name, command in steps(out, n).items():
            if asked.only in name:
                cpu, peak = measured(command)
                print(f"| {name} | {cpu:.1f} | {peak:,.0f} |", flush=True)
        for name in SAMPLERS:
            if asked.only in f"draw {name}":
                print(f"| draw {name} | {drawn_a_second(out / 'documents.csv', name):,.0f} a second | |", flush=True)


def write_documents(path: Path, n: int) -> None:
    """Write n made documents as a table."""
    import pandas as pd

    rng = np.random.default_rng(0)
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    words = np.array(["".join(rng.choice(syllables, size)) for size in rng.integers(1, 5, VOCABULARY)], dtype=object)
    chance = 1 / np.arange(2, VOCABULARY + 2)
    chance /= chance.sum()
    y, length = rng.choice(len(CLASSES), n, p=SHARES), rng.integers(5, LONGEST + 1, n)
    follows = rng.choice(VOCABULARY, (VOCABULARY, FOLLOWERS), p=chance)
    at = np.empty((n, LONGEST), dtype=np.int64)
    for k in range(LONGEST):
        new, how = rng.choice(VOCABULARY, n, p=chance), rng.random(n)
        after = follows[at[:, k - 1], rng.integers(0, FOLLOWERS, n)] if k else new
        own = VOCABULARY // 2 + OWN * y + rng.integers(0, OWN, n)
        at[:, k] = np.where(how < 0.6, after, np.where(how < 0.7, own, new))
    texts = [" ".join(words[row[:size]]) + "." for row, size in zip(at, length, strict=True)]
    pd.DataFrame({"body": texts, "label": np.array(CLASSES)[y]}).to_csv(path, index=False)


def steps(out: Path, n: int) -> dict[str, list[str]]:
    """Return the command of each step by its name, in the order in which they can be done."""
    verb, table = [sys.executable, "-m", "gensynth"], str(out / "documents.csv")
    data, rows = ["--text", "body", "--target", "label"], str(out / "drawn.csv")
    filled = ["--sampler", "edits", "--out", str(out / "filled.csv"), "--quiet"]
    return {
        "import": [sys.executable, "-c", "import gensynth.kinds.text.explore"],
        "explore": [*verb, "explore", table, *data],
        "train edits": [*verb, "train", "edits", "--data", table, *data, "--out", str(out)],
        "sample edits": [
            *(*verb, "sample", str(out / "edits.sampler"), "--label", "rare", "--n", str(n // 20)),
            *("--out", rows),
        ],
        "check": [*verb, "check", rows, "--against", table, *data],
        "rebalance edits": [*verb, "rebalance", table, *data, *filled, "--to", "5x"],
    }


def drawn_a_second(path: Path, name: str) -> float:
    """Return how many documents of the rare class a sampler draws in a CPU second."""
    from gensynth.kinds.text.config import TextConfig
    from gensynth.kinds.text.read import read_documents
    from gensynth.kinds.text.samplers.catalog import made_sampler

    train = read_documents(str(path), TextConfig(text="body", target="label", templates=False))
    sampler = made_sampler(name, None).fit(train)
    sampler.sample("rare", 100, 0)
    start = time.process_time()
    sampler.sample("rare", DRAWN, 1)
    return DRAWN / (time.process_time() - start)


if __name__ == "__main__":
    main()
