"""TableKind: what tables say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, final

from gensynth.kind import Kind
from gensynth.kinds.table.names import is_table, table_suffixes
from gensynth.sampler import SAMPLER

if TYPE_CHECKING:
    from gensynth.data.labeled import LabeledData
    from gensynth.fidelity.space import Space


@final
class TableKind(Kind):
    """Tables: a file of rows with a label column."""

    name: ClassVar[str] = "table"
    plural: ClassVar[str] = "tables"
    noun: ClassVar[str] = "row"
    sources: ClassVar[str] = f"a table's name ends in {', '.join(table_suffixes)}"

    def claims(self, source: str) -> bool:
        """As `Kind.claims`."""
        return is_table(source) or source.endswith(SAMPLER)

    def samplers(self) -> Sequence[str]:
        """As `Kind.samplers`."""
        from gensynth.generator.registry import generator_names  # imports torch
        from gensynth.kinds.table.samplers.catalog import table_sampler_names

        return (*table_sampler_names(), *generator_names(self.name))

    def space(self, train: LabeledData, seed: int = 0) -> Space:
        """As `Kind.space`."""
        from gensynth.kinds.table.space import RowSpace

        return RowSpace(train, seed)
