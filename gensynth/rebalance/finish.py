"""The answer of a run of any kind of data, read from its folder: its page, what is printed, and the exit status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from gensynth.choose.results import Choice, load_choice
from gensynth.evaluate.intervals import HELPS
from gensynth.evaluate.results import Evaluation, load_evaluation, load_leak
from gensynth.fidelity.verdict import FAIL
from gensynth.kind import Kind, kinds
from gensynth.rebalance.job import RunFiles
from gensynth.rebalance.run import AUTO, Run, asked, hint_of_moves
from gensynth.report.contents import Contents
from gensynth.report.page import write_report
from gensynth.report.printed import (
    print_choice,
    print_counts,
    print_evaluation,
    print_leak,
    say_data_notes,
)

CHOICE, EVALUATION, LEAK, SPREAD = "choice.json", "evaluation.json", "leak.json", "leak_spread.json"
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Rebalanced:
    """What a run made.

    Attributes:
        contents: All that its page shows.
        data_set: The mixed data set; None where none was written.
        report: Path of the page.
    """

    contents: Contents
    data_set: Path | None
    report: Path


def read_run(kind: Kind, folder: Path, source: str | None, test_data: str | None, download: bool) -> RunFiles:
    """Read the data of a finished run again.

    Args:
        kind: The kind of data.
        folder: Folder of the run.
        source: Where the real data lie now, if they were moved.
        test_data: Where the source of the test part lies now, likewise.
        download: Whether they may be downloaded. The run's record is not asked: it may be a stranger's.

    Raises:
        ValueError: if the folder is not a run, or the data have changed since.
    """
    files = kind.run_files()
    if "synthesize" in Run.read(folder)["settings"]:
        raise ValueError(f"{folder} is a run of 'gensynth synthesize'; its own command, typed again, writes its page.")
    settings = asked(Run.read(folder)["settings"], files.settings_type(kind), folder)
    config, source = files.data_config(settings, folder, download), source or settings["source"]
    with hint_of_moves(folder):
        parts = kind.parts(source, replace(config, test_data=test_data or config.test_data))
    if parts.fingerprint != settings["fingerprint"]:
        raise ValueError(
            f"the {parts.train.noun}s of {source}, or how they are read, are not those of {folder}; give them with "
            "--data."
        )
    return files(folder, parts, settings)


def report(files: RunFiles) -> Rebalanced:
    """Write the page of a finished run from what its folder holds; ValueError if it is not finished."""
    folder, settings, parts = files.folder, files.settings, files.parts
    synthetic, verdict, record = files.synthetic, files.verdict, Run.read(folder)
    choice = _if_there(folder / CHOICE, load_choice) if settings["rebalance"].sampler == AUTO else None
    evaluation = _if_there(folder / EVALUATION, load_evaluation) if verdict is not None else None
    mixed = files.data_set.exists()
    answered = _is_answered(files, choice, evaluation, mixed)
    if not answered or (files.always and not mixed):
        missing = f", or its {files.data_set.name} does not lie there; put it back, or" if answered else ";"
        raise ValueError(f"{folder} is not finished{missing} type its 'gensynth rebalance' command again.")
    after = dict(parts.train.class_counts)
    if mixed and synthetic is not None and verdict is not None:
        for row in np.flatnonzero(verdict.samples.accepted):
            after[synthetic.classes[synthetic.y[row]]] += 1
    unproven = choice is not None and evaluation is not None and evaluation.verdict != HELPS
    forced = mixed and unproven and not files.always
    nothing = choice is not None and not (mixed and choice.sampler)
    to = settings["rebalance"].to or files.usual
    title = f"Rebalancing {Path(settings['source']).name}"
    contents = Contents(
        title=f"{title} with {synthetic.sampler}" if synthetic else title,
        parts=parts,
        after=after,
        provenance={
            "command": record["command"],
            **({"mixed": f"with --force, although the {parts.train.noun}s were not found to help"} if forced else {}),
            "source": settings["source"],
            "filled to": to if choice is None else choice.to or "nothing was drawn",
            **files.provenance,
            "versions": record["versions"],
            **{f"seconds to {name}": f"{seconds:.1f}" for name, seconds in record["seconds"].items()},
        },
        synthetic=synthetic,
        verdict=verdict,
        evaluation=evaluation,
        choice=choice,
        leak=_if_there(folder / LEAK, load_leak),
        leak_spread=_if_there(folder / SPREAD, load_leak),
        history=files.history,
        advice=advice_of(choice, evaluation) if choice is not None and nothing else "",
        notes=(*files.notes, *(kinds()[parts.train.kind].files().notes(files.data_set) if mixed else ())),
    )
    page = write_report(folder / "report.html", contents)
    return Rebalanced(contents, files.data_set if mixed else None, page)


def _if_there(path: Path, load: Callable[[Path], T]) -> T | None:
    return load(path) if path.exists() else None


def _is_answered(files: RunFiles, choice: Choice | None, evaluation: Evaluation | None, mixed: bool) -> bool:
    """Whether every step has been done, but that the data set may be missing where there always is one."""
    if choice is None and files.settings["rebalance"].sampler == AUTO:
        return False
    if files.verdict is None:
        return choice is not None and not choice.sampler
    if evaluation is None:
        return not files.verdict.samples.accepted.any()
    return files.always or mixed or (choice is not None and evaluation.verdict != HELPS)


def advice_of(choice: Choice, evaluation: Evaluation | None) -> str:
    """Say what to do where nothing was added: train in the way that was best without synthetic examples.

    Args:
        choice: What was chosen, and so was that way.
        evaluation: What the test examples said, if they were asked.
    """
    noun, said = choice.noun, f"No synthetic {choice.noun} was added. Instead, "
    if not choice.candidates:
        return f"{said}{choice.to_do(choice.arm)}."
    of = choice.base if choice.sampler else choice
    way, classifier = of.arm, of.classifier
    said += choice.to_do(way) + f", with {classifier}" * bool(classifier)
    arms = {(arm.name, arm.model): arm.scores[evaluation.metric] for arm in evaluation.arms} if evaluation else {}
    found = arms.get((way, classifier or (evaluation.headline.model if evaluation else "")))
    reached = f"; on the test {noun}s it has {found.value:.1%} ({found.low:.1%} to {found.high:.1%})" if found else ""
    where = "by cross-validation" if choice.splits > 1 else f"on the validation {noun}s"
    return f"{said}: of the ways without synthetic {noun}s '{way}' was chosen {where}{reached}."


def print_rebalanced(done: Rebalanced) -> int:
    """Print what a run made, and where its page is.

    Returns:
        The exit status: 1 where the samples fail, hurt or are all rejected, or no data set was written.
    """
    c, noun = done.contents, done.contents.noun
    say_data_notes(c.parts)
    if c.choice is not None:
        print_choice(c.choice)
    if c.verdict is not None:
        print_counts(c.real, c.after, c.verdict, noun)
    if c.evaluation is not None:
        print_evaluation(c.evaluation)
    elif c.verdict is not None:
        print(f"\nall {noun}s were rejected, so none was added: train longer, or use another sampler.")
    if c.leak is not None:
        print_leak(c.leak, c.leak_spread)
    for note in c.notes:
        print(f"note: {note}")
    if c.advice:
        forces = " The same command with --force mixes anyway." if c.evaluation and done.data_set is None else ""
        print(f"\n{c.advice}{forces}")
    if done.data_set is not None:
        print(f"\ndata set: {done.data_set}")
    print(f"report: {done.report}")
    rejected = c.verdict is not None and (c.verdict.status == FAIL or c.evaluation is None)
    hurts = c.evaluation is not None and c.evaluation.verdict == "HURTS"
    return 1 if rejected or hurts or done.data_set is None else 0
