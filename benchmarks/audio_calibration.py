"""What does the gate of clips catch, and what does it cost? Planted faults among genuine ones, with few real ones.

    OMP_NUM_THREADS=1 python benchmarks/audio_calibration.py digits/ --write docs/calibration.md

The folder holds sound files in a sub-folder for each class. A draw takes two classes and cuts them into references, 300
common and n rare clips at most, and fresh ones. The gate sees fresh rare clips, followed by one kind of fault that
claims to be rare, and names no parent but where it says so. Faults are made of fresh clips, but for copies. The checker
then sees the faults alone, as a whole class.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
from calibration_report import FRESH, STATUSES, Tally, percent, planted, tally, with_interval
from table_report import check_markers, machine, markdown, write_between
from tqdm import tqdm

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.metrics import kid_permutation_test
from gensynth.kinds.audio.clips import Clip, Clips, Form, View, clip_of
from gensynth.kinds.audio.space import AudioSpace
from gensynth.sampler.synthetic import Synthetic

SIZES, COMMON, MOST, LEVEL = (20, 40), 300, 40, 0.05
"""Rare references, common ones, and fresh clips of a batch, as many faults behind them; and the level of tests."""
PARENT = "the parent, shifted"


@dataclass(frozen=True)
class Source:
    """What faults are made of: fresh clips of the class, as many of the other one, and some that the gate knows."""

    own: Sequence[Clip]
    other: Sequence[Clip]
    real: Sequence[Clip]


Change = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
"""Takes a wave, float32 (channels, frames), its rate and what is random; returns another one."""


def shifted(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Begin up to a tenth of a second later."""
    return np.pad(x, ((0, 0), (round(rng.uniform(0.01, 0.1) * rate), 0)))


