"""gensynth: synthetic training data for the classes you have too little of."""

from __future__ import annotations

from importlib.metadata import version

from gensynth.data.lazy import lazily

__version__ = version("gensynth")

_HOME = {
    "LabeledData": "gensynth.data.labeled",
    "Pixels": "gensynth.kinds.image.images",
    "Parts": "gensynth.data.split",
    "DataConfig": "gensynth.kinds.image.config",
    "read": "gensynth.kinds.image.read",
    "read_parts": "gensynth.kinds.image.read",
    "Generator": "gensynth.generator.base",
    "TrainConfig": "gensynth.generator.config",
    "ImageSampler": "gensynth.kinds.image.samplers.base",
    "Sampler": "gensynth.sampler.base",
    "Synthetic": "gensynth.sampler.synthetic",
    "NeuralSampler": "gensynth.kinds.image.samplers.neural",
    "FidelityChecker": "gensynth.fidelity.checker",
    "EvaluateConfig": "gensynth.kinds.image.classifier.config",
    "RebalanceConfig": "gensynth.kinds.image.rebalance_config",
    "StylizeConfig": "gensynth.kinds.image.style.config",
    "ImageChooseConfig": "gensynth.kinds.image.config",
    "TableChooseConfig": "gensynth.kinds.table.config",
    "TableEvaluateConfig": "gensynth.kinds.table.config",
    "TableRebalanceConfig": "gensynth.kinds.table.config",
    "TableConfig": "gensynth.kinds.table.config",
    "read_table_parts": "gensynth.kinds.table.read",
    "load_sampler": "gensynth.kinds.table.samplers.catalog",
    "TableSampler": "gensynth.kinds.table.samplers.base",
    "GaussianCopula": "gensynth.kinds.table.samplers.copula",
    "TableSmote": "gensynth.kinds.table.samplers.smote",
    "Recipes": "gensynth.kinds.image.samplers.recipes",
    "SmoteSampler": "gensynth.kinds.image.samplers.smote",
}
__all__ = sorted(_HOME)
__getattr__, __dir__ = lazily(__name__, _HOME)
