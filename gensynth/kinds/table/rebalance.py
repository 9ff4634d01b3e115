"""rebalance_table: from a real table to a checked and tested one with more rare rows, as one resumable run.

It writes the table, NAME.metadata.csv with a line for each of its rows, and beside them the folder NAME.run:

    run.json          what was asked for, versions, seconds of each step
    schema.json       what the columns are; edit a copy and give it with --schema
    search.json       what was found so far where the way to treat the rare classes is chosen, with the folder search/
    choice.json       which one was chosen, and how all others did
    NAME.sampler      what the sampler has learned
    verdict.json      the fidelity checker's answer
    rejected.csv      the rows that were rejected, and why
    evaluation.json   did it help
    report.html       all of it to look at

Every step is skipped where its result is already there, so the same command continues a killed run. Rows are not kept:
sample i is a function of (sampler, seed, label, i), so they are drawn again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
from sklearn.base import clone

from gensynth.choose.results import Choice, load_choice, save_choice
from gensynth.data.labeled import LabeledData
from gensynth.data.split import Parts
from gensynth.data.words import some_counts
from gensynth.evaluate.evaluate import evaluate_checked, some_of
from gensynth.evaluate.results import Evaluation, load_evaluation, save_evaluation
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.draw import draw_accepted
from gensynth.fidelity.verdict import Verdict, load_verdict, save_verdict
from gensynth.kinds.table.choose import choose_rows
from gensynth.kinds.table.config import (
    AUTO,
    REPEATS,
    TableChooseConfig,
    TableConfig,
    TableEvaluateConfig,
    TableRebalanceConfig,
)
from gensynth.kinds.table.files import FrameFiles
from gensynth.kinds.table.read import read_table_parts
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.samplers.catalog import load_sampler, made_sampler, table_sampler_names
from gensynth.kinds.table.tables import check_format, suffix_of
from gensynth.mix.manifest import NOT_EVALUATED
from gensynth.mix.mix import mix, write_synthetic
from gensynth.mix.targets import target_counts
from gensynth.rebalance.run import RECORD, SCHEMA, Run, absolute, asked, hint_of_moves
from gensynth.report.contents import Contents
from gensynth.report.page import write_report
from gensynth.sampler import SAMPLER
from gensynth.sampler.synthetic import Synthetic

LARGE, TRIED = 200_000, 10_000
"""Training rows from which on a fit is announced, and rows of them that its time is estimated from."""


@dataclass(frozen=True, eq=False)
class RebalancedTable:
    """What a run made.

    Attributes:
        table: Path of the table.
        folder: The run's folder.
        before: Real training rows by class.
        after: Training rows by class, synthetic ones included.
        choice: Which way was chosen; None where a sampler was named.
        verdict: The fidelity checker's answer; None where nothing was to be drawn.
        evaluation: Did it help; None where nothing was drawn or accepted.
        broke_rules: By class, the share of drawn rows that broke a rule of the schema and were drawn again.
        notes: What the reader found out or changed, in sentences.
        report: Path of the HTML page.
    """

    table: Path
    folder: Path
    before: dict[str, int]
    after: dict[str, int]
    choice: Choice | None
    verdict: Verdict | None
    evaluation: Evaluation | None
    broke_rules: dict[str, float]
    notes: tuple[str, ...]
    report: Path


class Settings(TypedDict):
    """What is written into a run's record: all that was asked for, and the fingerprint of the data."""

    kind: Literal["table"]
    source: str
    out: str
    rebalance: TableRebalanceConfig
    data: TableConfig
    choose: dict[str, Any]
    evaluate: dict[str, Any]
    fingerprint: str


