"""AudioKind: what audio says of itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, final

from gensynth.kinds.plain import PlainKind
from gensynth.sampler.saved import kind_of_saved

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from gensynth.data.labeled import LabeledData
    from gensynth.evaluate.classifier import Classifier
    from gensynth.fidelity.space import Space
    from gensynth.mix.files import Files
    from gensynth.report.contents import Contents
    from gensynth.report.markup import Html
    from gensynth.sampler.base import Sampler

LOOKED_AT, DEPTH = 50, 4
"""Files of a folder, and folders below each other, that tell whether it holds sounds."""
SHARE = 1 / 3
"""Of these are sounds, at least: texts and pictures of them may lie beside them."""


@final
class AudioKind(PlainKind):
    """Audio: sound files in a folder per class, or beside a metadata.csv."""

    name: ClassVar[str] = "audio"
    plural: ClassVar[str] = "clips"
    noun: ClassVar[str] = "clip"
    sources: ClassVar[str] = "clips are a folder of .wav, .flac, .ogg, .mp3, ... files"
    configs: ClassVar[Mapping[str, str]] = {
        "ReadConfig": "gensynth.kinds.audio.config.AudioConfig",
        "EvaluateConfig": "gensynth.kinds.audio.evaluate_config.AudioEvaluateConfig",
        "ChooseConfig": "gensynth.kinds.audio.evaluate_config.AudioChooseConfig",
    }
    commands: ClassVar[str] = "gensynth.kinds.audio.commands"

    def claims(self, source: str) -> bool:
        """As `Kind.claims`: a folder is looked into."""
        return kind_of_saved(source) == self.name or _is_folder(source)

    def read(self, source: str, config: Any) -> LabeledData:
        """As `Kind.read`."""
        from gensynth.kinds.audio.read import read_clips

        return read_clips(source, config)

    def read_like(self, source: str, like: LabeledData, config: Any) -> LabeledData:
        """As `Kind.read_like`: heard as these are."""
        from gensynth.kinds.audio.read import read_clips

        return read_clips(source, config, like.x.view)

    def files(self, config: Any = None) -> Files:
        """As `Kind.files`: a folder for each class."""
        from gensynth.kinds.audio.files import ClipFolders

        return ClipFolders()

    def samplers(self) -> Sequence[str]:
        """As `Kind.samplers`."""
        from gensynth.kinds.audio.samplers.catalog import audio_sampler_names

        return audio_sampler_names()

    def made(self, sampler: str, settings: dict[str, Any] | None) -> Any:
        """As `Kind.made`."""
        from gensynth.kinds.audio.samplers.catalog import made_sampler

        return made_sampler(sampler, settings)

    def load(self, path: Path, config: Any = None) -> Sampler:
        """As `Kind.load`."""
        from gensynth.kinds.audio.samplers.catalog import load_sampler

        return load_sampler(path)

    def refound(self, sampler: Sampler, train: LabeledData) -> Sampler:
        """As `Kind.refound`: its file names the files of clips, which may have been moved."""
        from gensynth.kinds.audio.samplers.base import AudioSampler

        return sampler.on(train) if isinstance(sampler, AudioSampler) else sampler

    def space(self, train: LabeledData, seed: int = 0) -> Space:
        """As `Kind.space`."""
        from gensynth.kinds.audio.space import AudioSpace

        return AudioSpace(train, seed)

    def classifiers(self, train: LabeledData, config: Any, own: Any = None) -> Sequence[Classifier]:
        """As `Kind.classifiers`: what settings name; `own` makes a network, or is an estimator that takes waves."""
        from gensynth.kinds.audio.classifiers import classifiers_of

        return classifiers_of(train, config, own)

    def look(self, contents: Contents) -> Html:
        """As `Kind.look`: spectrograms and players."""
        from gensynth.kinds.audio.report.pictures import look

        return look(contents)

    def pictures(
        self, contents: Contents, at: np.ndarray, texts: Sequence[str], real: np.ndarray | None = None
    ) -> Html:
        """As `Kind.pictures`: spectrograms and players beside those of real clips."""
        from gensynth.kinds.audio.report.pictures import pictures

        return pictures(contents, at, texts, real)


def _is_folder(source: str) -> bool:
    """Whether a source is a folder whose first files, at any depth, are sounds as often as `SHARE`."""
    from gensynth.kinds.audio.config import SUFFIXES

    names = list(islice(_names(source, DEPTH), LOOKED_AT))
    return sum(name.lower().endswith(SUFFIXES) for name in names) >= max(1, SHARE * len(names))


def _names(folder: str, depth: int) -> Iterator[str]:
    """Yield names of files in and below a folder, as they come: there may be a million; none where it is no folder."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_file():
                    yield entry.name
                elif depth and entry.is_dir():
                    yield from _names(entry.path, depth - 1)
    except (OSError, ValueError):
        return
