"""rebalance: from real data to a checked, mixed and tested data set with a report, as one resumable run.

The folder of a run:

    run.json           what was asked for, versions, seconds of each step
    checkpoints/       generator.ckpt, or one NAME.ckpt per class
    synthetic/         every sample drawn, accepted or not, with metadata.csv
    leak.json          does a classifier take treated images of other classes for the rare ones
    leak_spread.json   the same with treated images in every class, if they were spread
    verdict.json       the fidelity checker's answer
    dataset/           train/, validation/, test/: real and accepted synthetic images
    evaluation.json    did it help
    report.html        all of it to look at

Every step is skipped where its result is already there, so the same command continues a killed run.
"""

from __future__ import annotations

import math
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from gensynth.checkpoint import load_checkpoint
from gensynth.data.read import DataConfig, Parts, read_parts
from gensynth.draw import draw_accepted
from gensynth.evaluate import EvaluateConfig, Evaluation, evaluate, load_evaluation, save_evaluation
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.verdict import Verdict, load_verdict, save_verdict
from gensynth.leak import Leak, load_leak, measure_leak, save_leak, shows_treatment
from gensynth.mix import mix, read_synthetic, spread_counts, target_counts, write_synthetic
from gensynth.registry import get_generator
from gensynth.report.page import ReportContents, write_report
from gensynth.run import Run, absolute, first_process
from gensynth.samplers.base import Sampler, Synthetic
from gensynth.samplers.neural import NeuralSampler
from gensynth.scope import scope_of
from gensynth.train import TrainConfig, train

SPARE = 0.25
"""Good samples that are drawn beyond what is wanted, as a share of it: of all those that differ most are kept."""
TREATED, MOST_OTHERS = 200, 25
"""Treated images of other classes that are drawn to measure the leak, from at most so many classes."""


@dataclass(frozen=True)
class RebalanceConfig:
    """What to make."""

    to: str = "5x"
    """How far to fill: `5x` the real images of a rare class (never above the largest), a number, or `balance`."""
    draw: str | None = None
    """How the generator draws, such as `borrow` or `smote` for the vae; by default its own first choice."""
    spread: Literal["auto", "rare", "all"] = "auto"
    """Which classes receive synthetic images: `rare`, those that are filled; `all`, so that being synthetic gives no
    class away; `auto`: all if a classifier learns 'treated = rare class' and the images are made from real ones."""
    sample_seed: int = 0
    """Seed of the samples."""
    per_class: bool = False
    """Train one generator per class that is filled, instead of one for all classes; cyclegan always does."""
    source: str = "auto"
    """For cyclegan: the classes it makes images from, separated by commas; auto takes the nearest one."""


@dataclass(frozen=True, eq=False)
class Rebalanced:
    """What a run made.

    Attributes:
        folder: The run's folder.
        before: Real training images by class.
        after: Training images by class in the mixed data set.
        verdict: The fidelity checker's answer.
        evaluation: Did it help; None where every sample was rejected.
        leak: Does a classifier take treated images of other classes for rare ones; None where there is nothing to tell.
        leak_spread: The same with treated images in every class; None where they were not spread.
        report: Path of the HTML page.
    """

    folder: Path
    before: dict[str, int]
    after: dict[str, int]
    verdict: Verdict
    evaluation: Evaluation | None
    leak: Leak | None
    leak_spread: Leak | None
    report: Path


