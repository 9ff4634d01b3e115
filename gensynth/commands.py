"""The verbs of the command line, one function each. The parser is made from signature and docstring."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gensynth.fidelity.verdict import FAIL, Verdict
from gensynth.files import refuse_inside
from gensynth.lock import locked
from gensynth.printed import print_evaluation, print_leak, print_privacy, print_rebalanced, print_verdict
from gensynth.run import RECORD, Run

if TYPE_CHECKING:  # a verb imports what it needs, and the parser the settings of the one verb that is called
    from gensynth.data.config import DataConfig
    from gensynth.data.split import Parts
    from gensynth.evaluate_config import EvaluateConfig
    from gensynth.fidelity.checker import FidelityChecker
    from gensynth.rebalance_config import RebalanceConfig
    from gensynth.samplers.synthetic import Synthetic
    from gensynth.stylize_config import StylizeConfig
    from gensynth.train_config import TrainConfig


TRAIN_ONLY = "domains are for 'gensynth train' with --source_domain and --target_domain"


def explore(data: str, *, data_config: DataConfig, json: bool = False, recipes: bool = False) -> int:
    """Show what is in a data set, before anything is made.

    Args:
        data: A folder with one sub-folder per class, an .npz file, builtin:NAME or torchvision:NAME.
        data_config: How it is read; where it says how to split, only the training images are shown.
        json: Print JSON instead of text.
        recipes: Also measure after which changes (flips, turns, noise, ...) images are no longer known as their class.
    """
    from gensynth.data.config import SPLIT_SETTINGS
    from gensynth.data.explore import explore as look
    from gensynth.data.explore import explore_recipes
    from gensynth.data.read import parts_of, read

    images = read(data, data_config)
    given = data_config.given(*SPLIT_SETTINGS)
    parts = parts_of(images, data, data_config) if given or recipes else None
    if given and parts is not None:
        note = f"Only the images that a training would see are counted here, as {', '.join(given)} was given."
        images = replace(parts.train, notes=(note, *parts.train.notes))
    found = look(images)
    if not json:
        print(found.as_text())
    safety, told = explore_recipes(parts) if recipes and parts is not None else ({}, "")
    if json:
        print(_json(asdict(found) | safety))
    elif told:
        print(f"\n{told}")
    return 0


def train(
    generator: str,
    *,
    data: str,
    out: Path = Path("checkpoints"),
    label: str | None = None,
    source: str = "auto",
    source_domain: str | None = None,
    target_domain: str | None = None,
    init: Path | None = None,
    per_class: bool = False,
    quiet: bool = False,
    data_config: DataConfig,
    train_config: TrainConfig,
    model: Any,
) -> int:
    """Train a generator on the training part of real images; the same command continues a killed run.

    Args:
        generator: Name of a file in models/, such as vae, dcgan, cyclegan or style_transfer.
        data: Real data: a folder, an .npz file, builtin:NAME or torchvision:NAME.
        out: Folder for the checkpoint.
        label: Train on this class only; for cyclegan, the class that images of other classes become.
        source: For cyclegan: the classes it makes images from, separated by commas; auto takes the nearest one.
        source_domain: For cyclegan: translate from this domain (see --domain) instead of from other classes.
        target_domain: For cyclegan: the domain to translate to; the class stays what it is.
        init: A shared checkpoint to start from; its settings are used.
        per_class: Train one model for each class.
        quiet: Show no progress bar.
        data_config: How the data are read and split.
        train_config: How to train.
        model: Settings of the generator.
    """
    from gensynth.data.read import read_parts
    from gensynth.manifest import folder_name
    from gensynth.scope import named, scope_of
    from gensynth.train import train as learn

    if per_class and label is not None:
        raise ValueError("--per-class trains every class and --label one of them; give one of the two.")
    if (source_domain is None) != (target_domain is None):
        raise ValueError("--source_domain and --target_domain go together: give both, or neither.")
    if out.suffix == ".ckpt" or out.is_file():
        raise ValueError(f"--out is the folder of the checkpoint, not a file: got {out}.")
    refuse_inside(out, data, data_config.test_data)
    if source_domain is None:
        _refuse_unused(data_config, ("domain",), "it needs --source_domain and --target_domain")
    parts = read_parts(data, data_config)
    _say_data_notes(parts)
    labels = list(parts.train.classes) if per_class else [label]
    domains = (source_domain, target_domain) if source_domain is not None and target_domain is not None else None
    sources = named(source, parts.train.classes)
    for name in labels:
        scope_of(parts.train, generator, name, sources, domains, shared=init is not None)
    for name in labels:
        path = out / f"{generator if name is None else folder_name(name)}.ckpt"
        with locked(path):
            learn(
                parts.train,
                generator,
                model,
                train_config,
                path,
                label=name,
                source=sources,
                domains=domains,
                init=init,
                download=data_config.download,
                quiet=quiet,
            )
        _say(f"checkpoint: {path}")
        _say_notes(path)
    return 0


def sample(
    checkpoint: Path,
    *,
    label: str,
    n: int = 100,
    others: int = 0,
    seed: int = 0,
    out: Path,
    draw: str | None = None,
    start: int = 0,
    device: str = "auto",
    devices: int = 1,
    num_nodes: int = 1,
) -> int:
    """Draw synthetic images of a label. Image i depends on (checkpoint, seed, label, i) only.

    Args:
        checkpoint: A .ckpt file, or a folder with one per class.
        label: Name of a trained class.
        n: How many images.
        others: Also so many images of every other class the checkpoint draws, which 'check' and 'mix --spread all' use.
        seed: Seed of the images.
        out: New folder for the images and metadata.csv; the same command again leaves it as it is.
        draw: How the generator draws; by default its first choice.
        start: Number of the first image.
        device: cpu, cuda, or auto.
        devices: Processes on this machine, each of which draws its share.
        num_nodes: Number of machines.
    """
    from gensynth.sharded import sample_to_folder

    with locked(out):
        drawn = sample_to_folder(checkpoint, label, n, seed, out, draw, start, device, devices, num_nodes, others)
    if not drawn:
        _say(f"{out} is complete; nothing was left to draw.")
    _say_renamed(out)
    return 0


def translate(checkpoint: Path, images: str, out: Path, *, direction: str = "AtoB", device: str = "auto") -> int:
    """Translate a folder of images with a cyclegan checkpoint, to files of the same names.

    Args:
        checkpoint: A .ckpt file of a cyclegan.
        images: Folder of images, at any depth.
        out: New folder for the translated images, as PNG.
        direction: AtoB, from source to target, or BtoA.
        device: cpu, cuda, or auto.
    """
    from gensynth.translate import translate as run

    refuse_inside(out, images)
    with locked(out):
        done = run(checkpoint, Path(images), out, direction, device)
    _say(f"{done} images in {out}")
    return 0


def stylize(content: str, style: str, *, out: Path, quiet: bool = False, stylize_config: StylizeConfig) -> int:
    """Give a picture, or each picture of a folder, the look of another.

    Args:
        content: A picture, or a folder of pictures.
        style: A picture, or a folder of pictures.
        out: The file to write (-o), or a new folder where CONTENT is one.
        quiet: Show no progress bar.
        stylize_config: How.
    """
    from gensynth.stylize import stylize as run

    refuse_inside(out, content, style)
    with locked(out):
        written = run(Path(content), Path(style), out, stylize_config, quiet)
    for path in written:
        print(path)
    return 0


def check(
    synthetic: str,
    *,
    against: str,
    holdout: str | None = None,
    json: Path | None = None,
    page: Path | None = None,
    extractor: str = "pyramid",
    weights: Path | None = None,
    privacy: bool = False,
    data_config: DataConfig,
) -> int:
    """Check synthetic images against real ones: each sample, each class, the whole. Exit status 1 if a class fails.

    Beside images of rare classes, images of others show whether a classifier would take what is synthetic for rare.

    Args:
        synthetic: Folder of synthetic images made by any tool, one sub-folder per class as in AGAINST, or none in both.
        against: Real data. Split as for training: the training part is the reference, the rest is held out.
        holdout: Real data that no generator saw; then all of AGAINST is the reference.
        json: Write the verdict to this file.
        page: Write the page to this file; by default beside the verdict, or to check.html.
        extractor: What features are made of: pyramid, task, imagenet, inception or dinov2.
        weights: File of the extractor's weights, where it is not found by itself.
        privacy: Also attack the samples: can they tell which real images a generator was trained on?
        data_config: How the real data are read and split.
    """
    from gensynth.check import check as run
    from gensynth.check import write_page
    from gensynth.data.config import SPLIT_SETTINGS
    from gensynth.fidelity.privacy import LEAKAGE
    from gensynth.fidelity.verdict import save_verdict
    from gensynth.report.frame import check_folder

    page = page or (json.with_suffix(".html") if json else Path("check.html"))
    if json == page:
        raise ValueError(f"--json and --page are both {page}; give two files.")
    for path in filter(None, (json, page)):
        check_folder(path)
    _refuse_unused(data_config, ("domain",), TRAIN_ONLY)
    if holdout is not None:
        _refuse_unused(data_config, SPLIT_SETTINGS, "with --holdout, all of --against is the reference")
    with locked(json, page):
        done = run(synthetic, against, holdout, extractor, weights, privacy, data_config)
        if json is not None:
            save_verdict(done.verdict, json)
        write_page(done, page)
    _say_data_notes(done.parts)
    print_verdict(done.verdict)
    if done.privacy is not None:
        print_privacy(done.privacy)
    if done.leak is not None:
        print_leak(done.leak)
    for sentence in done.advice:
        print(sentence)
    print(f"page: {page}")
    leaks = done.privacy is not None and done.privacy.status == LEAKAGE
    return 1 if leaks or done.verdict.status == FAIL or not done.verdict.samples.accepted.any() else 0


def mix(
    synthetic: str,
    *,
    real: str,
    out: Path,
    to: str = "rare",
    spread: Literal["rare", "all"] = "rare",
    link: str = "copy",
    data_config: DataConfig,
) -> int:
    """Join real images and the synthetic ones that pass the check to one data set.

    Args:
        synthetic: Folder of synthetic images, one sub-folder per class.
        real: Real data, split as for training.
        out: New folder for train/, validation/ and test/.
        to: How far to fill: rare (classes with less than half the images of the largest, up to that one), balance
            (all classes), 5x (rare ones up to 5 times their real images), or a number.
        spread: Which classes receive synthetic images: rare, those the target fills; or all, so that being synthetic
            gives no class away: classes that are not rare then get 35 % of their real images, if not more.
        link: copy, hard or symbolic: how real files get there.
        data_config: How the real data are read and split.
    """
    from gensynth.counts import spread_counts, target_counts
    from gensynth.mix import mix as join

    refuse_inside(out, synthetic, real, data_config.test_data)
    with locked(out):
        parts, samples, checker = _read_both(synthetic, real, data_config)
        wanted = target_counts(parts.train.class_counts, to)
        share = spread_counts(parts.train.class_counts, wanted) if spread == "all" else {}
        verdict = _checked(parts, samples, checker, synthetic, wanted | share)
        if spread == "all":
            _refuse_rare_alone(parts, wanted, samples.subset(verdict.samples.accepted))
        mixed = join(parts, samples, verdict.samples, out, link=link)  # type: ignore[arg-type]  # mix checks the word
    _say(f"{mixed.n_real} real and {mixed.n_synthetic} synthetic images in {mixed.path}")
    _say_renamed(out / "train")
    return 0


def evaluate(
    synthetic: str, *, real: str, out: Path | None = None, data_config: DataConfig, evaluate: EvaluateConfig
) -> int:
    """Test on held-out real images whether the synthetic ones that pass the check help. Exit status 1 if they hurt.

    Args:
        synthetic: Folder of synthetic images, one sub-folder per class.
        real: Real data, split as for training; the test part is used here only.
        out: Write the result to this JSON file.
        data_config: How the real data are read and split.
        evaluate: How to test.
    """
    from gensynth.counts import filled_rare
    from gensynth.draw import as_drawn
    from gensynth.evaluate import evaluate as test
    from gensynth.evaluate import save_evaluation

    with locked(out):
        parts, samples, checker = _read_both(synthetic, real, data_config)
        verdict = _checked(parts, samples, checker, synthetic)
        accepted = samples.subset(verdict.samples.accepted)
        # Images of other classes only keep the treatment from giving the rare ones away; without rare ones, all count.
        rare = filled_rare(parts.train.class_counts, Counter(accepted.classes[label] for label in accepted.y))
        result = test(parts.train, accepted, parts.test, evaluate, rare=rare, ungated=as_drawn(samples, verdict))
        if out is not None:
            save_evaluation(result, out)
    print_evaluation(result)
    return 1 if result.verdict == "HURTS" else 0


def rebalance(
    data: str,
    *,
    out: Path,
    generator: str = "deformation",
    quiet: bool = False,
    rebalance_config: RebalanceConfig,
    data_config: DataConfig,
    train_config: TrainConfig,
    model: Any,
    evaluate: EvaluateConfig,
) -> int:
    """Train, sample, check, test, mix and report with one command; the same command continues a killed run.

    Args:
        data: Real data: a folder with one sub-folder per class, an .npz file, builtin:NAME or torchvision:NAME.
        out: Folder of the run.
        generator: Name of a file in models/, such as deformation, vae or dcgan.
        quiet: Show no progress bars.
        rebalance_config: What to make.
        data_config: How the data are read and split.
        train_config: How to train.
        model: Settings of the generator.
        evaluate: How to test.
    """
    from gensynth.rebalance import rebalance as run

    _refuse_unused(data_config, ("domain",), TRAIN_ONLY)
    refuse_inside(out, data, data_config.test_data)
    with locked(out / RECORD):
        done = run(data, out, generator, model, rebalance_config, data_config, train_config, evaluate, quiet)
    print_rebalanced(done)
    _say_renamed(out / "dataset" / "train")
    bad = done.verdict is None or done.verdict.status == FAIL or not done.mixed
    return 1 if bad or (done.evaluation is not None and done.evaluation.verdict == "HURTS") else 0


def report(run: Path, *, data: str | None = None, test_data: str | None = None, download: bool = False) -> int:
    """Write the report of a rebalance run again.

    Args:
        run: Folder of the run; of a table's, NAME.run.
        data: Where the real data lie now, if they were moved.
        test_data: Where the source of the test part lies now, if there is one and it was moved.
        download: Whether files of a torchvision data set may be downloaded, whatever the run was allowed.
    """
    from gensynth.plain import used
    from gensynth.rebalance import report as write
    from gensynth.rebalance_table import report_table

    is_table = Run.read(run)["settings"].get("kind") == "table"
    # Each file is what it should be, but they may be of different runs.
    with locked(run / RECORD), used(str(run), "make the run again", (MemoryError, OSError, ValueError)):
        page = (report_table(run, data, test_data) if is_table else write(run, None, data, test_data, download)).report
    print(f"report: {page}")
    return 0


def _read_both(synthetic: str, real: str, config: DataConfig) -> tuple[Parts, Synthetic, FidelityChecker]:
    from gensynth.data.read import read_parts
    from gensynth.fidelity.checker import FidelityChecker
    from gensynth.mix import read_synthetic

    _refuse_unused(config, ("domain",), TRAIN_ONLY)
    parts = read_parts(real, config)
    _say_data_notes(parts)
    samples, _ = read_synthetic(Path(synthetic), parts.train.classes, parts.train.shape, parts.train.white)
    return parts, samples, FidelityChecker(parts.train, (parts.validation, parts.test))


def _checked(
    parts: Parts, samples: Synthetic, checker: FidelityChecker, source: str, wanted: dict[str, int] | None = None
) -> Verdict:
    from gensynth.mix import refuse_held_out_parents

    verdict = checker.check(samples, wanted)
    leaked = np.isin(verdict.samples.reason, "held_out_parent")
    refuse_held_out_parents(parts, samples.subset(verdict.samples.accepted | leaked))
    good = sum(reason in ("", "quota") for reason in verdict.samples.reason)
    _say(f"{good} of {len(samples)} synthetic images pass the check; fidelity: {verdict.status}")
    if spare := verdict.samples.reason.count("quota"):
        _say(f"{spare} of them are more than was asked for and left out: those that differ most are kept")
    if not good:
        raise ValueError(f"no image in {source} passes the check, so there is nothing to go on with.")
    return verdict


def _refuse_unused(config: DataConfig, names: tuple[str, ...], why: str) -> None:
    if unused := config.given(*names):
        raise ValueError(f"{', '.join(unused)} would change nothing here: {why}; leave it out.")


def _refuse_rare_alone(parts: Parts, wanted: dict[str, int], accepted: Synthetic) -> None:
    """Raise ValueError if images shall be spread over all classes and there are none of a class that is not rare."""
    from gensynth.counts import filled_rare

    others = {*parts.train.classes} - {*filled_rare(parts.train.class_counts, wanted)}
    if others and not {accepted.classes[c] for c in accepted.y} & others:
        raise ValueError(
            "there is no accepted image of a class that is not rare, so nothing can be spread over all "
            "classes; draw some with 'gensynth sample ... --others N', or leave out --spread."
        )


def _say_renamed(folder: Path) -> None:
    from gensynth.manifest import renamed_notes

    for note in renamed_notes(folder):
        _say(f"note: {note}")


def _say_data_notes(parts: Parts) -> None:
    for note in parts.train.notes:
        _say(f"note: {note}")


def _say_notes(checkpoint: Path) -> None:
    from gensynth.checkpoint import load_checkpoint

    for note in load_checkpoint(checkpoint).notes:
        _say(f"warning: {note}")


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
