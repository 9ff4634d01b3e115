"""Recipes: classical augmentation of sound as a sampler, with label safety measured where it is asked to choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self, final

import numpy as np

from gensynth.data.words import did_you_mean
from gensynth.fidelity.label_safety import UNSAFE, LabelSafety, can_be_measured
from gensynth.kinds.audio.clips import clip_of
from gensynth.kinds.audio.effects.beside import SoundFolder, beside
from gensynth.kinds.audio.effects.catalog import EFFECTS, Beside
from gensynth.kinds.audio.effects.level import limited, peak_of
from gensynth.kinds.audio.effects.room import from_direct_sound
from gensynth.kinds.audio.mel import resampled
from gensynth.kinds.audio.samplers.base import AudioSampler
from gensynth.kinds.audio.samplers.recipe_safety import recipe_safety
from gensynth.sampler.in_turn import Made

AUTO = "auto"
GENTLE = "shift", "noise", "gain"
"""Effects of a class for which none could be measured, unless one of them is unsafe for any class."""
MIX, BACKGROUND = "mix", "background"


@final
class Recipes(AudioSampler):
    """Each clip is a real one of the class after one effect or a few, in the order in which a recording meets them.

    It keeps its parent's rate, channels and format; its length, but for `speed`, `stretch` and `part`; and a parent
    that stays within full scale has no child beyond it. `background` and `mix` take in another clip, which is told as
    a further parent.

    Args:
        effects: Names out of `EFFECTS`, with commas, or `auto`: for each class those that `fit` measures to be safe for
            it. A class for which nothing can be measured gets `GENTLE`, if these are unsafe for none.
        most: Effects of one clip, at most; at least 1.
        background: Folder of sounds that `background` takes; None for other clips, of any class.
        rooms: Folder of recorded responses that `room` takes; None for synthetic ones.

    Attributes:
        safety_: What `auto` measured; None with named effects, or where nothing could be measured.

    Example:
        >>> from gensynth.kinds.audio.clips import Clips, Form, clip_of
        >>> from gensynth.data.labeled import LabeledData
        >>> tone = np.sin(np.arange(4000, dtype=np.float32))[None] / 2
        >>> data = LabeledData(Clips((clip_of(tone, Form(8000)),)), np.array([0]), ("tone",), ("a.wav",))
        >>> drawn = Recipes("gain", most=1).fit(data).sample("tone", n=1, seed=0)
        >>> drawn.how, drawn.x[0].seconds
        (('gain +1.643 dB',), 0.5)
    """

    name = "recipes"
    learned: ClassVar[dict[str, Any]] = {"safety_": LabelSafety | None}

    def __init__(
        self, effects: str = AUTO, most: int = 3, background: str | None = None, rooms: str | None = None
    ) -> None:
        self.effects, self.most, self.background, self.rooms = effects, most, background, rooms

    @classmethod
    def recipes(cls) -> dict[str, Self]:
        """As `AudioSampler.recipes`: each effect by itself."""
        return {name: cls(name, most=1) for name in EFFECTS}

    def _check(self) -> None:
        super()._check()
        names = [name.strip() for name in self.effects.split(",")]
        if wrong := next((name for name in names if name not in EFFECTS and names != [AUTO]), None):
            known = ", ".join(EFFECTS)
            raise ValueError(f"effects has no {wrong!r}; it is {AUTO!r}, or has {known}.{did_you_mean(wrong, EFFECTS)}")
        if not isinstance(self.most, int) or self.most < 1:
            raise ValueError(f"most must be a whole number of at least 1, got {self.most!r}.")
        self._named = names
        self._sounds = None if self.background is None else SoundFolder.of(self.background, "background")
        self._rooms = None if self.rooms is None else SoundFolder.of(self.rooms, "rooms")

    def _learn(self) -> None:
        measured = self._named == [AUTO] and can_be_measured(self.data_)
        own = {name: type(self)(name, 1, self.background, self.rooms) for name in EFFECTS}
        self.safety_: LabelSafety | None = recipe_safety(self.data_, own) if measured else None

    def _made(self, label: int, turn: int, rng: np.random.Generator) -> Made:
        clip, parents = self.data_.x[turn], [turn]
        wave, rate = clip.wave(), clip.form.rate
        peak = max(peak_of(wave), 1.0)

        def same(channels: int, frames: int) -> np.ndarray:
            return beside(self._another(self._pool(label), parents, rate, rng), channels, frames, rng)

        def other(channels: int, frames: int) -> np.ndarray:
            if self._sounds is not None:
                found = self._sounds.part(frames / rate, rate, rng)
            else:
                found = self._another(np.arange(len(self.data_)), parents, rate, rng)
            return beside(found, channels, frames, rng, repeated=True)

        rooms = self._rooms
        response = None if rooms is None else lambda: from_direct_sound(rooms.start(rate, rng))
        at_hand, told = Beside(rate, rng, same, other, response), []
        for name in self._chain(label, rng):
            wave, numbers = EFFECTS[name](wave, at_hand)
            wave = limited(wave, peak)
            told.append(f"{name} {numbers}".rstrip())
        return clip_of(wave, clip.form), " + ".join(told), parents

    def _another(self, pool: np.ndarray, parents: list[int], rate: int, rng: np.random.Generator) -> np.ndarray:
        """Return the wave of another clip, at a rate, and count it among the parents."""
        found = parents[0]
        while found == parents[0]:
            found = int(pool[rng.integers(len(pool))])
        parents.append(found)
        clip = self.data_.x[found]
        return resampled(clip.wave(), clip.form.rate, rate)

    def _chain(self, label: int, rng: np.random.Generator) -> Sequence[str]:
        """Draw the effects of one clip."""
        choices = self._choices(label)
        n = int(rng.integers(1, min(self.most, len(choices)) + 1))
        drawn = {choices[i] for i in rng.permutation(len(choices))[:n]}
        return [name for name in EFFECTS if name in drawn]

    def _choices(self, label: int) -> Sequence[str]:
        """Return the effects that a class may get.

        Raises:
            ValueError: if there are none.
        """
        name, n = self.data_.classes[label], len(self._pool(label))
        found = self._safe_for(name) if self._named == [AUTO] else self._named
        alone = {MIX} if n < 2 else set()
        alone |= {BACKGROUND} if len(self.data_) < 2 and self._sounds is None else set()
        if left := [effect for effect in found if effect not in alone]:
            return left
        why = f"{', '.join(found)} needs another clip" if found else "no effect is measured to be safe for it"
        raise ValueError(
            f"class {name!r} ({n} of {len(self.data_)} clips) cannot be drawn from: {why}; name effects, such as "
            f"{','.join(GENTLE)}, or add clips."
        )

    def _safe_for(self, name: str) -> Sequence[str]:
        """Return what was measured to be safe for a class; where that is nothing, `GENTLE` without what is unsafe."""
        if self.safety_ is None:
            return GENTLE
        harmful = {row.recipe for row in self.safety_.by_class if row.verdict == UNSAFE}
        return self.safety_.safe_for(name) or [effect for effect in GENTLE if effect not in harmful]
