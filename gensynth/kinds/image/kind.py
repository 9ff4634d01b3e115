"""ImageKind: what images say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, final

from gensynth.kind import Kind

if TYPE_CHECKING:
    from gensynth.data.labeled import LabeledData
    from gensynth.fidelity.space import Space
    from gensynth.kinds.image.features.extractor import Extractor


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
        return source.lower().endswith(".npz") or source.startswith("torchvision:")

    def samplers(self) -> Sequence[str]:
        """As `Kind.samplers`."""
        from gensynth.generator.registry import generator_names  # imports torch
        from gensynth.rebalance.config import SAMPLERS

        return (*generator_names(self.name), *SAMPLERS)

    def space(self, train: LabeledData, seed: int = 0, extractor: Extractor | None = None) -> Space:
        """As `Kind.space`, in the features of an extractor; by default the built-in one."""
        from gensynth.kinds.image.space import ImageSpace

        return ImageSpace(train, seed, extractor)