def rebalance_table(
    source: str,
    out: Path,
    config: TableRebalanceConfig,
    data_config: TableConfig,
    choose_config: TableChooseConfig,
    evaluate_config: TableEvaluateConfig,
    quiet: bool = False,
) -> RebalancedTable:
    """Choose, fit, draw, check, write, evaluate and report. The same call continues a killed run.

    Args:
        source: A real table, as `read_table_parts` takes it.
        out: The table to write; its ending says in which format.
        config: What to make.
        data_config: How the real table is read and split.
        choose_config: How the choice is made, if it is.
        evaluate_config: How to test.
        quiet: Show no progress bars.

    Raises:
        ValueError: if the data or settings do not allow it, or `out` or its folder holds something else.
    """
    check_format(out)
    folder = run_folder(out)
    parts = read_table_parts(source, data_config)
    settings = {
        "kind": "table",
        "source": absolute(source),
        "out": str(out.resolve()),
        "rebalance": asdict(config),
        "data": asdict(data_config)
        | {"test_data": absolute(data_config.test_data), "schema": absolute(data_config.schema)},
        "choose": asdict(choose_config),
        "evaluate": asdict(evaluate_config),
        "fingerprint": parts.fingerprint,
    }
    adds = _wanted(config, choose_config, parts.train.class_counts)
    if not (folder / RECORD).exists():
        FrameFiles().refuse_existing(out)
    run = Run.open(folder, settings)
    rows_of(parts.train).schema.save(folder / SCHEMA)

    def once(name: str, file: str, work: Callable[[], Any]) -> None:
        if not (folder / file).exists():
            run.step(name, work)

    if config.sampler == AUTO:
        answer = partial(_choose, parts.train, config, choose_config, folder, quiet)
        once("choose", "choice.json", lambda: save_choice(answer(), folder / "choice.json"))
        choice = load_choice(folder / "choice.json")
        adds = choice.adds
        if adds:
            config = replace(config, sampler=choice.sampler)
    adds = {name: n for name, n in adds.items() if n}
    drawn, utility = None, NOT_EVALUATED
    if adds:
        file = folder / f"{config.sampler}{SAMPLER}"
        once("fit", file.name, lambda: _fit(config, parts.train, file))
        once("draw and check", "verdict.json", lambda: _draw_and_check(file, parts, adds, config.sample_seed, folder))
        drawn = _drawn_again(folder, parts, config.sample_seed)
        _, synthetic, verdict = drawn
        if verdict.samples.accepted.any():
            told = (synthetic, verdict, evaluate_config, config.sampler, adds, quiet)
            test = partial(evaluate_checked, parts, *told)
            once("evaluate", "evaluation.json", lambda: save_evaluation(test(), folder / "evaluation.json"))
            utility = load_evaluation(folder / "evaluation.json").verdict
        if not out.exists():
            run.step("write", lambda: mix(parts, synthetic, verdict.samples, out, FrameFiles(), utility))
    elif not out.exists():
        run.step("write", lambda: FrameFiles().write_mixed(parts, None, (), out))
    return _report(folder, parts, drawn)


def _wanted(config: TableRebalanceConfig, choose_config: TableChooseConfig, counts: dict[str, int]) -> dict[str, int]:
    """Return how many rows of each class are to be added; none where several targets are tried.

    Raises:
        ValueError: if the target adds nothing, or there is one too many.
    """
    to = config.to or (None if config.sampler == AUTO else "5x")
    if config.to is not None and choose_config.targets:
        raise ValueError("--to names one target and --choose.targets several; give one of the two.")
    adds = {} if to is None else target_counts(counts, to)
    if to is not None and not any(adds.values()):
        raise ValueError(
            f"to={to!r} adds nothing to {some_counts(counts)}; give more, such as 'balance' or a number of rows."
        )
    return adds


def _choose(
    train: LabeledData, config: TableRebalanceConfig, choose_config: TableChooseConfig, folder: Path, quiet: bool
) -> Choice:
    """Choose among all samplers but the one that only repeats rows."""
    if config.to is not None:
        choose_config = replace(choose_config, targets=(config.to,))
    samplers = [name for name in table_sampler_names() if name != REPEATS]
    return choose_rows(train, samplers, choose_config, folder, quiet)


def report_table(folder: Path, source: str | None = None, test_data: str | None = None) -> RebalancedTable:
    """Write the report of a run again from what its folder holds.

    Args:
        folder: Folder of a finished run, NAME.run, beside its table.
        source: Where the real table lies now, if it was moved.
        test_data: Where the table of the test rows lies now, likewise.

    Raises:
        ValueError: if the folder is not a run, it is not finished, or the data have changed since.
    """
    settings = asked(Run.read(folder)["settings"], Settings, folder)
    config, source = settings["data"], source or settings["source"]
    if config.schema is not None:  # that file may have been moved, too, and the run has a copy
        config = replace(config, schema=str(folder / SCHEMA))
    with hint_of_moves(folder):
        parts = read_table_parts(source, replace(config, test_data=test_data or config.test_data))
    if parts.fingerprint != settings["fingerprint"]:
        raise ValueError(f"rows or schema of {source} are not those of {folder}; give them with --data.")
    named, table = settings["rebalance"].sampler != AUTO, _table_of(folder, settings)
    if not table.exists() or not (named or (folder / "choice.json").exists()):
        raise ValueError(
            f"{folder} is not finished, or its table {table.name} does not lie beside it; put it there, or type its "
            "'gensynth rebalance' command again."
        )
    checked = (folder / "verdict.json").exists()
    return _report(folder, parts, _drawn_again(folder, parts, settings["rebalance"].sample_seed) if checked else None)


