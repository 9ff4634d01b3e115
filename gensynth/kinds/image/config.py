"""The settings for images: how they are read, split, written, checked and chosen for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import ClassVar, Literal

from gensynth.choose.config import ChooseConfig
from gensynth.data.split import SplitConfig
from gensynth.generator.config import SIDES
from gensynth.kinds.image.classifier.config import ClassifierConfig, EvaluateConfig
from gensynth.kinds.image.pixels import WHITE

TRAIN_ONLY = "domains are for 'gensynth train' with --source_domain and --target_domain"
"""Why most verbs refuse `domain`."""


@dataclass(frozen=True)
class DataConfig(SplitConfig):
    """How real images are read and split."""

    noun: ClassVar[str] = "image"

    size: int | tuple[int, int] | None = None
    """Side in pixels, or [height, width], each 8 to 256, at which networks and checks see the images; files keep their
    own. By default their own size; if they differ, one that nine in ten reach, in their median proportions; 64 pixels
    if it is longer than 128."""
    fit: Literal["pad", "crop", "stretch"] = "pad"
    """How images of other proportions are seen at that size: pad, whole, beside it their mirror image; crop, their
    middle; stretch, in other proportions. Only stretch enlarges."""
    channels: Literal[1, 3] | None = None
    """1 for grey, 3 for colour. By default 1 if every image is grey, else 3."""
    domain: str | None = None
    """Column of a folder's metadata.csv, or array of an .npz file, that says which domain (scanner, hospital, time of
    day) an image is from."""
    download: bool = False
    """Whether files of a torchvision data set and pretrained weights may be downloaded."""
    memory_gb: float = 4.0
    """Images that take more than this many GB as uint8 are read on demand."""
    white: int | None = None
    """The value that is white in images with more than 8 bits, such as 4000 for a camera that ends there. By default
    the smallest of 255, 1023, 4095, 16383 and 65535 that no value of the data set exceeds."""
    follow_links: bool = False
    """Whether symbolic links in a folder may lead to folders, and out of it, as to a store of files."""
    cache: str | None = None
    """Folder in which decoded photographs are kept for the next run; by default gensynth's own among your caches."""
    no_cache: bool = False
    """Keep none, and use none."""
    cache_gb: float = 10.0
    """What all that are kept may take, in GB; those that were not used for longest are removed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        sides = self.size if isinstance(self.size, tuple) else (self.size, self.size)
        if self.size is not None and not (
            len(sides) == 2 and all(isinstance(s, int) and SIDES[0] <= s <= SIDES[1] for s in sides)
        ):
            raise ValueError(f"size must be {SIDES[0]} to {SIDES[1]} pixels, or two such numbers, got {self.size}.")
        if self.channels not in (None, 1, 3):
            raise ValueError(f"channels must be 1 or 3, got {self.channels}.")
        for name in ("memory_gb", "cache_gb"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0, got {getattr(self, name)}.")
        if self.white is not None and not 1 <= self.white <= WHITE:
            raise ValueError(f"white must be 1 to {WHITE}, got {self.white}.")


@dataclass(frozen=True)
class ImageChooseConfig(ClassifierConfig, ChooseConfig):
    """How the choice is made; by the classifiers of the test that follows, where none are named."""

    metrics: ClassVar[tuple[str, ...]] = EvaluateConfig.metrics

    metric: str = EvaluateConfig.metric
    """What counts: balanced_accuracy, macro_f1 or average_precision."""
    standard_errors: float = 0.0
    """How far ahead of a simpler way another one has to be, in standard errors. The test part decides afterwards: to be
    ahead at all is enough."""
    budget: str = "20m"
    """Time, such as 90s, 20m or 2h: of samplers and classifiers the cheapest that fit are tried, and a note says what
    is left out. The test that follows comes on top."""
    seeds: int = 2
    """Small networks for each way, at least 2; the test that follows takes more."""
    steps: int | None = None
    """Gradient steps per small network, at least 10; by default as in the test."""
    batch_size: int = 64
    """Images per gradient step."""

    def __post_init__(self) -> None:
        super().__post_init__()
        ChooseConfig.__post_init__(self)
        self.training()

    def training(self) -> EvaluateConfig:
        """Return how the classifiers are trained; ValueError if they cannot be."""
        shared = {f.name: getattr(self, f.name) for f in fields(ClassifierConfig)}
        return EvaluateConfig(seeds=self.seeds, steps=self.steps, batch_size=self.batch_size, **shared)

    def tested_by(self, config: ClassifierConfig) -> ImageChooseConfig:
        """Return the same, by the classifiers of a test, where none are named here."""
        shared = {f.name: getattr(self, f.name) for f in fields(ClassifierConfig)}
        given = shared != asdict(ClassifierConfig())
        return self if given else replace(self, **{name: getattr(config, name) for name in shared})


@dataclass(frozen=True)
class DrawConfig:
    """How images are drawn."""

    draw: str | None = None
    """How the generator draws; by default its first choice."""
    device: str = "auto"
    """cpu, cuda, or auto."""
    devices: int = 1
    """Processes on this machine, each of which draws its share."""
    num_nodes: int = 1
    """Number of machines."""


@dataclass(frozen=True)
class FolderConfig:
    """How a folder of images is written."""

    link: Literal["copy", "hard", "symbolic"] = "copy"
    """How real files get there: as a copy, or as a hard or symbolic link."""
    allow_small: bool = False
    """Whether synthetic images of less than half the size of the real ones may be mixed with them."""


@dataclass(frozen=True)
class CheckConfig:
    """What images are compared in."""

    extractor: str = "pyramid"
    """What features are made of: pyramid, task, imagenet, inception or dinov2."""
    weights: Path | None = None
    """File of the extractor's weights, where it is not found by itself."""
