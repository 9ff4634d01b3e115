"""The settings for audio: how clips are read and split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gensynth.data.split import SplitConfig

SUFFIXES = (
    *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3"),
    *(".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64"),
)
"""Endings of the files that are read."""
RATES = (8_000, 192_000)
"""Samples per second of files that are read, the least and the most, Hz."""
SHORTEST = 0.05
"""Seconds that a clip must have."""
LONGEST = 600.0
"""Seconds that a clip may have; what is longer is cut."""
LONGEST_VIEW = 60.0
"""Seconds that networks see of a clip at most."""


@dataclass(frozen=True)
class AudioConfig(SplitConfig):
    """How clips are read and split."""

    noun: ClassVar[str] = "clip"

    rate: int | None = None
    """Samples per second, 8000 to 192000 Hz, at which networks and checks hear the clips; files keep their own. By
    default the commonest rate of the data, at most 32000."""
    seconds: float | None = None
    """Seconds of a clip, 0.05 to 60, that networks and checks hear; shorter ones are padded with silence. By default
    what 19 of 20 clips do not exceed, at most 10."""
    window: float | None = None
    """Cuts recordings into clips of this many seconds, at least 0.05; those of one file stay together, as a group does.
    A rest of half a clip or more is one, too. By default a file is a clip, and must not be longer than 10 minutes."""
    target: str | None = None
    """Name of the label column of a folder's metadata.csv (file_name, relative to the folder, and this one); by default
    the sub-folders are the classes, and where there are none the column is label."""
    follow_links: bool = False
    """Whether symbolic links in a folder may lead to folders, and out of it, as to a store of files."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rate is not None and not RATES[0] <= self.rate <= RATES[1]:
            raise ValueError(f"rate must be {RATES[0]} to {RATES[1]} Hz, got {self.rate}.")
        if self.seconds is not None and not SHORTEST <= self.seconds <= LONGEST_VIEW:
            raise ValueError(f"seconds must be {SHORTEST} to {LONGEST_VIEW:g}, got {self.seconds}.")
        if self.window is not None and not SHORTEST <= self.window <= LONGEST:
            raise ValueError(f"window must be {SHORTEST} to {LONGEST:g} seconds, got {self.window}.")
