"""rebalance: from real data to a checked, mixed and tested data set with a report, as one resumable run.

The folder of a run:

    run.json           what was asked for, versions, seconds of each step
    search.json        what was found so far where the sampler is chosen, with the folder search/
    choice.json        which sampler and target were chosen, and how all others did
    checkpoints/       generator.ckpt, or one NAME.ckpt per class
    synthetic/         every sample drawn, accepted or not, with metadata.csv
    leak.json          does a classifier take changed images of other classes for the rare ones
    leak_spread.json   the same with changed images in every class, if they were spread
    verdict.json       the fidelity checker's answer
    arms/              what networks trained without synthetic images say of the test images (`evaluate.kept_arms`)
    evaluation.json    did it help
    dataset/           train/, validation/, test/: real and accepted synthetic images
    report.html        all of it to look at

Every step is skipped where its result is already there, so the same command continues a killed run. Where the sampler
is chosen (`gensynth.choose.choose`), the data set is mixed only if the images help on the test part, which had no say
in it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gensynth.choose.choose import choose
from gensynth.choose.designs import unseen_classes
from gensynth.choose.results import Choice, load_choice, save_choice
from gensynth.choose.search import Source
from gensynth.data.labeled import LabeledData
from gensynth.data.lock import first_process
from gensynth.data.names import folder_name
from gensynth.data.words import counted
from gensynth.evaluate.config import EvaluateConfig
from gensynth.evaluate.evaluate import evaluate_checked
from gensynth.evaluate.intervals import HELPS
from gensynth.evaluate.leak import may_be_shown, measure_leak, save_leak
from gensynth.evaluate.results import load_evaluation, save_evaluation
from gensynth.evaluate.ways import UNGATED, added_to
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.draw import draw_accepted
from gensynth.fidelity.verdict import save_verdict
from gensynth.generator.registry import get_generator
from gensynth.kinds.image.config import DataConfig, ImageChooseConfig
from gensynth.kinds.image.files import FolderFiles
from gensynth.kinds.image.generator.scope import named, scope_of
from gensynth.kinds.image.generator.train import TrainConfig, train
from gensynth.kinds.image.generator.train_time import seconds_to_train
from gensynth.kinds.image.read import Parts, read_parts
from gensynth.kinds.image.samplers.neural import NeuralSampler
from gensynth.kinds.image.samplers.recipes import Recipes
from gensynth.kinds.image.samplers.smote import SmoteSampler
from gensynth.mix.mix import mix, write_synthetic
from gensynth.mix.targets import filled_rare, spread_counts
from gensynth.rebalance.config import AUTO, GENERATOR, RECIPES, SMOTE, RebalanceConfig
from gensynth.rebalance.finish import Rebalanced, samples_of
from gensynth.rebalance.finish import report as report  # who runs also reports
from gensynth.rebalance.run import Run, absolute
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

SPARE = 0.25
"""Good samples that are drawn beyond what is wanted, as a share of it: of all those that differ most are kept."""
CHANGED, MOST_OTHERS = 200, 25
"""Changed images of other classes that are drawn to measure the leak, and the most classes they are drawn from."""


def rebalance(
    source: str,
    out: Path,
    generator: str,
    model: Any,
    config: RebalanceConfig,
    data_config: DataConfig,
    train_config: TrainConfig,
    choose_config: ImageChooseConfig,
    evaluate_config: EvaluateConfig,
    quiet: bool = False,
) -> Rebalanced:
    """Train, sample, check, mix, evaluate and report. The same call continues a killed run.

    Args:
        source: Real data, as `gensynth.kinds.image.read.read_parts` takes it.
        out: Folder of the run; created, or continued if it holds a run with the same settings.
        generator: Name of the generator.
        model: An instance of its `Config`.
        config: What to make.
        data_config: How real data are read and split.
        train_config: How to train.
        choose_config: How the sampler auto chooses.
        evaluate_config: How to test.
        quiet: Show no progress bars.

    Raises:
        ValueError: if the data or settings do not allow it, or `out` holds something else.
    """
    settings = {
        "source": absolute(source),
        "generator": generator,
        "model": asdict(model),
        # A run in which nothing was mixed may be continued with --force.
        "rebalance": {name: value for name, value in asdict(config).items() if name != "force"},
        "data": asdict(data_config) | {"test_data": absolute(data_config.test_data)},
        "train": asdict(train_config),
        "choose": asdict(choose_config),
        "evaluate": asdict(evaluate_config),
    }
    parts = read_parts(source, data_config)
    config = _checked(config, train_config, choose_config, generator)
    job = _Job(parts, out, generator, model, config, train_config, choose_config, data_config.download, quiet)
    if config.sampler == AUTO:
        unseen_classes(parts.train, parts.validation, job.targets)
    if config.sampler == GENERATOR or config.source != AUTO:
        for label in job.labels:
            scope_of(parts.train, generator, label, job.sources)
    if not first_process():
        if config.sampler == GENERATOR:
            job.learn()
        sys.exit(0)  # what follows the training is one process's work
    fitted = cache(job.fitted)
    if config.sampler in (SMOTE, RECIPES) and not (out / "verdict.json").exists():
        fitted(config.sampler)  # where that is refused, nothing has been written
    run = Run.open(out, settings | {"fingerprint": parts.fingerprint})

    name, to, arms = config.sampler, next(iter(job.targets)), evaluate_config.arms
    if config.sampler == AUTO:
        if not (out / "choice.json").exists():
            run.step("choose", lambda: save_choice(job.choose(fitted), out / "choice.json"))
        choice = load_choice(out / "choice.json")
        if not choice.sampler:
            return report(out, parts)
        name, to = GENERATOR if choice.sampler == generator else choice.sampler, choice.to
        # Only the chosen way with synthetic images is tested: the verdict is about it alone.
        arms = (*dict.fromkeys((*(arm for arm in arms if added_to(arm) in ("", UNGATED)), *choice.ways)), choice.arm)
    adds = job.targets[to]
    if not (out / "verdict.json").exists():
        sampler = run.step("train", lambda: fitted(name)) if name == GENERATOR else fitted(name)
        run.step("sample and check", lambda: sample_and_check(sampler, parts, adds, config, out))
    synthetic, verdict = samples_of(out, parts)
    if not verdict.samples.accepted.any():
        return report(out, parts)
    if not (out / "evaluation.json").exists():
        tested = replace(evaluate_config, arms=arms)
        answer = partial(evaluate_checked, parts, synthetic, verdict, tested, adds=adds, quiet=quiet, kept=out / "arms")
        run.step("evaluate", lambda: save_evaluation(answer(), out / "evaluation.json"))
    utility = load_evaluation(out / "evaluation.json").verdict
    against = config.sampler == AUTO and utility != HELPS
    if not (out / "dataset").exists() and (config.force or not against):
        utility += ", forced" * against
        run.step("mix", lambda: mix(parts, synthetic, verdict.samples, out / "dataset", FolderFiles(), utility))
    return report(out, parts)


def _checked(
    config: RebalanceConfig, train_config: TrainConfig, choose_config: ImageChooseConfig, generator: str
) -> RebalanceConfig:
    """Return what to make, as the generator can make it; ValueError for what only another one can do."""
    if config.sampler != AUTO and choose_config != ImageChooseConfig():
        raise ValueError(
            f"settings that begin with --choose are for the sampler auto, and the sampler is {config.sampler!r}; leave "
            "them out, or give --sampler auto."
        )
    if config.sampler != GENERATOR and train_config.dp is not None:
        raise ValueError(
            "dp bounds what a generator gives away, and the other samplers change real images themselves; give "
            "--sampler generator."
        )
    if config.sampler == AUTO and train_config.devices * train_config.num_nodes > 1:
        raise ValueError(
            "the sampler auto searches in one process on one device; leave out devices and num_nodes, or give "
            "--sampler generator."
        )
    cls = get_generator(generator, "image")
    if config.draw is not None and config.draw not in cls.draws:
        allowed = ", ".join(cls.draws)
        raise ValueError(f"draw {config.draw!r} is not a way in which {generator} draws; allowed: {allowed}.")
    if config.sampler in (GENERATOR, AUTO) and not cls.conditional:
        return replace(config, per_class=True)
    if config.per_class and config.spread == "all":
        raise ValueError(
            "spread 'all' needs a generator that draws classes that need no filling, and per_class trains none of "
            "those; leave out one of the two."
        )
    return config


@dataclass(frozen=True, eq=False)
class _Job:
    """What a run makes, and from what; see `rebalance`. `download`: whether pretrained weights may be downloaded."""

    parts: Parts
    out: Path
    generator: str
    model: Any
    config: RebalanceConfig
    train_config: TrainConfig
    choose_config: ImageChooseConfig
    download: bool
    quiet: bool

    @cached_property
    def targets(self) -> dict[str, dict[str, int]]:
        """How many images each class shall receive, by the name of the target."""
        return self.config.targets(self.parts.train.class_counts, self.choose_config.targets)

    @cached_property
    def labels(self) -> list[str | None]:
        """The classes that get a generator of their own; None for all classes together."""
        filled = dict.fromkeys(name for adds in self.targets.values() for name in adds)
        return list(filled) if self.config.per_class else [None]

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The classes whose images the generator changes; empty where it takes the nearest one."""
        return named(self.config.source, self.parts.train.classes)

    def learn(self) -> Path:
        """Train the generators that are not trained yet; return their checkpoint, or the folder of those by class."""
        folder, data = self.out / "checkpoints", self.parts.train
        for label in self.labels:
            path = folder / f"{'generator' if label is None else folder_name(label)}.ckpt"
            train(
                data,
                self.generator,
                self.model,
                self.train_config,
                path,
                label=label,
                source=self.sources,
                download=self.download,
                quiet=self.quiet,
            )
        return folder if self.config.per_class else path

    def fitted(self, name: str) -> Sampler:
        """Return a sampler that has learned from the training part; ValueError where the data do not suffice."""
        if name == GENERATOR:
            return NeuralSampler(self.learn(), draw=self.config.draw, device=_device(self.train_config))
        # A class that only a larger target fills is no reason to do without a sampler.
        needed, data = list(next(iter(self.targets.values()))), self.parts.train
        return _smote(data, needed) if name == SMOTE else _recipes(data, needed, self.config.sample_seed)

    def seconds_to_learn(self) -> float:
        """Return about how long `learn` takes from its start."""
        data, label = self.parts.train, self.labels[0]
        of_one = seconds_to_train(
            data, self.generator, self.model, self.train_config, label, self.sources, self.download
        )
        return len(self.labels) * of_one

    def choose(self, fitted: Callable[[str], Sampler]) -> Choice:
        """Choose a sampler and a target on the validation part."""
        # Pixel SMOTE last: of few images it draws mostly near copies, which are rejected, and that takes time.
        tried = [
            Source(RECIPES, lambda _: fitted(RECIPES)),
            Source(self.generator, lambda _: fitted(GENERATOR), self.seconds_to_learn),
            Source(SMOTE, lambda _: fitted(SMOTE)),
        ]
        train, validation = self.parts.train, self.parts.validation
        unseen = ", ".join(map(repr, unseen_classes(train, validation, self.targets)))
        notes = [f"No validation image is of {unseen}: the choice is blind to that."] if unseen else []
        return choose(train, validation, tried, self.targets, self.choose_config, self.out, notes, self.quiet)


