"""gensynth: synthetic training data for the classes you have too little of."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("gensynth")

_HOME = {
    "LabeledData": "gensynth.data.labeled",
    "Parts": "gensynth.data.split",
    "DataConfig": "gensynth.data.config",
    "read": "gensynth.data.read",
    "read_parts": "gensynth.data.read",
    "Generator": "gensynth.generator",
    "TrainConfig": "gensynth.train_config",
    "ImageSampler": "gensynth.samplers.arrays",
    "Sampler": "gensynth.samplers.base",
    "Synthetic": "gensynth.samplers.synthetic",
    "NeuralSampler": "gensynth.samplers.neural",
    "FidelityChecker": "gensynth.fidelity.checker",
    "EvaluateConfig": "gensynth.evaluate_config",
    "RebalanceConfig": "gensynth.rebalance_config",
    "StylizeConfig": "gensynth.stylize_config",
    "ChooseConfig": "gensynth.table_config",
    "TableEvaluateConfig": "gensynth.table_config",
    "TableRebalanceConfig": "gensynth.table_config",
    "TableConfig": "gensynth.data.config",
    "read_table_parts": "gensynth.data.read_table",
    "TableSampler": "gensynth.samplers.table",
    "TableChecker": "gensynth.fidelity.table_checker",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    # Lazily, so that `gensynth --help` answers before torch is imported.
    if name not in _HOME:
        raise AttributeError(f"module 'gensynth' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