def rebalance(
    source: str,
    out: Path,
    generator: str,
    model: Any,
    config: RebalanceConfig,
    data_config: DataConfig,
    train_config: TrainConfig,
    evaluate_config: EvaluateConfig,
    quiet: bool = False,
) -> Rebalanced:
    """Train, sample, check, mix, evaluate and report. The same call continues a killed run.

    Args:
        source: Real data, as `gensynth.data.read.read_parts` takes it.
        out: Folder of the run; created, or continued if it holds a run with the same settings.
        generator: Name of the generator.
        model: An instance of its `Config`.
        config: What to make.
        data_config: How real data are read and split.
        train_config: How to train.
        evaluate_config: How to test.
        quiet: Show no progress bars.

    Raises:
        ValueError: if the data or settings do not allow it, or `out` holds something else.
    """
    settings = {
        "source": absolute(source),
        "generator": generator,
        "model": asdict(model),
        "rebalance": asdict(config),
        "data": asdict(data_config) | {"test_data": absolute(data_config.test_data)},
        "train": asdict(train_config),
        "evaluate": asdict(evaluate_config),
    }
    parts = read_parts(source, data_config)
    adds = {name: n for name, n in target_counts(parts.train.class_counts, config.to).items() if n}
    if not adds:
        raise ValueError(
            f"to={config.to!r} adds nothing to the class counts {parts.train.class_counts}; "
            "give more, such as 'balance' or a number of images."
        )
    if config.draw is not None and config.draw not in get_generator(generator).draws:
        allowed = ", ".join(get_generator(generator).draws)
        raise ValueError(f"draw {config.draw!r} is not a way in which {generator} draws; allowed: {allowed}.")
    if not get_generator(generator).conditional:
        config = replace(config, per_class=True)
    elif config.per_class and config.spread == "all":
        raise ValueError(
            "spread 'all' needs a generator that draws the classes that are not filled, and per_class trains none of "
            "those; leave out one of the two."
        )
    for name in adds if config.per_class else (None,):
        scope_of(parts.train, generator, name, named(config.source, parts.train.classes))
    if not first_process():
        _train(parts, out, generator, model, config, train_config, adds, data_config.download, quiet)
        sys.exit(0)  # what follows the training is one process's work
    run = Run.open(out, settings | {"fingerprint": parts.train.fingerprint})
    paths = run.step(
        "train",
        lambda: _train(parts, out, generator, model, config, train_config, adds, data_config.download, quiet),
    )
    if not (out / "verdict.json").exists():
        sampler = NeuralSampler(paths, draw=config.draw, device=_device(train_config))
        run.step("sample and check", lambda: sample_and_check(sampler, parts, adds, config, out))
    synthetic, verdict = _samples(out, parts)
    accepted = synthetic.subset(verdict.samples.accepted)
    if not len(accepted):
        return report(out, parts)
    if not (out / "dataset").exists():
        run.step("mix", lambda: mix(parts, synthetic, verdict.samples, out / "dataset"))
    if not (out / "evaluation.json").exists():
        run.step(
            "evaluate",
            lambda: save_evaluation(
                evaluate(parts.train, accepted, parts.test, evaluate_config, quiet=quiet, rare=tuple(adds)),
                out / "evaluation.json",
            ),
        )
    return report(out, parts)


def report(out: Path, parts: Parts | None = None) -> Rebalanced:
    """Write the report of a run again from what its folder holds.

    Args:
        out: Folder of a finished run.
        parts: Its real data, if already read.

    Raises:
        ValueError: if the folder is not a run, or the data have changed since.
    """
    record = Run.read(out)
    settings = record["settings"]
    if parts is None:
        plain = settings["data"] | {"size": _tupled(settings["data"]["size"])}
        parts = read_parts(settings["source"], DataConfig(**plain))
        if parts.train.fingerprint != settings["fingerprint"]:
            raise ValueError(f"the images of {settings['source']} are no longer those that {out} was made from.")
    unfinished = f"{out} is not finished; type its 'gensynth rebalance' command again."
    if not (out / "verdict.json").exists():
        raise ValueError(unfinished)
    synthetic, verdict = _samples(out, parts)
    tested = bool(verdict.samples.accepted.any())
    if tested and not (out / "evaluation.json").exists():
        raise ValueError(unfinished)
    evaluation = load_evaluation(out / "evaluation.json") if tested else None
    leak, leak_spread = (
        load_leak(out / name) if (out / name).exists() else None for name in ("leak.json", "leak_spread.json")
    )
    before = parts.train.class_counts
    after = dict(before)
    for row in np.flatnonzero(verdict.samples.accepted):
        after[synthetic.classes[synthetic.y[row]]] += 1
    checkpoints = {path.stem: load_checkpoint(path) for path in sorted((out / "checkpoints").glob("*.ckpt"))}
    provenance = {
        "command": record["command"],
        "source": settings["source"],
        "generator": f"{settings['generator']} {settings['model']}",
        "training": str(settings["train"]),
        "filled to": settings["rebalance"]["to"],
        **{f"checkpoint {name}": checkpoint.sha256 for name, checkpoint in checkpoints.items()},
        **{f"extractor {key}": value for key, value in verdict.stamp.items()},
        "versions": record["versions"],
        **{f"seconds to {name}": f"{seconds:.1f}" for name, seconds in record["seconds"].items()},
    }
    contents = ReportContents(
        title=f"Rebalancing {settings['source']} with {settings['generator']}",
        parts=parts,
        synthetic=synthetic,
        verdict=verdict,
        evaluation=evaluation,
        leak=leak,
        leak_spread=leak_spread,
        after=after,
        history={name: checkpoint.history for name, checkpoint in checkpoints.items()},
        provenance=provenance,
        notes=(*parts.train.notes, *(note for c in checkpoints.values() for note in c.notes)),
    )
    write_report(out / "report.html", contents)
    return Rebalanced(out, before, after, verdict, evaluation, leak, leak_spread, out / "report.html")


