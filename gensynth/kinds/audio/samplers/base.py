"""AudioSampler: what all samplers of clips share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from gensynth.kinds.audio import kept
from gensynth.kinds.audio.clips import Clip, Clips
from gensynth.kinds.audio.encode import stored
from gensynth.sampler.in_turn import InTurn


class AudioSampler(InTurn):
    """Draws clips of real ones.

    A concrete sampler writes `name`, what `InTurn` says, and the constructor if it adds arguments. Its `_made` returns
    a `Clip` (`clip_of(wave, form)`) in the form of its parent. What is drawn is what a file of that form holds of it,
    so that checks and classifiers hear what will be written.
    """

    kind: ClassVar[str] = "audio"
    instead: ClassVar[str] = "recipes"

    def _examples(self, made: Sequence[Clip]) -> Clips:
        """As `InTurn._examples`."""
        return Clips(tuple(map(stored, made)), self.data_.x.view)

    @staticmethod
    def packed(x: Clips) -> np.ndarray:
        """As `KeptSampler.packed`."""
        return kept.packed(x)

    @staticmethod
    def unpacked(array: np.ndarray) -> Clips:
        """As `KeptSampler.unpacked`."""
        return kept.unpacked(array)
