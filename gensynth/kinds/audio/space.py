"""ClipSpace: where clips are compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, final

import numpy as np

from gensynth.fidelity.plain_space import PlainSpace
from gensynth.fidelity.space import Seen
from gensynth.kinds.audio.clips import Clips
from gensynth.kinds.audio.mel import heard, log_mel


@final
class ClipSpace(PlainSpace):
    """Mean log-mel of clips."""

    stamp: ClassVar[Mapping[str, str]] = {"name": "mean log-mel"}

    def see(self, x: Clips) -> Seen:
        """As `Space.see`."""
        mels = [log_mel(heard(clip, x.view), x.view) for clip in x.clips]
        points = np.array([mel.mean(axis=1) for mel in mels], dtype=np.float64)
        wide = np.array([np.r_[mel.mean(axis=1), mel.std(axis=1)] for mel in mels], dtype=np.float64)
        return Seen(x.hashes(), wide, points, points, {"silent": (points <= -79).all(axis=1)})