def _smote(train_part: LabeledData, filled: Sequence[str]) -> SmoteSampler:
    sampler = SmoteSampler().fit(train_part)
    for name in filled:
        if name not in sampler.labels:
            raise ValueError(
                f"smote needs 2 images of {name!r}, and its training part has {train_part.class_counts[name]}; add "
                "images, or give --sampler generator."
            )
    return sampler


def _recipes(train_part: LabeledData, filled: Sequence[str], seed: int) -> Recipes:
    sampler = Recipes("auto", random_state=seed)
    sampler.fit(train_part)
    if bad := [name for name in filled if sampler.safety_ is not None and not sampler.safety_.safe_for(name)]:
        raise ValueError(
            f"no recipe is measured to keep images of {bad[0]!r} ({counted(train_part.class_counts[bad[0]], 'image')}) "
            "in their class; 'gensynth explore DATA --recipes' shows how each one does; give another --sampler."
        )
    return sampler


def _device(config: TrainConfig) -> str:
    return "cuda" if config.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available() else "cpu"


def sample_and_check(sampler: Sampler, parts: Parts, adds: dict[str, int], config: RebalanceConfig, out: Path) -> None:
    """Draw, check and look for the shortcut; write synthetic/, leak.json, perhaps leak_spread.json, then verdict.json.

    Args:
        sampler: What draws.
        parts: Real data.
        adds: How many accepted images of each class are wanted.
        config: What to make.
        out: Folder of the run.

    Raises:
        ValueError: if all classes shall receive images and the sampler draws none that needs more.
    """
    held_out = (parts.validation, parts.test)
    checker = FidelityChecker(parts.train, held_out)
    rare = filled_rare(parts.train.class_counts, adds)
    synthetic = _drawn(sampler, checker, adds, config.sample_seed, parts)
    verdict = checker.check(synthetic, adds)
    accepted = synthetic.subset(verdict.samples.accepted)
    if len(accepted):
        changed = _changed(sampler, checker, rare, config.sample_seed, synthetic)
        leak = measure_leak(parts.train, accepted, changed, rare, held_out)
        save_leak(leak, out / "leak.json")
        # Only a paired measurement decides, for no held-out image has a say in it.
        spreads = config.spread == "all" or (config.spread == "auto" and leak.leaks and leak.paired)
        needed = spread_counts(parts.train.class_counts, adds) if spreads else {}
        share = {name: n for name, n in needed.items() if _draws(sampler, name)}
        if needed and not share and config.spread == "all":
            raise ValueError(
                f"spread 'all' needs images of classes that are not rare, and this generator draws only "
                f"{', '.join(map(repr, sampler.labels))}; give --spread rare, or another generator."
            )
        if share:
            more = _drawn(sampler, checker, share, config.sample_seed, parts)
            # Sample i is the same however many are drawn: what a class has already is among `more`.
            others = np.isin(synthetic.y, [parts.train.label_of(name) for name in share], invert=True)
            synthetic = Synthetic.concat([synthetic.subset(others), more])
            verdict = checker.check(synthetic, adds | share)
            accepted = synthetic.subset(verdict.samples.accepted)
            save_leak(measure_leak(parts.train, accepted, changed, rare, held_out), out / "leak_spread.json")
    if not (out / "synthetic").exists():
        write_synthetic(synthetic, verdict.samples, out / "synthetic", FolderFiles())
    save_verdict(verdict, out / "verdict.json")


