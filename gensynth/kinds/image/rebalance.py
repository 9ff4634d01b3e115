"""What images add to a run: what draws them, and how it is fitted and kept.

Beside what all kinds keep (`gensynth.rebalance.rebalance`), the folder of a run holds:

    checkpoints/       generator.ckpt, or one NAME.ckpt per class
    synthetic/         every sample drawn, accepted or not, with metadata.csv
    dataset/           train/, validation/, test/: real and accepted synthetic images
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, TypedDict, final

import torch

from gensynth.choose.choose import choose
from gensynth.choose.designs import unseen_classes
from gensynth.choose.results import Choice
from gensynth.choose.search import Source
from gensynth.data.labeled import LabeledData
from gensynth.data.lock import first_process
from gensynth.data.names import folder_name
from gensynth.data.words import counted
from gensynth.fidelity.verdict import SampleVerdicts, Verdict
from gensynth.generator.checkpoint import Checkpoint, load_checkpoint
from gensynth.generator.registry import get_generator
from gensynth.kind import Kind
from gensynth.kinds.image.config import DataConfig, ImageChooseConfig
from gensynth.kinds.image.files import FolderFiles, refuse_small
from gensynth.kinds.image.generator.scope import named, scope_of
from gensynth.kinds.image.generator.train import TrainConfig, train
from gensynth.kinds.image.generator.train_time import seconds_to_train
from gensynth.kinds.image.read import read_parts
from gensynth.kinds.image.rebalance_config import GENERATOR, RECIPES, SMOTE, RebalanceConfig
from gensynth.kinds.image.samplers.neural import NeuralSampler
from gensynth.kinds.image.samplers.recipes import Recipes
from gensynth.kinds.image.samplers.smote import SmoteSampler
from gensynth.mix.mix import write_synthetic
from gensynth.mix.targets import RARE
from gensynth.rebalance.job import VERDICT, Asked, Job, RunFiles
from gensynth.rebalance.run import AUTO, absolute
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

ON_PHOTOGRAPHS = (
    "On photographs (CIFAR-10 with 20 or 50 images of three classes and 1,000 of the others) nothing synthetic beat "
    "the best way without: on the features of a frozen MobileNetV2 those with the spread of the nearest common classes "
    "came nearest, under a small network from scratch half of the rare images changed by TrivialAugment: "
    "docs/benchmark.md."
)
"""What `auto` says of colour images before a user hopes for much; from `benchmarks/photographs_bar.py`."""


class Settings(TypedDict):
    """What `RunFiles.settings_type` is for images."""

    kind: Literal["image"]
    source: str
    generator: str
    model: dict[str, Any]
    rebalance: RebalanceConfig
    data: DataConfig
    train: dict[str, Any]
    choose: dict[str, Any]
    evaluate: dict[str, Any]
    fingerprint: str


@final
class ImageRunFiles(RunFiles):
    """Checkpoints and folders of images."""

    usual: ClassVar[str] = RARE

    @staticmethod
    def settings_type(kind: Kind) -> Any:  # noqa: ARG004
        """As `RunFiles.settings_type`."""
        return Settings

    @staticmethod
    def data_config(settings: Settings, folder: Path, download: bool) -> DataConfig:  # noqa: ARG004
        """As `RunFiles.data_config`."""
        return replace(settings["data"], download=download)

    @property
    def data_set(self) -> Path:
        """As `RunFiles.data_set`."""
        return self.folder / "dataset"

    def form(self, kind: Kind) -> FolderFiles:  # noqa: ARG002
        """As `RunFiles.form`."""
        return FolderFiles(allow_small=self.settings["rebalance"].allow_small)

    def keep(self, synthetic: Synthetic, samples: SampleVerdicts) -> None:
        """As `RunFiles.keep`: all of them."""
        if not (self.folder / "synthetic").exists():
            write_synthetic(synthetic, samples, self.folder / "synthetic", FolderFiles())

    def read(self, verdict: Verdict) -> Synthetic:  # noqa: ARG002
        """As `RunFiles.read`."""
        return FolderFiles().read(self.folder / "synthetic", self.parts.train)[0]

    @cached_property
    def checkpoints(self) -> dict[str, Checkpoint]:
        """The trained generators by name; none where another sampler draws."""
        return {path.stem: load_checkpoint(path) for path in sorted((self.folder / "checkpoints").glob("*.ckpt"))}

    @property
    def provenance(self) -> Mapping[str, str]:
        """As `RunFiles.provenance`."""
        s, stamp = self.settings, self.verdict.stamp if self.verdict else {}
        trained = {"generator": f"{s['generator']} {s['model']}", "training": str(s["train"])}
        return {
            **(trained if self.checkpoints else {}),
            **{f"checkpoint {name}": checkpoint.sha256 for name, checkpoint in self.checkpoints.items()},
            **{f"extractor {key}": value for key, value in stamp.items()},
        }

    @property
    def history(self) -> dict[str, dict[str, list[float]]]:
        """As `RunFiles.history`."""
        return {name: checkpoint.history for name, checkpoint in self.checkpoints.items()}

    @property
    def notes(self) -> Sequence[str]:
        """As `RunFiles.notes`: those of the training."""
        return [note for checkpoint in self.checkpoints.values() for note in checkpoint.notes]


@dataclass(frozen=True, kw_only=True)
class ImageAsked(Asked):
    """What is asked of a run of images.

    Attributes:
        generator: Name of a file in models/.
        model: Settings of the generator.
        train: How to train.
    """

    generator: str
    model: Any
    train: TrainConfig


def image_job(asked: ImageAsked) -> ImageJob:
    """Return the run that is asked for; of several processes that train together, only the first one returns.

    Raises:
        ValueError: if the data or settings do not allow it.
    """
    parts, config = read_parts(asked.source, asked.data), asked.rebalance
    settings = Settings(
        kind="image",
        source=str(absolute(asked.source)),
        generator=asked.generator,
        model=asdict(asked.model),
        # A run in which nothing was mixed may be continued with --force.
        rebalance=replace(config, force=False),
        data=replace(asked.data, test_data=absolute(asked.data.test_data)),
        train=asdict(asked.train),
        choose=asdict(asked.choose),
        evaluate=asdict(asked.evaluate),
        fingerprint=parts.fingerprint,
    )
    checked = _checked(asked)
    targets = checked.targets(parts.train.class_counts, asked.choose.targets)
    job = ImageJob(
        files=ImageRunFiles(asked.out, parts, settings),
        asked=replace(asked, rebalance=checked),
        adds=next(iter(targets.values())),
        force=config.force,
        spread=config.spread,
        targets=targets,
    )
    if config.sampler == AUTO:
        unseen_classes(parts.train, parts.validation, job.targets)
    if config.sampler == GENERATOR or config.source != AUTO:
        for label in job.labels:
            scope_of(parts.train, asked.generator, label, job.sources)
    if not first_process():
        if config.sampler == GENERATOR:
            job.learn()
        sys.exit(0)  # what follows the training is one process's work
    if config.sampler in (SMOTE, GENERATOR):
        job.refuse_small(config.sampler)
    if config.sampler in (SMOTE, RECIPES) and not (asked.out / VERDICT).exists():
        job.fitted(config.sampler)  # where that is refused, nothing has been written
    return job


def _checked(asked: ImageAsked) -> RebalanceConfig:
    """Return what to make, as the generator can make it; ValueError for what only another one can do."""
    config, train_config, generator = asked.rebalance, asked.train, asked.generator
    if config.sampler != AUTO and asked.choose != ImageChooseConfig():
        raise ValueError(
            f"settings that begin with --choose are for the sampler auto, and the sampler is {config.sampler!r}; leave "
            "them out, or give --sampler auto."
        )
    if config.sampler != GENERATOR and train_config.dp is not None:
        raise ValueError(
            "dp bounds what a generator gives away, and the other samplers change real images themselves; give "
            "--sampler generator."
        )
    if config.sampler == AUTO and train_config.devices * train_config.num_nodes > 1:
        raise ValueError(
            "the sampler auto searches in one process on one device; leave out devices and num_nodes, or give "
            "--sampler generator."
        )
    cls = get_generator(generator, "image")
    if config.draw is not None and config.draw not in cls.draws:
        allowed = ", ".join(cls.draws)
        raise ValueError(f"draw {config.draw!r} is not a way in which {generator} draws; allowed: {allowed}.")
    if config.sampler in (GENERATOR, AUTO) and not cls.conditional:
        return replace(config, per_class=True)
    if config.per_class and config.spread == "all":
        raise ValueError(
            "spread 'all' needs a generator that draws classes that need no filling, and per_class trains none of "
            "those; leave out one of the two."
        )
    return config


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class ImageJob(Job):
    """See `image_job`.

    Attributes:
        targets: How many images each class shall receive, by the name of the target.
    """

    asked: ImageAsked
    targets: dict[str, dict[str, int]]
    spare: float = 0.25

    @cached_property
    def train_part(self) -> LabeledData:
        """The real training images."""
        return self.files.parts.train

    @cached_property
    def labels(self) -> list[str | None]:
        """The classes that get a generator of their own; None for all classes together."""
        filled = dict.fromkeys(name for adds in self.targets.values() for name in adds)
        return list(filled) if self.asked.rebalance.per_class else [None]

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The classes whose images the generator changes; empty where it takes the nearest one."""
        return named(self.asked.rebalance.source, self.train_part.classes)

    def learn(self) -> Path:
        """Train the generators that are not trained yet; return their checkpoint, or the folder of those by class."""
        folder, data = self.files.folder / "checkpoints", self.train_part
        for label in self.labels:
            path = folder / f"{'generator' if label is None else folder_name(label)}.ckpt"
            train(
                data,
                self.asked.generator,
                self.asked.model,
                self.asked.train,
                path,
                label=label,
                source=self.sources,
                download=self.asked.data.download,
                quiet=self.asked.quiet,
            )
        return folder if self.asked.rebalance.per_class else path

    def refuse_small(self, sampler: str) -> None:
        """Raise ValueError if what a sampler draws would be refused beside the real images (`FolderFiles`)."""
        native = sampler == RECIPES or (sampler != SMOTE and get_generator(self.asked.generator, "image").native)
        if not native and not self.asked.rebalance.allow_small:
            for name in self.adds:
                refuse_small(self.train_part, name, max(self.train_part.x.layout[1:]))

    def fitted(self, sampler: str) -> Sampler:
        """As `Job.fitted`."""
        return self._known(GENERATOR if sampler == self.asked.generator else sampler)

    @cached_property
    def _known(self) -> Callable[[str], Sampler]:
        """`_fitted`, once for each sampler: what is tried for the choice is used afterwards."""
        return cache(self._fitted)

    def _fitted(self, name: str) -> Sampler:
        if name == GENERATOR:
            return NeuralSampler(self.learn(), draw=self.asked.rebalance.draw, device=_device(self.asked.train))
        # A class that only a larger target fills is no reason to do without a sampler.
        needed, data = list(self.adds), self.train_part
        return _smote(data, needed) if name == SMOTE else _recipes(data, needed, self.asked.rebalance.sample_seed)

    def seconds_to_learn(self) -> float:
        """Return about how long `learn` takes from its start."""
        asked, label = self.asked, self.labels[0]
        of_one = seconds_to_train(
            self.train_part, asked.generator, asked.model, asked.train, label, self.sources, asked.data.download
        )
        return len(self.labels) * of_one

    def choose(self) -> Choice:
        """As `Job.choose`, on the validation part."""
        # Pixel SMOTE last: of few images it draws mostly near copies, which are rejected, and that takes time.
        tried = [
            Source(RECIPES, lambda _: self.fitted(RECIPES)),
            Source(self.asked.generator, lambda _: self.fitted(GENERATOR), self.seconds_to_learn),
            Source(SMOTE, lambda _: self.fitted(SMOTE)),
        ]
        train, validation = self.train_part, self.files.parts.validation
        unseen = ", ".join(map(repr, unseen_classes(train, validation, self.targets)))
        notes = [f"No validation image is of {unseen}: the choice is blind to that."] if unseen else []
        if train.x.layout[0] == 3:
            notes.append(ON_PHOTOGRAPHS)
        for source in [*tried]:
            try:
                self.refuse_small(source.name)
            except ValueError as error:
                tried.remove(source)
                notes.append(f"{source.name} was not tried: {error}")
        config = self.asked.choose.tested_by(self.asked.evaluate)
        return choose(train, validation, tried, self.targets, config, self.files.folder, notes, self.asked.quiet)


def _smote(train_part: LabeledData, filled: Sequence[str]) -> SmoteSampler:
    sampler = SmoteSampler().fit(train_part)
    for name in filled:
        if name not in sampler.labels:
            raise ValueError(
                f"smote needs 2 images of {name!r}, and its training part has {train_part.class_counts[name]}; add "
                "images, or give --sampler generator."
            )
    return sampler


def _recipes(train_part: LabeledData, filled: Sequence[str], seed: int) -> Recipes:
    sampler = Recipes("auto", random_state=seed)
    sampler.fit(train_part)
    if bad := [name for name in filled if sampler.safety_ is not None and not sampler.safety_.safe_for(name)]:
        raise ValueError(
            f"no recipe is measured to keep images of {bad[0]!r} ({counted(train_part.class_counts[bad[0]], 'image')}) "
            "in their class; 'gensynth explore DATA --recipes' shows how each one does; give another --sampler."
        )
    return sampler


def _device(config: TrainConfig) -> str:
    return "cuda" if config.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available() else "cpu"