def _train(
    parts: Parts,
    out: Path,
    generator: str,
    model: Any,
    config: RebalanceConfig,
    train_config: TrainConfig,
    adds: dict[str, int],
    download: bool,
    quiet: bool,
) -> Path:
    folder = out / "checkpoints"
    for name in adds if config.per_class else (None,):
        path = folder / f"{name or 'generator'}.ckpt"
        train(
            parts.train,
            generator,
            model,
            train_config,
            path,
            label=name,
            source=named(config.source, parts.train.classes),
            download=download,
            quiet=quiet,
        )
    return folder if config.per_class else path


def named(text: str, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the class names in `text`, separated by commas; none for `auto`, unless a class is called so."""
    if text in classes:
        return (text,)
    return () if text == "auto" else tuple(name.strip() for name in text.split(","))


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
        ValueError: if all classes shall receive images and the sampler draws the filled ones only.
    """
    held_out = (parts.validation, parts.test)
    checker = FidelityChecker(parts.train, held_out)
    synthetic = _drawn(sampler, checker, adds, config.sample_seed, parts)
    verdict = checker.check(synthetic, adds)
    accepted = synthetic.subset(verdict.samples.accepted)
    if len(accepted):
        treated = _treated(sampler, checker, adds, config.sample_seed, synthetic)

        leak = measure_leak(parts.train, accepted, treated, tuple(adds), held_out)
        save_leak(leak, out / "leak.json")
        # Only a paired measurement decides, for no held-out image has a say in it.
        if config.spread == "all" or (config.spread == "auto" and leak.leaks and leak.paired):
            share = spread_counts(parts.train.class_counts, adds)
            share = {name: n for name, n in share.items() if name in sampler.labels}
            if not share:
                raise ValueError(
                    f"spread 'all' needs images of classes that are not filled, and this generator draws only "
                    f"{', '.join(map(repr, sampler.labels))}; give --spread rare, or another generator."
                )
            more = _drawn(sampler, checker, share, config.sample_seed, parts)
            synthetic = Synthetic.concat([synthetic, more])
            verdict = checker.check(synthetic, adds | share)
            accepted = synthetic.subset(verdict.samples.accepted)
            spread = measure_leak(parts.train, accepted, treated, tuple(adds), held_out)
            save_leak(spread, out / "leak_spread.json")
    if not (out / "synthetic").exists():
        write_synthetic(synthetic, verdict.samples, out / "synthetic")
    save_verdict(verdict, out / "verdict.json")


def _drawn(sampler: Sampler, checker: FidelityChecker, counts: dict[str, int], seed: int, parts: Parts) -> Synthetic:
    drawn = [draw_accepted(sampler, checker, name, math.ceil((1 + SPARE) * n), seed) for name, n in counts.items()]
    return Synthetic.concat(drawn).relabel(parts.train.classes)


def _treated(
    sampler: Sampler, checker: FidelityChecker, adds: dict[str, int], seed: int, synthetic: Synthetic
) -> Synthetic:
    """Draw images of classes that are not filled, with another seed, so that none of them is one that is spread."""
    others = [name for name in sampler.labels if name not in adds]
    others = others[:: math.ceil(len(others) / MOST_OTHERS) or 1]
    drawn = [sampler.sample(name, math.ceil(TREATED / len(others)), seed + 1) for name in others]
    treated = Synthetic.concat([synthetic.subset([]), *(part.relabel(synthetic.classes) for part in drawn)])
    return treated.subset(shows_treatment(checker.gate(treated))) if drawn else treated


def _samples(out: Path, parts: Parts) -> tuple[Synthetic, Verdict]:
    synthetic, _ = read_synthetic(out / "synthetic", parts.train.classes, parts.train.shape)
    return synthetic, load_verdict(out / "verdict.json")


def _tupled(size: Any) -> Any:
    return tuple(size) if isinstance(size, list) else size
