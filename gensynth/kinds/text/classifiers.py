"""The classifiers that tell whether synthetic documents help: models of documents in all ways."""

from __future__ import annotations

from typing import Any

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.model_classifier import ModelClassifier
from gensynth.evaluate.models import Model, Own
from gensynth.evaluate.own import named_classifier
from gensynth.kinds.text.config import CLASSIFIERS
from gensynth.kinds.text.documents import Documents
from gensynth.kinds.text.models import linear_models


def classifiers_of(train: LabeledData, config: Any, own: Any = None) -> list[ModelClassifier]:
    """Return the classifiers that settings name, by default all; the user's stands alone unless others are named.

    Args:
        train: Real training documents.
        config: A `TextEvaluateConfig` or a `TextChooseConfig`.
        own: As `Own.of` takes it; None for what settings name.

    Raises:
        FileNotFoundError: if weights of an embedding that settings name are not on this machine.
        ModuleNotFoundError: if a package that it needs is not installed.
        TypeError: as `Own.of`.
        ValueError: if what settings name cannot be imported, or weights cannot be read.
    """
    named = getattr(config, "classifier", None)
    given = own if own is not None or named is None else named_classifier(named)
    models: list[Model] = [] if given is None else [Own.of(given, "texts")]
    names = config.classifiers or (() if models else CLASSIFIERS)
    models += linear_models(train, names, config.seed, config.weights)
    return [ModelClassifier(model, config.seed, config.folds, _texts) for model in models]


def _texts(x: Documents) -> list[str]:
    return list(x.texts)
