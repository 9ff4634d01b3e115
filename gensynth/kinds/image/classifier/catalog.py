"""The classifiers of images by name, and those that are taken where none is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.outcome import rarer
from gensynth.evaluate.own import named_classifier
from gensynth.kinds.image.classifier.config import SMALL, TRUNK, EvaluateConfig
from gensynth.kinds.image.classifier.finetune import Finetuned
from gensynth.kinds.image.classifier.heads import HEADS
from gensynth.kinds.image.classifier.networks import Networks
from gensynth.kinds.image.classifier.on_trunk import OnTrunk
from gensynth.kinds.image.classifier.own import Command
from gensynth.kinds.image.classifier.trunk import Trunk
from gensynth.kinds.image.classifier.views import Views
from gensynth.kinds.image.classifier.weights import MISSING, find_trunk

TUNED = 2
"""Seeds of a trunk that is trained on, of those of small networks the first."""
NO_WEIGHTS = (
    "Tested by small networks that learn from scratch, for no pretrained weights are at hand; on photographs a "
    f"pretrained trunk is what people use, and tells more: {MISSING}, or name others with --evaluate.trunk."
)
TINY = 32
"""Images with a longer side below this are no photographs: a trunk that learned from such says little of them."""
TOO_SMALL = (
    "Tested by small networks that learn from scratch: images of less than 32 pixels are too small for a trunk "
    "pretrained on photographs; --evaluate.classifiers small,trunk takes both."
)


def classifiers_of(train: LabeledData, config: EvaluateConfig, own: Any = None) -> Sequence[Classifier]:
    """Return what settings name, or the usual ones; `own` as `Networks.of` takes it, which then stands alone.

    Raises:
        FileNotFoundError: if a trunk is named, and its weights are not at hand.
        ModuleNotFoundError: if the package that knows it is not installed.
        OSError: if a download fails.
        TypeError: as `Networks.of`.
        ValueError: as `Networks.of`, or if a file does not hold the weights of the trunk.
    """
    if own is not None:
        return [Networks.of(train, config, own)]
    positive = rarer(train.y, len(train.classes))
    found: list[Classifier] = []
    if config.classifier is not None:
        found.append(Networks.of(train, config, named_classifier(config.classifier)))
    if config.command is not None:
        found.append(Command(config.command, config.minutes, positive))
    if found and not config.classifiers:
        return found
    usual = TOO_SMALL if max(train.x.layout[1:]) < TINY else NO_WEIGHTS
    small = config.classifiers == (SMALL,) or (not config.classifiers and usual == TOO_SMALL)
    weights = None if small else find_trunk(config, train.x.layout)
    names = config.classifiers or ((SMALL,) if weights is None else (TRUNK,))
    trunk = None if weights is None else Trunk(Views(weights))
    for name in names:
        if name == SMALL:
            found.append(replace(Networks.of(train, config), notes=() if config.classifiers else (usual,)))
        elif trunk is None:
            raise FileNotFoundError(
                f"no pretrained weights are at hand; {MISSING}, name others with --evaluate.trunk and "
                "--evaluate.weights, or give --evaluate.classifiers small."
            )
        elif name == TRUNK:
            found += [OnTrunk(head, trunk, positive) for head in HEADS]
        else:
            found.append(Finetuned(trunk, config.network_seeds[:TUNED], len(train), positive))
    return found


def seeded(classifier: Classifier, seeds: Sequence[int]) -> Classifier:
    """Return a classifier whose networks, if it has any, get these seeds."""
    if not isinstance(classifier, Networks):
        return classifier
    return replace(classifier, training=replace(classifier.training, seeds=seeds))
