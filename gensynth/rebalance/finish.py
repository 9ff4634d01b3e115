"""The answer of a run for images, read from its folder, and its page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from gensynth.choose.results import Choice, load_choice
from gensynth.evaluate.intervals import HELPS
from gensynth.evaluate.leak import Leak, load_leak
from gensynth.evaluate.results import Evaluation, load_evaluation
from gensynth.fidelity.verdict import Verdict, load_verdict
from gensynth.generator.checkpoint import load_checkpoint
from gensynth.kinds.image.files import FolderFiles
from gensynth.kinds.image.read import DataConfig, Parts, read_parts
from gensynth.mix.targets import RARE
from gensynth.rebalance.config import RebalanceConfig
from gensynth.rebalance.run import Run, asked, hint_of_moves
from gensynth.report.contents import Contents
from gensynth.report.page import write_report
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True, eq=False)
class Rebalanced:
    """What a run made.

    Attributes:
        folder: The run's folder.
        before: Real training images by class.
        after: Training images by class in the mixed data set; as before where none was mixed.
        choice: Which sampler and target were chosen; None where a sampler was named.
        verdict: The fidelity checker's answer; None where no sampler could be tried.
        evaluation: Did it help; None where nothing was drawn, or every sample was rejected.
        leak: Does a classifier take changed images of other classes for rare ones; None where there is nothing to tell.
        leak_spread: The same with changed images in every class; None where they were not spread.
        mixed: Whether there is a mixed data set.
        advice: What to do instead, in plain words; empty where there is one, or a sampler was named.
        report: Path of the HTML page.
    """

    folder: Path
    before: dict[str, int]
    after: dict[str, int]
    choice: Choice | None
    verdict: Verdict | None
    evaluation: Evaluation | None
    leak: Leak | None
    leak_spread: Leak | None
    mixed: bool
    advice: str
    report: Path


class Settings(TypedDict):
    """What `rebalance` writes into a run's record: all that was asked for, and the fingerprint of the data."""

    source: str
    generator: str
    model: dict[str, Any]
    rebalance: RebalanceConfig
    data: DataConfig
    train: dict[str, Any]
    evaluate: dict[str, Any]
    fingerprint: str


def report(
    out: Path,
    parts: Parts | None = None,
    source: str | None = None,
    test_data: str | None = None,
    download: bool = False,
) -> Rebalanced:
    """Write the report of a run again from what its folder holds.

    Args:
        out: Folder of a finished run.
        parts: Its real data, if already read.
        source: Where they lie now, if they were moved.
        test_data: Where the source of the test part lies now, likewise.
        download: Whether they may be downloaded. The run's record is not asked: it may be a stranger's.

    Raises:
        ValueError: if the folder is not a run, it is not finished, or the data have changed since.
    """
    record = Run.read(out)
    settings = asked(record["settings"], Settings, out)
    if parts is None:
        config, source = replace(settings["data"], download=download), source or settings["source"]
        with hint_of_moves(out):
            parts = read_parts(source, replace(config, test_data=test_data or config.test_data))
        if parts.fingerprint != settings["fingerprint"]:
            raise ValueError(f"the images of {source} are not those that {out} was made from; give them with --data.")
    choice = load_choice(out / "choice.json") if (out / "choice.json").exists() else None
    synthetic, verdict = samples_of(out, parts) if (out / "verdict.json").exists() else (None, None)
    tested, mixed = (out / "evaluation.json").exists(), (out / "dataset").exists()
    evaluation = load_evaluation(out / "evaluation.json") if tested else None
    if not _is_finished(choice, verdict, evaluation, mixed):
        raise ValueError(f"{out} is not finished; type its 'gensynth rebalance' command again.")
    leak, leak_spread = (
        load_leak(out / name) if (out / name).exists() else None for name in ("leak.json", "leak_spread.json")
    )
    before = parts.train.class_counts
    after = dict(before)
    if mixed and synthetic is not None and verdict is not None:
        for row in np.flatnonzero(verdict.samples.accepted):
            after[synthetic.classes[synthetic.y[row]]] += 1
    forced = choice is not None and mixed and evaluation is not None and evaluation.verdict != HELPS
    advice = "" if choice is None or mixed else advice_of(choice, evaluation)
    checkpoints = {path.stem: load_checkpoint(path) for path in sorted((out / "checkpoints").glob("*.ckpt"))}
    trained = {"generator": f"{settings['generator']} {settings['model']}", "training": str(settings["train"])}
    provenance = {
        "command": record["command"],
        **({"mixed": "with --force, although the images were not found to help"} if forced else {}),
        "source": settings["source"],
        **(trained if checkpoints else {}),
        "filled to": choice.to or "nothing was drawn" if choice else settings["rebalance"].to or RARE,
        **{f"checkpoint {name}": checkpoint.sha256 for name, checkpoint in checkpoints.items()},
        **{f"extractor {key}": value for key, value in (verdict.stamp if verdict else {}).items()},
        "versions": record["versions"],
        **{f"seconds to {name}": f"{seconds:.1f}" for name, seconds in record["seconds"].items()},
    }
    title = f"Rebalancing {settings['source']}"
    contents = Contents(
        title=f"{title} with {synthetic.sampler}" if synthetic else title,
        parts=parts,
        after=after,
        provenance=provenance,
        synthetic=synthetic,
        verdict=verdict,
        evaluation=evaluation,
        choice=choice,
        leak=leak,
        leak_spread=leak_spread,
        history={name: checkpoint.history for name, checkpoint in checkpoints.items()},
        advice=advice,
        notes=tuple(note for c in checkpoints.values() for note in c.notes),
    )
    page = write_report(out / "report.html", contents)
    return Rebalanced(out, before, after, choice, verdict, evaluation, leak, leak_spread, mixed, advice, page)


def samples_of(out: Path, parts: Parts) -> tuple[Synthetic, Verdict]:
    """Read the samples of a run, and the fidelity checker's answer."""
    synthetic, _ = FolderFiles().read(out / "synthetic", parts.train)
    return synthetic, load_verdict(out / "verdict.json")


def advice_of(choice: Choice, evaluation: Evaluation | None) -> str:
    """Say what to do where nothing was mixed: train in the way that was best without synthetic images.

    Args:
        choice: What was chosen on validation images, and so was that way.
        evaluation: What the test images said, if they were asked.
    """
    arms = {arm.name: arm.scores[evaluation.metric] for arm in evaluation.arms} if evaluation else {}
    found = arms.get(choice.baseline)
    reached = f"; on the test images it has {found.value:.1%} ({found.low:.1%} to {found.high:.1%})" if found else ""
    return (
        f"No data set was mixed. Instead, {choice.to_do(choice.baseline)}: of the ways without "
        f"synthetic {choice.noun}s that "
        f"('{choice.baseline}') was best on the validation images{reached}."
    )


def _is_finished(choice: Choice | None, verdict: Verdict | None, evaluation: Evaluation | None, mixed: bool) -> bool:
    if verdict is None:
        return choice is not None and not choice.sampler
    if evaluation is None:
        return not verdict.samples.accepted.any()
    return mixed or (choice is not None and evaluation.verdict != HELPS)
