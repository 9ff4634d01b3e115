"""rebalance: from real data to a checked, mixed and tested data set with a page, as one resumable run.

The folder of a run of any kind of data; what else is in it, `gensynth/kinds/NAME/rebalance.py` says:

    run.json           what was asked for, versions, seconds of each step
    search.json        what was found so far where the sampler is chosen, with the folder search/
    choice.json        which sampler and target were chosen, and how all others did
    leak.json          does a classifier take changed examples of other classes for the rare ones
    leak_spread.json   the same with changed examples in every class, if they were spread
    verdict.json       the fidelity checker's answer
    arms/              what classifiers without synthetic examples say of the test examples (`evaluate.kept_arms`)
    evaluation.json    did it help
    report.html        all of it to look at

Every step is skipped where its result is already there, so the same command continues a killed run. The test part has
no say in the choice of a sampler (`gensynth.choose.choose`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gensynth.choose.results import Choice, load_choice, save_choice
from gensynth.data.files import RECORD, refuse_inside
from gensynth.data.lock import locked
from gensynth.evaluate.config import ArmsConfig
from gensynth.evaluate.evaluate import evaluate_checked
from gensynth.evaluate.intervals import HELPS
from gensynth.evaluate.leak import may_be_shown, measure_leak
from gensynth.evaluate.results import load_evaluation, save_evaluation, save_leak
from gensynth.evaluate.ways import SYNTHETIC, UNGATED, added_to
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.draw import draw_accepted
from gensynth.fidelity.verdict import save_verdict
from gensynth.kind import Kind, kinds
from gensynth.mix.manifest import NOT_EVALUATED
from gensynth.mix.mix import mix
from gensynth.mix.targets import filled_rare, spread_counts
from gensynth.rebalance.finish import CHOICE, EVALUATION, LEAK, SPREAD, Rebalanced, print_rebalanced, report
from gensynth.rebalance.job import VERDICT, Asked, Job
from gensynth.rebalance.run import AUTO, Run
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

CHANGED, MOST_OTHERS = 200, 25
"""Changed examples of other classes that are drawn to measure the leak, and the most classes they are drawn from."""


def run_asked(kind: Kind, asked: Asked) -> int:
    """Do what is asked of a run, while no other process writes it, and print what it made.

    Returns:
        The exit status, as of `print_rebalanced`.

    Raises:
        BlockingIOError: if another process writes it.
        ValueError: as `rebalance`, or if `asked.out` lies in the data.
    """
    refuse_inside(asked.out, asked.source, asked.data.test_data)
    folder = kind.files().run_folder(asked.out)
    with locked(None if folder == asked.out else asked.out, folder / RECORD):
        done = rebalance(kind.job(asked))
    return print_rebalanced(done)


def rebalance(job: Job) -> Rebalanced:
    """Choose, train, sample, check, evaluate, mix and report. The same job continues a killed run.

    Raises:
        ValueError: if the data or settings do not allow it, or the folder holds something else.
    """
    files = job.files
    folder, parts, settings = files.folder, files.parts, files.settings
    kind, auto = kinds()[parts.train.kind], settings["rebalance"].sampler == AUTO
    run = Run.open(folder, settings)
    job.begin()

    def once(name: str, file: str, work: Callable[[], Any]) -> None:
        if not (folder / file).exists():
            run.step(name, work)

    choice, sampler, adds, utility = None, settings["rebalance"].sampler, job.adds, NOT_EVALUATED
    if auto:
        once("choose", CHOICE, lambda: save_choice(job.choose(), folder / CHOICE))
        choice = load_choice(folder / CHOICE)
        sampler, adds = choice.sampler, choice.adds
    if adds and not (folder / VERDICT).exists():
        fitted = run.step("train", lambda: job.fitted(sampler))
        run.step("sample and check", lambda: sample_and_check(job, fitted, adds))
    synthetic, verdict = (files.synthetic, files.verdict) if adds else (None, None)
    if synthetic is not None and verdict is not None and verdict.samples.accepted.any():
        # Beside what is usual for the kind, the samples need a name of their own.
        name = SYNTHETIC if kind.reference() is None else synthetic.sampler
        given = (parts, synthetic, verdict, _tested(job.asked.evaluate, choice), name)
        answer = partial(evaluate_checked, *given, adds=adds, quiet=job.asked.quiet, kept=folder / "arms")
        once("evaluate", EVALUATION, lambda: save_evaluation(answer(), folder / EVALUATION))
        utility = load_evaluation(folder / EVALUATION).verdict
    against = auto and utility != HELPS and not files.always
    wanted = files.always or (utility != NOT_EVALUATED and (job.force or not against))
    if wanted and not files.data_set.exists():
        utility += ", forced" * against
        if synthetic is None or verdict is None:
            run.step("mix", lambda: files.form(kind).write_mixed(parts, None, (), files.data_set))
        else:
            run.step("mix", lambda: mix(parts, synthetic, verdict.samples, files.data_set, files.form(kind), utility))
    return report(files)


def _tested(config: ArmsConfig, choice: Choice | None) -> ArmsConfig:
    """Return how to test: of a choice, the chosen way with synthetic examples alone, for the verdict is about it."""
    if choice is None:
        return config
    plain = [arm for arm in config.arms if added_to(arm) in ("", UNGATED)]
    return replace(config, arms=tuple(dict.fromkeys((*plain, *choice.ways, choice.arm))))


def sample_and_check(job: Job, sampler: Sampler, adds: Mapping[str, int]) -> None:
    """Draw, check and look for the shortcut; keep the samples, write leak.json, leak_spread.json, then verdict.json.

    Args:
        job: What is to be made.
        sampler: What draws.
        adds: How many accepted samples of each class are wanted.

    Raises:
        ValueError: if all classes shall receive samples and the sampler draws none that needs more.
    """
    parts, folder, seed = job.files.parts, job.files.folder, job.files.settings["rebalance"].sample_seed
    counts, held_out = parts.train.class_counts, (parts.validation, parts.test)
    checker, rare = FidelityChecker(parts.train, held_out), filled_rare(counts, adds)
    synthetic = _drawn(sampler, checker, adds, seed, job)
    verdict = checker.check(synthetic, adds)
    accepted = synthetic.subset(verdict.samples.accepted)
    if len(accepted) and kinds()[parts.train.kind].leak_config() is not None:
        changed = _changed(sampler, checker, rare, seed, synthetic)
        leak = measure_leak(parts.train, accepted, changed, rare, held_out)
        save_leak(leak, folder / LEAK)
        # Only a paired measurement decides, for no held-out example has a say in it.
        spreads = job.spread == "all" or (job.spread == "auto" and leak.leaks and leak.paired)
        needed = spread_counts(counts, adds) if spreads else {}
        share = {name: n for name, n in needed.items() if _draws(sampler, name)}
        if needed and not share and job.spread == "all":
            raise ValueError(
                f"spread 'all' needs {parts.train.noun}s of classes that are not rare, and this generator draws only "
                f"{', '.join(map(repr, sampler.labels))}; give --spread rare, or another generator."
            )
        if share:
            more = _drawn(sampler, checker, share, seed, job)
            # Sample i is the same however many are drawn: what a class has already is among `more`.
            others = np.isin(synthetic.y, [parts.train.label_of(name) for name in share], invert=True)
            synthetic = Synthetic.concat([synthetic.subset(others), more])
            verdict = checker.check(synthetic, {**adds, **share})
            accepted = synthetic.subset(verdict.samples.accepted)
            save_leak(measure_leak(parts.train, accepted, changed, rare, held_out), folder / SPREAD)
    job.files.keep(synthetic, verdict.samples)
    save_verdict(verdict, folder / VERDICT)


def _drawn(sampler: Sampler, checker: FidelityChecker, counts: Mapping[str, int], seed: int, job: Job) -> Synthetic:
    wanted = {name: math.ceil((1 + job.spare) * n) for name, n in counts.items()}
    drawn = [draw_accepted(sampler, checker, name, n, seed) for name, n in wanted.items()]
    return Synthetic.concat(drawn).relabel(job.files.parts.train.classes)


def _draws(sampler: Sampler, name: str) -> bool:
    """Say whether a sampler draws a class: recipes may be safe for the filled ones alone."""
    try:
        return len(sampler.sample(name, 1, 0)) == 1
    except ValueError:
        return False


def _changed(
    sampler: Sampler, checker: FidelityChecker, rare: Sequence[str], seed: int, synthetic: Synthetic
) -> Synthetic:
    """Draw examples of classes that are not rare, with another seed, so that none of them is one that is mixed."""
    others = [name for name in sampler.labels if name not in rare]
    others = [name for name in others[:: math.ceil(len(others) / MOST_OTHERS) or 1] if _draws(sampler, name)]
    drawn = [sampler.sample(name, math.ceil(CHANGED / len(others)), seed + 1) for name in others]
    changed = Synthetic.concat([synthetic.subset([]), *(part.relabel(synthetic.classes) for part in drawn)])
    return changed.subset(may_be_shown(checker.gate(changed))) if drawn else changed
