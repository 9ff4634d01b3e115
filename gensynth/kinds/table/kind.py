"""TableKind: what tables say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, final

from gensynth.kind import Kind
from gensynth.kinds.table.names import is_table, table_suffixes
from gensynth.sampler.saved import kind_of_saved


@final
class TableKind(Kind):
    """Tables: a file of rows with a label column."""

    name: ClassVar[str] = "table"
    plural: ClassVar[str] = "tables"
    noun: ClassVar[str] = "row"
    sources: ClassVar[str] = f"a table's name ends in {', '.join(table_suffixes)}"

    def claims(self, source: str) -> bool:
        """As `Kind.claims`."""
        return is_table(source) or kind_of_saved(source) in (self.name, "")

    def samplers(self) -> Sequence[str]:
        """As `Kind.samplers`."""
        from gensynth.generator.registry import generator_names  # imports torch
        from gensynth.kinds.table.samplers.catalog import table_sampler_names

        return (*table_sampler_names(), *generator_names(self.name))

    def made(self, sampler: str, settings: dict[str, Any] | None) -> Any:
        """As `Kind.made`."""
        from gensynth.kinds.table.samplers.catalog import made_sampler

        return made_sampler(sampler, settings)
