"""Files: how examples of one kind of data become files beside their manifest, and come back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.fidelity.verdict import SampleVerdicts
from gensynth.mix.manifest import Row
from gensynth.sampler.synthetic import Synthetic


class Files(ABC):
    """The form of one kind of data on disk, such as a folder or a table.

    What a manifest says of where an example is from is the same for all kinds (`gensynth.mix.manifest`); these methods
    add where it lies, in the columns `file_name` and `row`.
    """

    rejected: ClassVar[str] = "rejected.csv"
    """What the samples that were rejected are called in the folder of a run that keeps them."""

    @abstractmethod
    def manifest_of(self, out: Path) -> Path:
        """Return where the manifest of samples that are written to `out` lies."""

    @abstractmethod
    def refuse_existing(self, out: Path) -> None:
        """Raise FileExistsError if something lies where `out` is to be written, ValueError if it cannot be its name."""

    @abstractmethod
    def write(self, synthetic: Synthetic, rows: Iterable[Row], out: Path) -> None:
        """Write samples and their manifest, whole or not at all.

        Args:
            synthetic: n samples.
            rows: Their rows, n.
            out: What to write.
        """

    @abstractmethod
    def write_mixed(self, parts: Parts, accepted: Synthetic | None, rows: Iterable[Row], out: Path) -> None:
        """Write real parts as they came, samples as further training examples, and the manifest of all.

        Args:
            parts: Real data.
            accepted: n samples; None for none.
            rows: Their rows, n.
            out: What to write.
        """

    def refuse_unlike(self, real: LabeledData, accepted: Synthetic) -> None:  # noqa: B027
        """Raise ValueError if samples are, as files, of little use beside the real training examples."""

    @abstractmethod
    def read(self, path: Path, like: LabeledData) -> tuple[Synthetic, SampleVerdicts | None]:
        """Read what `write` wrote, or samples by any tool, which `gensynth.mix.manifest.by_any_tool` describes.

        Args:
            path: What was written.
            like: Real data; classes and layout of the result are theirs.

        Returns:
            The samples in the order they were written, and the gate's answer if it was written with them.

        Raises:
            FileNotFoundError: if it does not exist.
            ValueError: if it does not fit the real data, or its manifest is not one of these very samples.
        """

    def run_folder(self, out: Path) -> Path:
        """Return the folder of the run that writes `out`; by default `out` is the folder."""
        return out

    def data_set(self, folder: Path, out: str) -> Path:  # noqa: ARG002
        """Return where the data set of a run is, or would be; by default in its folder.

        Args:
            folder: Folder of the run, wherever it lies now.
            out: What the run was to write.
        """
        return folder / "dataset"

    def notes(self, out: Path) -> Sequence[str]:  # noqa: ARG002
        """Return what to know about where examples lie in what was written, in sentences."""
        return ()
