"""ImageKind: what images say of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, final

from gensynth.kind import Kind, unknown
from gensynth.sampler.saved import kind_of_saved

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from gensynth.choose.design import Design
    from gensynth.data.labeled import LabeledData
    from gensynth.data.split import Parts
    from gensynth.evaluate.classifier import Classifier
    from gensynth.evaluate.config import ArmsConfig
    from gensynth.fidelity.space import Space
    from gensynth.kinds.image.config import DrawConfig, ImageChooseConfig
    from gensynth.kinds.image.rebalance import ImageAsked
    from gensynth.mix.drawn import Order
    from gensynth.mix.files import Files
    from gensynth.rebalance.job import Job, RunFiles
    from gensynth.report.contents import Contents
    from gensynth.report.markup import Html
    from gensynth.sampler.base import Sampler
    from gensynth.sampler.synthetic import Synthetic


@final
class ImageKind(Kind):
    """Images: a folder of files, arrays, or a data set of torchvision."""

    name: ClassVar[str] = "image"
    plural: ClassVar[str] = "images"
    noun: ClassVar[str] = "image"
    sources: ClassVar[str] = "images are a folder, a .npz file or torchvision:NAME"
    usual: ClassVar[bool] = True
    configs: ClassVar[Mapping[str, str]] = {
        "ReadConfig": "gensynth.kinds.image.config.DataConfig",
        "FilesConfig": "gensynth.kinds.image.config.FolderConfig",
        "CheckConfig": "gensynth.kinds.image.config.CheckConfig",
        "EvaluateConfig": "gensynth.kinds.image.classifier.config.EvaluateConfig",
        "DrawConfig": "gensynth.kinds.image.config.DrawConfig",
        "ChooseConfig": "gensynth.kinds.image.config.ImageChooseConfig",
        "RebalanceConfig": "gensynth.kinds.image.rebalance_config.RebalanceConfig",
    }
    commands: ClassVar[str] = "gensynth.kinds.image.commands"

    def claims(self, source: str) -> bool:
        """As `Kind.claims`; a folder may be anything."""
        named = source.lower().endswith(".npz") or source.startswith("torchvision:")
        return named or kind_of_saved(source) == self.name

    def read(self, source: str, config: Any) -> LabeledData:
        """As `Kind.read`."""
        from gensynth.kinds.image.read import read

        return read(source, config)

    def parts(self, source: str, config: Any) -> Parts:
        """As `Kind.parts`."""
        from gensynth.data.settings import refuse_unused
        from gensynth.kinds.image.config import TRAIN_ONLY
        from gensynth.kinds.image.read import read_parts

        refuse_unused(config, ("domain",), TRAIN_ONLY)
        return read_parts(source, config)

    def against(self, source: str, holdout: str | None, config: Any) -> Parts:
        """As `Kind.against`; folders without sub-folders are read too, as one class."""
        from gensynth.data.settings import refuse_unused
        from gensynth.kinds.image.config import TRAIN_ONLY
        from gensynth.kinds.image.read import read_against

        refuse_unused(config, ("domain",), TRAIN_ONLY)
        return read_against(source, holdout, config)

    def files(self, config: Any = None) -> Files:
        """As `Kind.files`: a folder for each class."""
        from gensynth.kinds.image.files import FolderFiles

        return FolderFiles() if config is None else FolderFiles(config.link, config.allow_small)

    def run_files(self) -> type[RunFiles]:
        """As `Kind.run_files`."""
        from gensynth.kinds.image.rebalance import ImageRunFiles

        return ImageRunFiles

    def job(self, asked: ImageAsked) -> Job:
        """As `Kind.job`."""
        from gensynth.kinds.image.rebalance import image_job

        return image_job(asked)

    def samplers(self) -> Sequence[str]:
        """As `Kind.samplers`."""
        from gensynth.generator.registry import generator_names  # imports torch
        from gensynth.kinds.image.samplers.kept import CATALOG

        return (*generator_names(self.name), *CATALOG.names())

    def made(self, sampler: str, settings: dict[str, Any] | None) -> Any:
        """As `Kind.made`; generators are trained otherwise (`gensynth.kinds.image.generator.train`)."""
        from gensynth.kinds.image.samplers.kept import CATALOG

        if sampler not in CATALOG.names():
            raise unknown("sampler", sampler, self.samplers(), self.name)
        return CATALOG.made(sampler, settings, ("sampling_strategy", "image_shape"))

    def load(self, path: Path, config: DrawConfig | None = None) -> Sampler:
        """As `Kind.load`: checkpoints, too."""
        from gensynth.kinds.image.sharded import load

        return load(path) if config is None else load(path, config.draw)

    def tried(self, train: LabeledData) -> tuple[Sequence[Any], Sequence[str]]:
        """As `Kind.tried`: those that need no training, which takes its own time."""
        from gensynth.kinds.image.samplers.kept import CATALOG

        return [self.made(name, None) for name in CATALOG.names()], ("Generators are tried where they are named.",)

    def drawn(self, sampler: Sampler, path: Path, order: Order, config: DrawConfig) -> Synthetic | None:  # noqa: ARG002
        """As `Kind.drawn`, on as many devices as are asked for."""
        from gensynth.kinds.image.sharded import drawn

        return drawn(path, order, config)

    def classifiers(self, train: LabeledData, config: Any, own: Any = None) -> Sequence[Classifier]:
        """As `Kind.classifiers`: those named; `own` is an estimator of scikit-learn, or a function that makes one."""
        from gensynth.kinds.image.classifier.catalog import classifiers_of
        from gensynth.kinds.image.classifier.config import EvaluateConfig

        if not isinstance(config, EvaluateConfig):
            raise TypeError(f"images are tested as EvaluateConfig says, got {type(config).__name__}.")
        return classifiers_of(train, config, own)

    def leak_config(self) -> ArmsConfig:
        """As `Kind.leak_config`: what is changed everywhere is soon learned from scratch, if at all."""
        from gensynth.kinds.image.classifier.config import SMALL, EvaluateConfig

        return EvaluateConfig(classifiers=(SMALL,), seeds=5, steps=200)

    def design(self, train: LabeledData, validation: LabeledData | None, config: ImageChooseConfig) -> Design:
        """As `Kind.design`: the validation images."""
        import numpy as np

        from gensynth.choose.designs import Holdout
        from gensynth.evaluate.ways import AUGMENTED, OVERSAMPLED, REAL, WEIGHTS
        from gensynth.kinds.image.classifier.catalog import classifiers_of, seeded

        if validation is None:
            raise ValueError("what suits images is chosen on validation images; give these.")
        # A stream of its own: these networks are not the ones that are tested later.
        seeds = np.random.SeedSequence([config.seed, 1]).generate_state(config.seeds).tolist()
        classifiers = [seeded(found, seeds) for found in classifiers_of(train, config.training())]
        ways, made = (REAL, WEIGHTS, OVERSAMPLED, AUGMENTED), (OVERSAMPLED, AUGMENTED)
        return Holdout(train, validation, classifiers, ways, made, config.seed)

    def space(self, train: LabeledData, seed: int = 0) -> Space:
        """As `Kind.space`, in the features of the built-in extractor."""
        from gensynth.kinds.image.space import ImageSpace

        return ImageSpace(train, seed)

    def check_space(self, train: LabeledData, config: Any, data_config: Any) -> Space:
        """As `Kind.check_space`, in the features of an extractor."""
        from gensynth.kinds.image.features.catalog import get_extractor
        from gensynth.kinds.image.space import ImageSpace

        weights, download = config.weights, data_config.download
        return ImageSpace(train, extractor=get_extractor(config.extractor, train, weights=weights, download=download))

    def look(self, contents: Contents) -> Html:
        """As `Kind.look`: a sheet of each."""
        from gensynth.kinds.image.report.pictures import look

        return look(contents)

    def pictures(
        self, contents: Contents, at: np.ndarray, texts: Sequence[str], real: np.ndarray | None = None
    ) -> Html:
        """As `Kind.pictures`."""
        from gensynth.kinds.image.report.pictures import pictures

        return pictures(contents, at, texts, real)