def _drawn(sampler: Sampler, checker: FidelityChecker, counts: dict[str, int], seed: int, parts: Parts) -> Synthetic:
    wanted = {name: math.ceil((1 + SPARE) * n) for name, n in counts.items()}
    drawn = [draw_accepted(sampler, checker, name, n, seed) for name, n in wanted.items()]
    return Synthetic.concat(drawn).relabel(parts.train.classes)


def _draws(sampler: Sampler, name: str) -> bool:
    """Say whether a sampler draws a class: recipes may be safe for the filled ones alone."""
    try:
        return len(sampler.sample(name, 1, 0)) == 1
    except ValueError:
        return False


def _changed(
    sampler: Sampler, checker: FidelityChecker, rare: Sequence[str], seed: int, synthetic: Synthetic
) -> Synthetic:
    """Draw images of classes that are not rare, with another seed, so that none of them is one that is mixed."""
    others = [name for name in sampler.labels if name not in rare]
    others = [name for name in others[:: math.ceil(len(others) / MOST_OTHERS) or 1] if _draws(sampler, name)]
    drawn = [sampler.sample(name, math.ceil(CHANGED / len(others)), seed + 1) for name in others]
    changed = Synthetic.concat([synthetic.subset([]), *(part.relabel(synthetic.classes) for part in drawn)])
    return changed.subset(may_be_shown(checker.gate(changed))) if drawn else changed
