"""The settings for text: how documents are read and split, tested and chosen for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from gensynth.choose.config import FoldsConfig
from gensynth.data.split import SplitConfig
from gensynth.evaluate.config import ArmsConfig, check_classifiers
from gensynth.evaluate.ways import OVERSAMPLED, REAL, THRESHOLD, WEIGHTS

METRICS = ("average_precision", "roc_auc", "balanced_accuracy_tuned", "macro_f1")
"""What a verdict or a choice may rest on."""
CLASSIFIERS = LOGISTIC, SVM = ("logistic", "svm")
"""Models of documents that need no weights of others."""
EMBEDDINGS = STATIC, SENTENCE = ("static", "sentence")
"""Embeddings that others have trained; as classifiers, logistic regression on them."""
TFIDF: Literal["tfidf"] = "tfidf"
"""What needs no weights: hashed words and characters."""


@dataclass(frozen=True)
class TextConfig(SplitConfig):
    """How documents are read and split."""

    noun: ClassVar[str] = "document"

    text: str | None = None
    """Name of the column that holds the texts."""
    target: str | None = None
    """Name of the label column; of a folder the sub-folders are the classes."""
    templates: bool = True
    """Whether documents that are nearly the same stay in one part, as groups do, where no group is given: a form letter
    in the test part that was learned by heart would flatter every classifier."""


@dataclass(frozen=True)
class TextCheckConfig:
    """What documents are compared in."""

    embedding: Literal["tfidf", "static", "sentence"] = TFIDF
    """What documents are compared by: tfidf, hashed words and characters; static, vectors of words (wordllama);
    sentence, a network that reads sentences (MiniLM)."""
    weights: Path | None = None
    """Folder of other weights: for static as model2vec saves them, for sentence as sentence-transformers does."""

    def __post_init__(self) -> None:
        if self.weights is not None and self.embedding not in EMBEDDINGS:
            raise ValueError(
                f"embedding {self.embedding} reads no weights, but {self.weights} was given; leave it out, or choose "
                f"one of {', '.join(EMBEDDINGS)}."
            )


@dataclass(frozen=True)
class TextEvaluateConfig(ArmsConfig):
    """How synthetic documents are tested."""

    ways: ClassVar[tuple[str, ...]] = (REAL, THRESHOLD, WEIGHTS, OVERSAMPLED)
    metrics: ClassVar[tuple[str, ...]] = METRICS

    metric: str = "average_precision"
    """What the verdict rests on: average_precision, roc_auc, balanced_accuracy_tuned or macro_f1."""
    arms: tuple[str, ...] = (*ways, "real + synthetic", "class weights + synthetic")
    """Ways to train, separated by commas: real, threshold, class weights, oversampled, and each of these followed by
    ' + synthetic' or ' + ungated'."""
    classifiers: tuple[str, ...] = ()
    """Classifiers, separated by commas: logistic and svm, on TF-IDF of words and characters, by default both; static
    and sentence, logistic regression on an embedding that others have trained."""
    weights: str | None = None
    """Folder of other weights for static, as model2vec saves them, or for sentence, as sentence-transformers does."""
    classifier: str | None = None
    """MODULE:NAME, an estimator of yours that takes texts and has predict_proba, or a function that makes one; it is
    imported from the working directory, and stands alone unless classifiers are named, too. Only on the command line,
    for it runs code."""
    folds: int = 5
    """Folds of the cross-validation of the training documents that tunes the threshold."""
    most_documents: int = 20_000
    """Of larger training and test parts this many documents are used, drawn by class, and of the synthetic ones the
    same share as of the training part."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self)

    @property
    def most(self) -> int:
        """As `ArmsConfig.most`."""
        return self.most_documents


@dataclass(frozen=True)
class TextChooseConfig(FoldsConfig):
    """How the choice is made."""

    metrics: ClassVar[tuple[str, ...]] = METRICS

    metric: str = "average_precision"
    """What counts: average_precision, roc_auc, balanced_accuracy_tuned or macro_f1."""
    classifiers: tuple[str, ...] = CLASSIFIERS
    """Classifiers, separated by commas, each with and without synthetic documents in the race: logistic, svm, static,
    sentence."""
    weights: str | None = None
    """Folder of other weights for static, as model2vec saves them, or for sentence, as sentence-transformers does."""
    most_documents: int = 20_000
    """Of more documents this many are used, drawn by class."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self)

    @property
    def most(self) -> int:
        """As `ChooseConfig.most`."""
        return self.most_documents


def _check(config: TextEvaluateConfig | TextChooseConfig) -> None:
    check_classifiers(config.classifiers, (*CLASSIFIERS, *EMBEDDINGS))
    if config.weights is not None and len(read := [name for name in EMBEDDINGS if name in config.classifiers]) != 1:
        raise ValueError(
            f"weights {config.weights} are for one of the classifiers {' and '.join(EMBEDDINGS)}, got "
            f"{' and '.join(read) or 'none of them'}; name one."
        )
    for name, least in (("folds", 2), ("most_documents", 100)):
        if getattr(config, name) < least:
            raise ValueError(f"{name} must be at least {least}, got {getattr(config, name)}.")
