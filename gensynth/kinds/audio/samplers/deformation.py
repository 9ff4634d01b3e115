"""Deformation: clips of a class, changed as clips of one class differ; what common classes show serves rare ones."""

from __future__ import annotations

from typing import ClassVar, Self, final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.kinds.audio.clips import Clip, View, clip_of
from gensynth.kinds.audio.grains import changed
from gensynth.kinds.audio.mel import heard, log_mel
from gensynth.kinds.audio.pair_changes import SHIFTS, SIZE, TIMES, Change, changes, picture
from gensynth.kinds.audio.pitch import pitch
from gensynth.kinds.audio.samplers.base import AudioSampler
from gensynth.sampler.in_turn import Made

CLIPS, PAIRS = 400, 800
"""Clips and pairs of them that are looked at, at most; each class has the same share."""
SECONDS = 10.0
"""What is looked at of a clip, from its start."""
OWN = 30
"""Clips of a class whose own pairs weigh as much as those of all classes."""
MOST_PITCH = 0.4
"""Logarithm of a ratio of pitches from which on it is taken for a mistake by an octave, and for none."""
TRIES = 20
"""How often a change is drawn until length and level are such as real clips have."""
ENDS = [0, 2 + TIMES + SHIFTS]
"""Where a change holds what length and level become: r, and the gain of all bands at all times."""


