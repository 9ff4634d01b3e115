"""Job and RunFiles: what a kind of data adds to a run, before and after it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from gensynth.choose.results import Choice
from gensynth.data.split import Parts
from gensynth.evaluate.config import ArmsConfig
from gensynth.fidelity.verdict import SampleVerdicts, Verdict, load_verdict
from gensynth.mix.files import Files
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

VERDICT = "verdict.json"


class RunFiles(ABC):
    """What a run of one kind of data keeps in its own way, and says of it on the page.

    Args:
        folder: The run's folder.
        parts: The real data.
        settings: What was asked for, as `settings_type` has it.
    """

    usual: ClassVar[str]
    """How far a named sampler fills, if `to` is not given."""
    always: ClassVar[bool] = False
    """Whether a data set is written whatever comes of it: the real examples alone, where nothing is added. Else the
    sampler auto mixes only what helps."""

    def __init__(self, folder: Path, parts: Parts, settings: Any) -> None:
        self.folder, self.parts, self.settings = folder, parts, settings

    @staticmethod
    @abstractmethod
    def settings_type(kind: Any) -> Any:
        """Return the TypedDict of all that was asked for.

        It has `kind`, `source`, `data`, `rebalance` (a dataclass with `sampler`, `to` and `sample_seed`), and
        `fingerprint`; a kind of data may add to it.
        """

    @staticmethod
    @abstractmethod
    def data_config(settings: Any, folder: Path, download: bool) -> Any:
        """Return the `ReadConfig` that reads the real data of a finished run again."""

    @property
    @abstractmethod
    def data_set(self) -> Path:
        """Where the mixed data set is, or would be."""

    def form(self, kind: Any) -> Files:
        """Return how the data set is written; by default as its kind does without settings."""
        files: Files = kind.files()
        return files

    @abstractmethod
    def keep(self, synthetic: Synthetic, samples: SampleVerdicts) -> None:
        """Keep samples, or what people want to see of them, whole or not at all."""

    @abstractmethod
    def read(self, verdict: Verdict) -> Synthetic:
        """Return the samples that a verdict is about, kept or drawn again."""

    @cached_property
    def verdict(self) -> Verdict | None:
        """The fidelity checker's answer; None where nothing was drawn."""
        path = self.folder / VERDICT
        return load_verdict(path) if path.exists() else None

    @cached_property
    def synthetic(self) -> Synthetic | None:
        """All samples drawn; None where nothing was."""
        return None if self.verdict is None else self.read(self.verdict)

    @property
    @abstractmethod
    def provenance(self) -> Mapping[str, str]:
        """How the sampler was made, as rows of a table."""

    @property
    @abstractmethod
    def history(self) -> dict[str, dict[str, list[float]]]:
        """Its losses, as `Contents` takes them."""

    @property
    @abstractmethod
    def notes(self) -> Sequence[str]:
        """What to know of it, in sentences."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of a run; a kind of data may derive a class that holds more.

    Attributes:
        source: Real data.
        out: What to write.
        rebalance: A `RebalanceConfig`.
        data: A `ReadConfig`.
        choose: A `ChooseConfig`.
        evaluate: An `EvaluateConfig`.
        quiet: Show no progress bars.
    """

    source: str
    out: Path
    rebalance: Any
    data: Any
    choose: Any
    evaluate: ArmsConfig
    quiet: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Job(ABC):
    """A run before it is done.

    Attributes:
        files: Where all of it goes; its settings are those of this call.
        asked: What is asked of it.
        adds: How many accepted samples of each class are wanted, where a sampler is named.
        force: For the sampler auto: mix even what was not found to help.
        spread: Where samplers may change examples of any class: those that get some, `auto`, `rare` or `all`.
        spare: Accepted samples that are drawn beyond what is wanted, as a share of it: those that differ most are kept.
    """

    files: RunFiles
    asked: Asked
    adds: Mapping[str, int]
    force: bool = False
    spread: str = "rare"
    spare: float = 0.0

    def begin(self) -> None:  # noqa: B027
        """Write what stands in the folder of a run from its start; by default nothing."""

    @abstractmethod
    def choose(self) -> Choice:
        """Choose a sampler and a target, or none; the same call continues a killed search."""

    @abstractmethod
    def fitted(self, sampler: str) -> Sampler:
        """Return a sampler that has learned from the training part; the same call continues a killed training.

        Raises:
            ValueError: if the data do not suffice.
        """