def louder(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Change the level by up to 12 dB, as far as that clips nothing."""
    gain = 10 ** (rng.choice([-1, 1]) * rng.uniform(3, 12) / 20)
    return x * np.float32(min(gain, 0.98 / max(np.abs(x).max(), 1e-6)))


def faster(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Play up to 3 % faster or slower."""
    return soxr.resample(x.T, rate * (1 + rng.choice([-1, 1]) * rng.uniform(0.01, 0.03)), rate).T


def noisy(x: np.ndarray, rate: int, rng: np.random.Generator, decibels: float = 25) -> np.ndarray:  # noqa: ARG001
    """Add white noise."""
    noise = rng.normal(size=x.shape) * np.sqrt(np.square(x).mean()) * 10 ** (-decibels / 20)
    return x + noise.astype(np.float32)


def noise_alone(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Noise as loud and as long."""
    return noisy(0 * x, rate, rng) + rng.normal(0, np.sqrt(np.square(x).mean()), x.shape).astype(np.float32)


def backwards(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Play it from its end."""
    return x[:, ::-1]


def clipped(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Make it too loud by a factor of four."""
    return np.clip(4 * x / np.abs(x).max(), -1, 1)


def clicking(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001
    """Leave out a piece where the wave is high, so that it jumps by its peak."""
    top = int(np.abs(x[0]).argmax())
    low = top + 1 + int(np.abs(x[0, top + 1 : top + 200] + x[0, top]).argmin())
    return np.delete(x, slice(top + 1, low), axis=1)


def halves(x: np.ndarray, rate: int, rng: np.random.Generator, other: np.ndarray) -> np.ndarray:  # noqa: ARG001
    """Put the first half of one clip before the second half of another one."""
    return np.concatenate([other[:, : other.shape[1] // 2], x[:, x.shape[1] // 2 :]], axis=1)


def each(change: Change, of: str = "own") -> Callable[[Source, np.random.Generator], list[Clip]]:
    """Return what changes each clip: the fresh ones, or in turn those that the gate knows."""

    def made(source: Source, rng: np.random.Generator) -> list[Clip]:
        some = source.own if of == "own" else [source.real[i % len(source.real)] for i in range(len(source.own))]
        return [clip_of(change(clip.wave(), clip.form.rate, rng), clip.form) for clip in some]

    return made


def joined(source: Source, rng: np.random.Generator) -> list[Clip]:
    """Join halves of a fresh clip and of one that the gate knows."""
    fronts = [source.real[i] for i in rng.choice(len(source.real), len(source.own))]
    pairs = zip(source.own, fronts, strict=True)
    return [clip_of(halves(a.wave(), a.form.rate, rng, b.wave()), a.form) for a, b in pairs]


FAULTS: Mapping[str, Callable[[Source, np.random.Generator], list[Clip]]] = {
    "another class": lambda source, rng: [*source.other],
    "copies": each(lambda x, rate, rng: x.copy(), "real"),
    "copies, shifted": each(shifted, "real"),
    "copies, louder or fainter": each(louder, "real"),
    "copies, 1 to 3 % faster or slower": each(faster, "real"),
    "copies, with noise 25 dB below": each(noisy, "real"),
    PARENT: each(shifted, "real"),
    "noise as loud and as long": each(noise_alone),
    "backwards": each(backwards),
    "clipped": each(clipped),
    "a click": each(clicking),
    "silence": each(lambda x, rate, rng: np.zeros_like(x)),
    "a constant part of 0.1": each(lambda x, rate, rng: x + np.float32(0.1)),
    "three times over": each(lambda x, rate, rng: np.tile(x, 3)),
    "first and second half of two clips": joined,
    "genuine, 10 dB of noise": each(lambda x, rate, rng: noisy(x, rate, rng, 10)),
    "genuine, shifted": each(shifted),
    "genuine, 3 % faster or slower": each(faster),
}
"""What is made of n clips: n others, the last ones of which are no faults."""


@dataclass(frozen=True)
class Found:
    """What one draw gave: by fault what the gate said of it, the status of a class of such clips, and p-values."""

    samples: Mapping[str, Tally]
    statuses: Mapping[str, str]
    p_values: Mapping[str, float]


def pool(folder: Path) -> dict[str, list[Clip]]:
    """Return the clips of each sub-folder."""
    return {of.name: [*map(clip_at, sorted(of.iterdir()))] for of in sorted(folder.iterdir()) if of.is_dir()}


def clip_at(path: Path) -> Clip:
    """Return a file as a clip that is read when it is needed."""
    info = soundfile.info(path)
    wave = soundfile.read(path, dtype="float32", always_2d=True)[0].T
    return replace(clip_of(wave, Form(info.samplerate, info.format, info.subtype)), samples=None, path=path)


def measure(clips: Mapping[str, Sequence[Clip]], view: View, n: int, draw: int) -> Found:
    """Fit the checker on a draw of references, and let it judge genuine clips and faults."""
    rng = np.random.default_rng([n, draw])
    rare, common = (
        [clips[name][i] for i in rng.permutation(len(clips[name]))]
        for name in rng.choice(sorted(clips), 2, replace=False)
    )
    real, rest = rare[:n], rare[n:]
    genuine, own = rest[: min(MOST, len(rest) // 2)], rest[min(MOST, len(rest) // 2) :][:MOST]
    references = common[: min(COMMON, len(common) - len(own))]
    other = common[len(references) :][: len(own)]
    y = np.repeat([0, 1], [len(references), n])
    ids = tuple(str(i) for i in range(len(y)))
    train = LabeledData(Clips((*references, *real), view), y, ("common", "rare"), ids)
    space = AudioSpace(train, draw)
    checker, source = FidelityChecker(train, seed=draw, space=space), Source(own, other, real)
    samples, statuses = {FRESH: tally(checker.gate(synthetic(genuine, view)))}, {}
    points = space.real.points[y == 1]
    batches = {FRESH: genuine} | {name: make(source, rng) for name, make in FAULTS.items()}
    p_values = {}
    for name, made in batches.items():
        if name != FRESH:
            asked = synthetic([*genuine, *made], view)
            if name == PARENT:
                parents = ((ids[len(references) + i % n],) for i in range(len(made)))
                asked = replace(asked, parents=(*((),) * len(genuine), *parents))
            samples[name] = tally(checker.gate(asked), slice(len(genuine), None))
        statuses[name] = checker.check(synthetic(made, view)).classes[0].status
        p_values[name] = kid_permutation_test(points, space.see(Clips(tuple(made), view)).points, draw, 200)
    return Found(samples, statuses, p_values)


def synthetic(clips: Sequence[Clip], view: View) -> Synthetic:
    """Return rare clips as if a sampler had drawn them."""
    return planted(Clips(tuple(clips), view), "rare")


def table(found: Mapping[int, Sequence[Found]]) -> str:
    """Return what became of each kind of clip, by number of references."""
    rows = []
    for name in (FRESH, *FAULTS):
        cells = []
        for draws in found.values():
            together = Tally()
            for one in draws:
                together.add(one.samples[name])
            why = ", ".join(f"{code} {percent(k, together.total)}" for code, k in together.rejected.most_common(2))
            of = Counter(one.statuses[name] for one in draws if name in one.statuses)
            said = ", ".join(f"{status} {of[status]}" for status in STATUSES if of[status])
            p = [one.p_values[name] for one in draws if name in one.p_values]
            low = f"{sum(v <= LEVEL for v in p)} of {len(p)}" if p else ""
            cells += [
                with_interval(together.lost, together.total),
                why,
                percent(together.review.total(), together.total),
                said,
                low,
            ]
        rows.append([name, *cells])
    head = ("rejected, %", "why, %", "to review, %", "classes of them", f"KID: p <= {LEVEL:g}")
    return markdown(["clips", *(f"n = {n}: {what}" for n in found for what in head)], rows)


def main() -> None:
    """Measure, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a clip that are heard")
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    if args.write is not None:
        check_markers(args.write, "audio-calibration")
    clips = pool(args.folder)
    view = View(max(clip.form.rate for of in clips.values() for clip in of), args.seconds)
    jobs = [(n, draw) for n in SIZES for draw in range(args.draws)]
    done = [measure(clips, view, *job) for job in tqdm(jobs)]
    found = {n: [one for one, job in zip(done, jobs, strict=True) if job[0] == n] for n in SIZES}
    text = "\n\n".join([machine(("numpy", "scikit-learn", "soundfile", "soxr")), table(found)])
    print(text)
    if args.write is not None:
        write_between(args.write, "audio-calibration", text)


if __name__ == "__main__":
    main()
