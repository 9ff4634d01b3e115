"""Images: folders and arrays of them, and what only images can know."""

from __future__ import annotations

from gensynth.data.lazy import lazily

_HOME = {
    "DataConfig": "gensynth.kinds.image.config",
    "EvaluateConfig": "gensynth.kinds.image.classifier.config",
    "ImageChooseConfig": "gensynth.kinds.image.config",
    "StylizeConfig": "gensynth.kinds.image.style.config",
    "Pixels": "gensynth.kinds.image.images",
    "from_arrays": "gensynth.kinds.image.arrays",
    "read_parts": "gensynth.kinds.image.read",
    "FolderFiles": "gensynth.kinds.image.files",
    "train": "gensynth.kinds.image.generator.train",
    "ImageSampler": "gensynth.kinds.image.samplers.base",
    "NeuralSampler": "gensynth.kinds.image.samplers.neural",
    "SmoteSampler": "gensynth.kinds.image.samplers.smote",
    "Recipes": "gensynth.kinds.image.samplers.recipes",
    "ImageSpace": "gensynth.kinds.image.space",
    "ModuleFeatures": "gensynth.kinds.image.features.module_features",
}
__all__ = sorted(_HOME)
__getattr__, __dir__ = lazily(__name__, _HOME)
