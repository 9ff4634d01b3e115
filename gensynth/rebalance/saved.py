"""SavedRun and SavedJob: a run whose sampler is fitted, saved, and draws its samples again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, TypedDict

from gensynth.choose.results import Choice
from gensynth.choose.samplers import choose_samplers
from gensynth.data.files import RECORD
from gensynth.data.split import Parts
from gensynth.data.words import some_counts
from gensynth.fidelity.verdict import SampleVerdicts, Verdict
from gensynth.kind import Kind, kinds
from gensynth.mix.mix import write_synthetic
from gensynth.mix.targets import target_counts
from gensynth.rebalance.job import Asked, Job, RunFiles
from gensynth.rebalance.run import AUTO, absolute
from gensynth.sampler import SAMPLER
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic


class SavedRun(RunFiles):
    """What a run keeps of its samples: the sampler, and those that were rejected."""

    usual: ClassVar[str] = "5x"
    always: ClassVar[bool] = True

    @property
    def kind(self) -> Kind:
        """The kind of data."""
        return kinds()[self.parts.train.kind]

    @staticmethod
    def settings_type(kind: Kind) -> Any:
        """As `RunFiles.settings_type`."""
        known = {"source": str, "out": str, "rebalance": kind.config("RebalanceConfig")}
        known |= {"data": kind.config("ReadConfig"), "choose": dict[str, Any], "evaluate": dict[str, Any]}
        return TypedDict("Settings", {"kind": Literal[kind.name], **known, "fingerprint": str})  # type: ignore

    @staticmethod
    def data_config(settings: Any, folder: Path, download: bool) -> Any:  # noqa: ARG004
        """As `RunFiles.data_config`."""
        return settings["data"]

    @property
    def data_set(self) -> Path:
        """As `RunFiles.data_set`."""
        return self.kind.files().data_set(self.folder, self.settings.get("out", ""))

    def keep(self, synthetic: Synthetic, samples: SampleVerdicts) -> None:
        """As `RunFiles.keep`: the rejected ones."""
        bad, files = ~samples.accepted, self.kind.files()
        path = self.folder / files.rejected
        if bad.any() and not path.is_dir():  # a folder that a killed run left is whole, and holds these very ones
            write_synthetic(synthetic.subset(bad), samples.subset(bad), path, files)

    def read(self, verdict: Verdict) -> Synthetic:
        """As `RunFiles.read`."""
        assert self.sampler is not None
        seed = self.settings["rebalance"].sample_seed
        drawn = [self.sampler.sample(c.label, c.n_synthetic, seed) for c in verdict.classes]
        return Synthetic.concat(drawn).relabel(self.parts.train.classes)

    @cached_property
    def sampler(self) -> Sampler | None:
        """What draws the samples; None where nothing does."""
        return next(map(self.load, self.folder.glob(f"*{SAMPLER}")), None)

    def load(self, path: Path) -> Sampler:
        """Return a sampler of the run, which draws from the real examples wherever these lie now."""
        return self.kind.refound(self.kind.load(path), self.parts.train)

    @property
    def provenance(self) -> Mapping[str, str]:
        """As `RunFiles.provenance`."""
        settings = self.settings["rebalance"].settings
        return {"sampler": self.sampler.name if self.sampler else "none", "settings": str(settings or "defaults")}

    @property
    def history(self) -> dict[str, dict[str, list[float]]]:
        """As `RunFiles.history`."""
        return getattr(self.sampler, "history_", {})

    @property
    def notes(self) -> Sequence[str]:
        """As `RunFiles.notes`."""
        return ()


@dataclass(frozen=True, eq=False, kw_only=True)
class SavedJob(Job):
    """A run of samplers that are fitted to the training part and saved."""

    files: SavedRun

    def choose(self) -> Choice:
        """As `Job.choose`."""
        config, to = self.asked.choose, self.asked.rebalance.to
        if to is not None:
            config = replace(config, targets=(to,))
        return choose_samplers(self.files.parts.train, None, config, self.files.folder, self.asked.quiet)

    def fitted(self, sampler: str) -> Sampler:
        """As `Job.fitted`."""
        path = self.files.folder / f"{sampler}{SAMPLER}"
        if not path.exists():
            self.fit(self.files.kind.made(sampler, self.asked.rebalance.settings)).save(path)
        return self.files.load(path)

    def fit(self, sampler: Any) -> Any:
        """Fit a sampler to the training part."""
        return sampler.fit(self.files.parts.train)


def saved_job(kind: Kind, asked: Asked, run: type[SavedRun] = SavedRun, job: type[SavedJob] = SavedJob) -> SavedJob:
    """Return the run of a sampler that is fitted, saved and draws again.

    Args:
        kind: The kind of data.
        asked: What is asked of it.
        run: What it keeps.
        job: How it is done.

    Raises:
        ValueError: if the data or settings do not allow it, or `asked.out` is something else.
    """
    files, data = kind.files(), asked.data
    folder = files.run_folder(asked.out)
    if folder != asked.out and not (folder / RECORD).exists():  # of a run's own folder `Run.open` says it
        files.refuse_existing(asked.out)
    parts = kind.parts(asked.source, data)
    choose, evaluate = (kind.suited(config, parts.train) for config in (asked.choose, asked.evaluate))
    asked = replace(asked, choose=choose, evaluate=evaluate)
    settings = {
        "kind": kind.name,
        "source": str(absolute(asked.source)),
        "out": str(asked.out.resolve()),
        "rebalance": asked.rebalance,
        "data": replace(data, **{name: absolute(getattr(data, name)) for name in data.paths}),
        "choose": asdict(asked.choose),
        "evaluate": asdict(asked.evaluate),
        "fingerprint": parts.fingerprint,
    }
    return job(files=run(folder, parts, settings), asked=asked, adds=_wanted(asked, run.usual, parts))


def _wanted(asked: Asked, usual: str, parts: Parts) -> dict[str, int]:
    """Return how many examples of each class are to be added; none where several targets are tried.

    Raises:
        ValueError: if the target adds nothing, or there is one too many.
    """
    config, train = asked.rebalance, parts.train
    if config.to is not None and asked.choose.targets:
        raise ValueError("--to names one target and --choose.targets several; give one of the two.")
    to = config.to or (None if config.sampler == AUTO else usual)
    if to is None:
        return {}
    adds = {name: n for name, n in target_counts(train.class_counts, to).items() if n}
    if not adds:
        raise ValueError(
            f"to={to!r} adds nothing to {some_counts(train.class_counts)}; give more, such as 'balance' or a number of "
            f"{train.noun}s."
        )
    return adds
