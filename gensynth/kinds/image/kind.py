"""ImageKind: what images say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, final

from gensynth.kind import Kind, unknown
from gensynth.sampler.saved import kind_of_saved

if TYPE_CHECKING:
    from gensynth.data.labeled import LabeledData
    from gensynth.evaluate.classifier import Classifier
    from gensynth.evaluate.config import ArmsConfig


@final
class ImageKind(Kind):
    """Images: a folder of files, arrays, or a data set of torchvision."""

    name: ClassVar[str] = "image"
    plural: ClassVar[str] = "images"
    noun: ClassVar[str] = "image"
    sources: ClassVar[str] = "images are a folder, a .npz file or torchvision:NAME"
    usual: ClassVar[bool] = True

    def claims(self, source: str) -> bool:
        """As `Kind.claims`; a folder may be anything."""
        named = source.lower().endswith(".npz") or source.startswith("torchvision:")
        return named or kind_of_saved(source) == self.name

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

    def classifiers(self, train: LabeledData, config: ArmsConfig, own: Any = None) -> Sequence[Classifier]:
        """As `Kind.classifiers`: networks; `own` is an estimator of scikit-learn, or a function that makes one."""
        from gensynth.evaluate.config import EvaluateConfig
        from gensynth.evaluate.networks import Networks

        if not isinstance(config, EvaluateConfig):
            raise TypeError(f"images are tested as EvaluateConfig says, got {type(config).__name__}.")
        return [Networks.of(train, config, own)]