def _report(folder: Path, parts: Parts, drawn: tuple[TableSampler, Synthetic, Verdict] | None) -> RebalancedTable:
    """Write the report of a finished run; `drawn` is of `_drawn_again`, None where nothing was to be drawn."""
    record = Run.read(folder)
    settings = asked(record["settings"], Settings, folder)
    choice = load_choice(folder / "choice.json") if (folder / "choice.json").exists() else None
    before = parts.train.class_counts
    after, evaluation = dict(before), None
    sampler, synthetic, verdict = drawn or (None, None, None)
    if synthetic is not None and verdict is not None:
        for row in np.flatnonzero(verdict.samples.accepted):
            after[synthetic.classes[synthetic.y[row]]] += 1
        if (folder / "evaluation.json").exists():
            evaluation = load_evaluation(folder / "evaluation.json")
    broke = {name: share for name, share in (sampler.rejected_ if sampler else {}).items() if share}
    notes = [f"{share:.1%} of the rows of {name!r} broke a rule and were drawn again." for name, share in broke.items()]
    provenance = {
        "command": record["command"],
        "source": settings["source"],
        "sampler": sampler.name if sampler else "none",
        "settings": str(settings["rebalance"].settings or "defaults"),
        "versions": record["versions"],
        **{f"seconds to {name}": f"{seconds:.1f}" for name, seconds in record["seconds"].items()},
    }
    contents = Contents(
        title=f"Rebalancing {Path(settings['source']).name}",
        parts=parts,
        synthetic=synthetic,
        verdict=verdict,
        evaluation=evaluation,
        choice=choice,
        after=after,
        history=getattr(sampler, "history_", {}),
        advice="" if choice is None else choice.advice,
        provenance=provenance,
        notes=tuple(notes),
    )
    page = write_report(folder / "report.html", contents)
    out = _table_of(folder, settings)
    return RebalancedTable(out, folder, before, after, choice, verdict, evaluation, broke, parts.train.notes, page)


def run_folder(out: Path) -> Path:
    """Return the folder of the run that writes a table: `balanced.csv` -> `balanced.run`."""
    return out.with_name(f"{out.name[: -len(suffix_of(out))]}.run")


def _table_of(folder: Path, settings: Settings) -> Path:
    """Return the table that a run wrote: beside its folder, wherever both lie now."""
    ending = settings["out"][-len(suffix_of(settings["out"])) :]
    return folder.resolve().with_name(folder.resolve().name.removesuffix(".run") + ending)


def _fit(config: TableRebalanceConfig, train: LabeledData, file: Path) -> None:
    sampler = made_sampler(config.sampler, config.settings)
    if len(train) >= LARGE:
        _announce(sampler, train)
    sampler.fit(train).save(file)


def _announce(sampler: TableSampler, train: LabeledData) -> None:
    """Say what a fit takes at most, estimated from a small part of the rows."""
    part = train.subset(some_of(train, TRIED, 0))
    start = time.perf_counter()
    clone(sampler).fit(part)
    seconds = (time.perf_counter() - start) * len(train) / len(part)
    frame = rows_of(train).frame
    megabytes = frame.memory_usage(deep=True).sum() / 1e6
    print(
        f"{len(train)} rows x {len(frame.columns)} columns take {megabytes:.0f} MB; fitting {sampler.name!r} "
        f"takes at most about {seconds:.0f} seconds and a few times that memory",
        file=sys.stderr,
    )


def _draw_and_check(file: Path, parts: Parts, adds: dict[str, int], seed: int, folder: Path) -> None:
    sampler = load_sampler(file)
    checker = FidelityChecker(parts.train, (parts.validation, parts.test))
    drawn = [draw_accepted(sampler, checker, name, n, seed) for name, n in adds.items()]
    synthetic = Synthetic.concat(drawn).relabel(parts.train.classes)
    verdict = checker.check(synthetic)
    if not verdict.samples.accepted.all():
        bad = ~verdict.samples.accepted
        write_synthetic(synthetic.subset(bad), verdict.samples.subset(bad), folder / "rejected.csv", FrameFiles())
    save_verdict(verdict, folder / "verdict.json")


def _drawn_again(folder: Path, parts: Parts, seed: int) -> tuple[TableSampler, Synthetic, Verdict]:
    sampler, verdict = load_sampler(next(folder.glob(f"*{SAMPLER}"))), load_verdict(folder / "verdict.json")
    drawn = [sampler.sample(c.label, c.n_synthetic, seed) for c in verdict.classes]
    return sampler, Synthetic.concat(drawn).relabel(parts.train.classes), verdict
