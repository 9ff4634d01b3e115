"""What is in a set of clips, before anything is made from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from gensynth.data.each import in_threads
from gensynth.data.labeled import LabeledData
from gensynth.data.words import counted, some
from gensynth.evaluate.cues import FOLDS, comparable, cue
from gensynth.kinds.audio.clips import Clip
from gensynth.kinds.audio.copies import LOOKED, Sketches
from gensynth.kinds.audio.levels import columns
from gensynth.kinds.audio.look import looks
from gensynth.kinds.audio.space import COPY, DC, FLAT

SILENT = -60.0
"""dB of full scale that the loudest part of a silent clip does not reach."""
CLEAR, SURE = 0.2, 3.0
"""So far above chance, towards certainty, a cue gives classes away, and so many standard errors: it is one of many."""


@final
@dataclass(frozen=True)
class OfClass:
    """What the clips of a class are like.

    Attributes:
        n: Their number.
        seconds: Median and 95 % quantile of their length.
        loudness: Median of their root mean square, dB of full scale.
        floor: Median of the noise between sounds, likewise.
        clipped: How many stay at full scale for more than `FLAT` samples.
        silent: How many stay below `SILENT`.
        shifted: How many have a constant part of more than `DC` of full scale.
    """

    n: int
    seconds: tuple[float, float]
    loudness: float
    floor: float
    clipped: int
    silent: int
    shifted: int


@final
@dataclass(frozen=True)
class Exploration:
    """What was found in a set of clips.

    Attributes:
        classes: By name, in label order.
        hours: Length of all together.
        rates: Number of clips by sample rate, the most common first; so the next three.
        formats: By container and encoding.
        channels: By number of channels.
        copies: Clips whose wave equals an earlier one's.
        near_copies: Groups of ids of one sound, shifted, at another level or a little faster.
        conflicts: The same with different labels, equal ones too.
        cues: How well one thing that is not the sound tells the classes apart: out-of-fold balanced accuracy of a small
            decision tree. Classes with fewer than 5 clips are left out; empty where fewer than two are left.
        chance: The balanced accuracy of guessing.
        notes: What the reader found.
    """

    classes: dict[str, OfClass]
    hours: float
    rates: dict[str, int]
    formats: dict[str, int]
    channels: dict[str, int]
    copies: int
    near_copies: tuple[tuple[str, ...], ...]
    conflicts: tuple[tuple[str, ...], ...]
    cues: dict[str, float]
    chance: float
    notes: tuple[str, ...]

    def as_text(self) -> str:
        """Return all of it as lines of plain text."""
        width = max(map(len, ["class", *self.classes]))
        n = sum(of.n for of in self.classes.values())
        rates, formats, channels = map(_listed, (self.rates, self.formats, self.channels))
        lines = [
            f"{counted(n, 'clip')}, {60 * self.hours:,.1f} minutes, {counted(len(self.classes), 'class', 'classes')}; "
            f"rates: {rates}; formats: {formats}; channels: {channels}",
            "",
            f"{'class':<{width}}   clips  seconds, median and 95 %  loudness, dB  noise floor, dB  clipped  silent  DC",
        ]
        for name, of in self.classes.items():
            lines.append(
                f"{name:<{width}}  {of.n:6,}  {of.seconds[0]:15.2f}{of.seconds[1]:10.2f}  {of.loudness:12.1f}  "
                f"{of.floor:15.1f}  {of.clipped:7,}  {of.silent:6,}  {of.shifted:2,}"
            )
        lines.append("")
        lines += [f"{k} alone: balanced accuracy {v:.2f}, chance {self.chance:.2f}" for k, v in self.cues.items()]
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"advice: {advice}" for advice in self.advice]
        return "\n".join(lines)

    @property
    def _error(self) -> float:
        """The standard error of a balanced accuracy, at most."""
        known = np.array([of.n for of in self.classes.values() if of.n >= FOLDS])
        return float(np.sqrt((0.25 / known).sum()) / len(known)) if len(known) else 1.0

    @property
    def advice(self) -> list[str]:
        """What to do about all this, in sentences."""
        found, top = [], max(of.n for of in self.classes.values())
        rare = [f"{name!r} ({of.n})" for name, of in self.classes.items() if of.n < top / 2]
        if rare:
            found.append(f"Rare classes, with fewer than half the clips of the largest one ({top}): {some(rare)}.")
        if self.conflicts:
            found.append(
                f"{counted(len(self.conflicts), 'sound stands', 'sounds stand')} under several labels, such as "
                f"{', '.join(self.conflicts[0][:3])}: correct these first."
            )
        if self.copies:
            found.append(f"{counted(self.copies, 'clip repeats', 'clips repeat')} an earlier one.")
        if self.near_copies:
            found.append(
                f"{counted(len(self.near_copies), 'sound occurs', 'sounds occur')} more than once, shifted, at another "
                f"level or a little faster, such as {', '.join(self.near_copies[0][:3])}: name what belongs together "
                "as a group, or copies of test clips are learned from."
            )
        silent = [f"{name!r} ({of.silent})" for name, of in self.classes.items() if of.silent]
        if silent:
            found.append(f"Silent clips, below {SILENT:g} dB throughout: {some(silent)}; take them out.")
        least = self.chance + max(CLEAR * (1 - self.chance), SURE * self._error)
        told = [f"{k} ({v:.2f})" for k, v in self.cues.items() if v > least]
        if told:
            found.append(
                f"What is not the sound tells classes apart: {some(told)}, guessing {self.chance:.2f}. A classifier "
                "may learn that: bring all clips to one form and level, unless it belongs to the subject."
            )
        return found


def explore(data: LabeledData, seed: int = 0) -> Exploration:
    """Describe clips and say what their classes allow.

    Args:
        data: At least one clip of every class.
        seed: Seed of the folds.
    """
    clips, found = data.x.clips, looks(data.x.clips, data.x.view)
    of = columns([each.levels for each in found])
    seconds, y = np.array([clip.seconds for clip in clips]), data.y
    classes = {}
    for c, name in enumerate(data.classes):
        mine = y == c
        classes[name] = OfClass(
            n=int(mine.sum()),
            seconds=(float(np.median(seconds[mine])), float(np.quantile(seconds[mine], 0.95))),
            loudness=float(np.median(of["rms"][mine])),
            floor=float(np.median(of["floor"][mine])),
            clipped=int((of["flat"] > FLAT)[mine].sum()),
            silent=int((of["loudest"] < SILENT)[mine].sum()),
            shifted=int((of["dc"] > DC)[mine].sum()),
        )
    groups: dict[bytes, list[int]] = defaultdict(list)
    for i, content in enumerate(data.x.hashes()):
        groups[content].append(i)
    near = _near_copies(Sketches.of([each.picture for each in found], data.x.view), groups.values())
    rows = {tuple(rows) for rows in groups.values() if len(rows) > 1} | {*map(tuple, near)}
    first = np.array([same[0] for same in groups.values()])  # a copy in another fold would give the answer away
    cues, chance = _cues({k: v[first] for k, v in _beside(clips, of).items()}, y[first], seed)
    return Exploration(
        classes=classes,
        hours=float(seconds.sum()) / 3600,
        rates=_counts(f"{clip.form.rate:,} Hz" for clip in clips),
        formats=_counts(f"{clip.form.format} {clip.form.subtype}" for clip in clips),
        channels=_counts(str(clip.channels) for clip in clips),
        copies=len(clips) - len(groups),
        near_copies=tuple(tuple(data.ids[i] for i in same) for same in near),
        conflicts=tuple(tuple(data.ids[i] for i in same) for same in sorted(rows) if len({*y[[*same]]}) > 1),
        cues=cues,
        chance=chance,
        notes=data.notes,
    )


def _near_copies(sketches: Sketches, groups: Iterable[list[int]]) -> list[list[int]]:
    """Return the groups of clips that are one sound, of those that differ: positions, ascending."""
    first = [same[0] for same in groups]
    different = Sketches(sketches.pictures[first], sketches.keys[first], sketches.view)
    candidates = different.candidates(different.keys, 1)

    def alike(i: int) -> list[int]:
        others = [j for j in candidates[i].tolist() if j != i][:LOOKED]
        like = different.likeness(different.pictures[i], others) if others else np.zeros(0)
        return [j for j, value in zip(others, like, strict=True) if value >= COPY]

    root = [*range(len(first))]
    for i, found in enumerate(in_threads(alike, range(len(first)))):
        for j in found:
            a, b = _root(root, i), _root(root, j)
            root[max(a, b)] = min(a, b)
    together: dict[int, list[int]] = defaultdict(list)
    for i, at in enumerate(first):
        together[_root(root, i)].append(at)
    return [same for same in together.values() if len(same) > 1]


def _root(root: list[int], i: int) -> int:
    while root[i] != i:
        i = root[i]
    return i


def _beside(clips: Sequence[Clip], of: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return by name what is not the sound of each clip, shape (n,) or (n, p)."""
    form = [f"{clip.form.format} {clip.form.subtype}" for clip in clips]
    return {
        "rate": np.array([clip.form.rate for clip in clips]),
        "format": np.unique(form, return_inverse=True)[1],
        "channels": np.array([clip.channels for clip in clips]),
        "length": np.array([clip.seconds for clip in clips]),
        "loudness": of["rms"],
        "noise floor": of["floor"],
        "constant part": of["dc"],
        "peak": of["peak"],
    }


def _cues(beside: dict[str, np.ndarray], y: np.ndarray, seed: int) -> tuple[dict[str, float], float]:
    enough = comparable(y)
    if len(enough) < 2:
        return {}, 0.0
    cues = {name: cue(values, y, seed) for name, values in beside.items()}
    return {name: told for name, told in cues.items() if told is not None}, 1 / len(enough)


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} ({n:,})" for name, n in [*counts.items()][:5])
