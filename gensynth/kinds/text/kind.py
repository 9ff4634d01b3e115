"""TextKind: what text says of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, final

from gensynth.data.frames import FRAMES, LINES
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

LOOKED_AT = 50
"""Files of a folder that tell whether it holds documents; images may have .txt files beside them."""
MOST_CLASSES = 500
"""Classes of which the classifiers are fitted: a logistic regression of 100,000 words holds 5 GB for these."""


@final
class TextKind(PlainKind):
    """Text: documents in a column of a table, or .txt files in a folder per class."""

    name: ClassVar[str] = "text"
    plural: ClassVar[str] = "documents"
    noun: ClassVar[str] = "document"
    sources: ClassVar[str] = f"of a table --text names the column of the texts; {LINES} files and folders of .txt"
    told_by: ClassVar[str] = "text"
    configs: ClassVar[Mapping[str, str]] = {
        "ReadConfig": "gensynth.kinds.text.config.TextConfig",
        "CheckConfig": "gensynth.kinds.text.config.TextCheckConfig",
        "EvaluateConfig": "gensynth.kinds.text.config.TextEvaluateConfig",
        "ChooseConfig": "gensynth.kinds.text.config.TextChooseConfig",
    }
    commands: ClassVar[str] = "gensynth.kinds.text.commands"

    def claims(self, source: str) -> bool:
        """As `Kind.claims`: a folder is looked into."""
        return source.lower().endswith(LINES) or kind_of_saved(source) == self.name or _is_folder(source)

    def takes(self, source: str) -> bool:
        """As `Kind.takes`: any table may hold documents."""
        return source.lower().endswith(FRAMES) or self.claims(source)

    def read(self, source: str, config: Any) -> LabeledData:
        """As `Kind.read`."""
        from gensynth.kinds.text.read import read_documents

        return read_documents(source, config)

    def read_like(self, source: str, like: LabeledData, config: Any) -> LabeledData:
        """As `Kind.read_like`: the same columns."""
        from gensynth.kinds.text.read import read_documents

        return read_documents(source, config, like.x.form)

    def files(self, config: Any = None) -> Files:
        """As `Kind.files`: a table, or a folder for each class."""
        from gensynth.kinds.text.files import DocumentFiles

        return DocumentFiles()

    def samplers(self) -> Sequence[str]:
        """As `Kind.samplers`."""
        from gensynth.kinds.text.samplers.catalog import text_sampler_names

        return text_sampler_names()

    def made(self, sampler: str, settings: dict[str, Any] | None) -> Any:
        """As `Kind.made`."""
        from gensynth.kinds.text.samplers.catalog import made_sampler

        return made_sampler(sampler, settings)

    def load(self, path: Path, config: Any = None) -> Sampler:
        """As `Kind.load`."""
        from gensynth.kinds.text.samplers.catalog import load_sampler

        return load_sampler(path)

    def suited(self, config: Any, train: LabeledData) -> Any:
        """As `Kind.suited`: ValueError if there are more classes than the classifiers can be fitted to."""
        if (k := len(train.classes)) > MOST_CLASSES:
            raise ValueError(
                f"the documents have {k:,} classes, and classifiers of documents are fitted to at most {MOST_CLASSES}; "
                "merge classes, or take some of them."
            )
        return config

    def space(self, train: LabeledData, seed: int = 0) -> Space:
        """As `Kind.space`."""
        from gensynth.kinds.text.space import DocumentSpace

        return DocumentSpace(train, seed)

    def check_space(self, train: LabeledData, config: Any, data_config: Any) -> Space:  # noqa: ARG002
        """As `Kind.check_space`, in the embedding that is named."""
        from gensynth.kinds.text.config import EMBEDDINGS
        from gensynth.kinds.text.embeddings import pretrained
        from gensynth.kinds.text.space import DocumentSpace

        named = config.embedding in EMBEDDINGS
        return DocumentSpace(train, features=pretrained(config.embedding, config.weights) if named else None)

    def classifiers(self, train: LabeledData, config: Any, own: Any = None) -> Sequence[Classifier]:
        """As `Kind.classifiers`: the models that settings name; `own` is an estimator that takes texts."""
        from gensynth.kinds.text.classifiers import classifiers_of

        return classifiers_of(train, config, own)

    def pictures(
        self, contents: Contents, at: np.ndarray, texts: Sequence[str], real: np.ndarray | None = None
    ) -> Html:
        """As `Kind.pictures`: documents beside real ones, what was changed marked."""
        from gensynth.kinds.text.report.pictures import pictures

        return pictures(contents, at, texts, real)


def _is_folder(source: str) -> bool:
    """Whether a source is a folder whose sub-folders begin with .txt files, and hold nothing else there."""
    first: list[str] = []
    try:
        for below in os.scandir(source):  # read as it goes: there may be a million
            if below.is_dir() and len(first) < LOOKED_AT:
                with os.scandir(below) as files:
                    first += [file.name for file in islice(files, LOOKED_AT) if not file.name.startswith(".")]
    except (OSError, ValueError):
        return False
    return bool(first) and all(name.lower().endswith(".txt") for name in first)