@final
class Deformation(AudioSampler):
    """Each clip is a real one of the class, changed as clips of one class differ from each other.

    Between pairs of clips of one class, of different groups where there are any, `pair_changes` measures how time and
    frequency are warped and how loud each band is, in a few smooth coefficients. A change is drawn from their Gaussian,
    with the covariance over pairs of all classes, in which those of the own class weigh the more the more clips it has,
    and done to the wave by `grains`: nothing is synthesised. As a class's name says nothing there, a rare one gets what
    common ones show. Lengths stay within those of the class, levels within those of all clips.

    The images' `Deformation` learns the same of pictures, with networks: Hauberg et al. 2016, "Dreaming More Data", and
    Zhou et al. 2022, "Do Deep Networks Transfer Invariances Across Classes?".

    Args:
        strength: Of the changes, above 0, at most 2: 1 is as between two clips of a class.

    Attributes:
        learned_: `covariances` of changes by class, float64, shape (k, `SIZE`, `SIZE`); least and greatest `seconds` by
            class, shape (k, 2); and least and greatest `levels` of all clips, dB, shape (2,).

    Example:
        >>> from gensynth.kinds.audio.clips import Clips, Form
        >>> tones = [np.sin(np.arange(n, dtype=np.float32) / 3)[None] / 2 for n in (4000, 5000)]
        >>> x = Clips(tuple(clip_of(tone, Form(8000)) for tone in tones))
        >>> data = LabeledData(x, np.array([0, 0]), ("tone",), ("a.wav", "b.wav"))
        >>> drawn = Deformation().fit(data).sample("tone", n=2, seed=0)
        >>> all(0.5 <= clip.seconds <= 0.625 for clip in drawn.x)
        True
    """

    name = "deformation"
    arrays: ClassVar[tuple[str, ...]] = ("learned_",)

    def __init__(self, strength: float = 0.7) -> None:
        self.strength = strength

    @classmethod
    def recipes(cls) -> dict[str, Self]:
        """As `AudioSampler.recipes`."""
        return {cls.name: cls()}

    def unsuited(self, data: LabeledData) -> str:
        """As `Sampler.unsuited`."""
        return "" if np.bincount(data.y).max(initial=0) > 1 else "no class has two clips, whose differences it learns"

    def _check(self) -> None:
        super()._check()
        if isinstance(self.strength, bool) or not isinstance(self.strength, int | float) or not 0 < self.strength <= 2:
            raise ValueError(f"strength must be a number above 0, at most 2, got {self.strength!r}.")

    def _learn(self) -> None:
        if why := self.unsuited(self.data_):
            raise ValueError(f"{self.name!r} cannot learn: {why}; add clips, or use {self.instead!r} instead.")
        counts = np.bincount(self.data_.y, minlength=len(self.data_.classes))
        labels, pairs = self._pairs(counts)
        at, places = np.unique(pairs, return_inverse=True)
        view, clips = self.data_.x.view, self.data_.x[at]
        seen = [_seen(clip, view) for clip in clips]
        pictures = np.stack([found for found, _, _ in seen])
        ends = np.log([(clip.seconds, hertz) for clip, (_, hertz, _) in zip(clips, seen, strict=True)])
        a, b = places.reshape(-1, 2).T
        ends = ends[b] - ends[a]
        ends[~(np.abs(ends[:, 1]) < MOST_PITCH), 1] = 0  # nan, too
        found = changes(pictures[a], pictures[b], ends, view.rate)
        own = {int(label): found[labels == label] for label in np.unique(labels)}
        own = {label: each.T @ each / len(each) for label, each in own.items()}
        every = np.mean(list(own.values()), axis=0)
        covariances = [(n * own.get(label, every) + OWN * every) / (n + OWN) for label, n in enumerate(counts)]
        seconds = np.array([clip.seconds for clip in self.data_.x])
        within = [seconds[self.data_.y == label] for label in range(len(counts))]
        levels = [level for _, _, level in seen]
        self.learned_ = {
            "covariances": np.stack(covariances),
            "seconds": np.array([(each.min(initial=np.inf), each.max(initial=0)) for each in within]),
            "levels": np.array([min(levels), max(levels)]),
        }

    def _pairs(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Draw pairs of clips of each class that has two.

        Returns:
            Their classes, int64, shape (n,), and their positions, int64, shape (n, 2).
        """
        rng, many = np.random.default_rng(0), np.flatnonzero(counts > 1).tolist()
        most, labels, found = max(2, CLIPS // len(many)), list[int](), list[np.ndarray]()
        groups = np.array(self.data_.groups or range(len(self.data_)))
        for label in many:
            at = rng.permutation(np.flatnonzero(self.data_.y == label))[:most]
            pairs = np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)
            pairs = pairs[pairs[:, 0] != pairs[:, 1]]
            across = pairs[groups[pairs[:, 0]] != groups[pairs[:, 1]]]
            pairs = rng.permutation(across if len(across) else pairs)[: max(1, PAIRS // len(many))]
            labels += [label] * len(pairs)
            found.append(pairs)
        return np.array(labels), np.concatenate(found)

    def _prepare(self) -> None:
        k = len(self.data_.classes)
        for name, shape in {"covariances": (k, SIZE, SIZE), "seconds": (k, 2), "levels": (2,)}.items():
            if self.learned_[name].shape != shape:
                raise ValueError(f"its {name} have shape {self.learned_[name].shape}, not {shape}")
        values, vectors = np.linalg.eigh(self.learned_["covariances"])
        self._roots = vectors * np.sqrt(np.maximum(values, 0))[:, None]

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        clip = self.data_.x[turn]
        wave = clip.wave()
        change = self._drawn(label, clip.seconds, level_of(wave), rng)
        made = changed(wave, clip.form.rate, change)
        how = f"length x {np.exp(change.longer):.3g}, pitch x {np.exp(change.higher):.3g}, "
        how += f"formants x {np.exp(change.shifts[0]):.3g}"
        return clip_of(made, clip.form), f"{how}, level {level_of(made) - level_of(wave):+.1f} dB", (turn,)

    def _drawn(self, label: int, seconds: float, level: float, rng: np.random.Generator) -> Change:
        """Draw a change of a clip that leaves its length and level such as real clips have."""
        limits = np.stack([np.log(self.learned_["seconds"][label] / seconds), self.learned_["levels"] - level])
        low, high = np.minimum(limits[:, 0], 0), np.maximum(limits[:, 1], 0)
        for _ in range(TRIES):
            found = self.strength * self._roots[label] @ rng.standard_normal(SIZE)
            ends = found[ENDS]
            if ((low <= ends) & (ends <= high)).all():
                break
        found[ENDS] = np.clip(ends, low, high)
        return Change(found, self.data_.x.view.rate)


def _seen(clip: Clip, view: View) -> tuple[np.ndarray, float, float]:
    """Return the picture of a clip, its pitch and its level."""
    x = heard(clip, View(view.rate, min(clip.seconds, SECONDS)))
    return picture(log_mel(x, View(view.rate, len(x) / view.rate))), pitch(x, view.rate), level_of(x)


def level_of(wave: np.ndarray) -> float:
    """Return the root mean square of a wave in dB of full scale."""
    return float(10 * np.log10(np.mean(np.square(wave, dtype=np.float64)) + 1e-12))
