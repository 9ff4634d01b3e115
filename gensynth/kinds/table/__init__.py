"""Tables: rows with a schema, and what only tables can know."""

from __future__ import annotations

from gensynth.data.lazy import lazily

_HOME = {
    "TableConfig": "gensynth.kinds.table.config",
    "TableEvaluateConfig": "gensynth.kinds.table.config",
    "TableChooseConfig": "gensynth.kinds.table.config",
    "TableRebalanceConfig": "gensynth.kinds.table.config",
    "Schema": "gensynth.kinds.table.schema",
    "from_frame": "gensynth.kinds.table.tables",
    "read_table_parts": "gensynth.kinds.table.read",
    "RowFiles": "gensynth.kinds.table.files",
    "TableSampler": "gensynth.kinds.table.samplers.base",
    "load_sampler": "gensynth.kinds.table.samplers.catalog",
    "TableSmote": "gensynth.kinds.table.samplers.smote",
    "SmoothedBootstrap": "gensynth.kinds.table.samplers.bootstrap",
    "GaussianCopula": "gensynth.kinds.table.samplers.copula",
    "Cart": "gensynth.kinds.table.samplers.cart",
    "MixedMixture": "gensynth.kinds.table.samplers.mixture",
    "NeuralTable": "gensynth.kinds.table.samplers.neural",
    "RandomRows": "gensynth.kinds.table.samplers.random_rows",
}
__all__ = sorted(_HOME)
__getattr__, __dir__ = lazily(__name__, _HOME)
