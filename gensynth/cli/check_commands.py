"""The verbs of the command line that check synthetic images and test whether they help; see `gensynth.cli.commands`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gensynth.cli.printed import (
    print_evaluation,
    print_leak,
    print_privacy,
    print_verdict,
    say_data_notes,
    say_mixed,
    say_passed,
    say_renamed,
)
from gensynth.data.files import refuse_inside
from gensynth.data.lock import locked
from gensynth.fidelity.verdict import FAIL
from gensynth.kinds.image.config import TRAIN_ONLY, refuse_unused

if TYPE_CHECKING:  # a verb imports what it needs, and the parser the settings of the one verb that is called
    from gensynth.data.split import Parts
    from gensynth.evaluate.config import EvaluateConfig
    from gensynth.fidelity.checker import FidelityChecker
    from gensynth.kinds.image.config import DataConfig
    from gensynth.sampler.synthetic import Synthetic


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
    from gensynth.cli.check import check as run
    from gensynth.cli.check import write_page
    from gensynth.fidelity.privacy import LEAKAGE
    from gensynth.fidelity.verdict import save_verdict
    from gensynth.kinds.image.config import SPLIT_SETTINGS
    from gensynth.report.frame import check_folder

    page = page or (json.with_suffix(".html") if json else Path("check.html"))
    if json == page:
        raise ValueError(f"--json and --page are both {page}; give two files.")
    for path in filter(None, (json, page)):
        check_folder(path)
    refuse_unused(data_config, ("domain",), TRAIN_ONLY)
    if holdout is not None:
        refuse_unused(data_config, SPLIT_SETTINGS, "with --holdout, all of --against is the reference")
    with locked(json, page):
        done = run(synthetic, against, holdout, extractor, weights, privacy, data_config)
        if json is not None:
            save_verdict(done.verdict, json)
        write_page(done, page)
    say_data_notes(done.parts)
    print_verdict(done.verdict, done.parts.train.noun)
    if done.privacy is not None:
        print_privacy(done.privacy)
    if done.leak is not None:
        print_leak(done.leak)
    for sentence in done.advice:
        print(sentence)
    print(f"page: {page}")
    if not done.verdict.samples.accepted.any():
        print("No sample passes the check, so there is nothing to go on with.")
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
        to: How far to fill: rare (classes with less than half the images of the largest one, up to that one), balance
            (all classes), 5x (rare ones up to 5 times their real images), 200 (all up to that many), or 0.29 (all up to
            that share of the largest one).
        spread: Which classes receive synthetic images: rare, those the target fills; or all, so that being synthetic
            gives no class away: classes that are not rare then get 35 % of their real images, if not more.
        link: copy, hard or symbolic: how real files get there.
        data_config: How the real data are read and split.
    """
    from gensynth.kinds.image.files import FolderFiles
    from gensynth.mix.mix import mix as join
    from gensynth.mix.targets import spread_counts, target_counts

    refuse_inside(out, synthetic, real, data_config.test_data)
    files = FolderFiles(link)
    with locked(out):
        files.refuse_existing(out)
        parts, samples, checker = _read_both(synthetic, real, data_config)
        wanted = target_counts(parts.train.class_counts, to)
        share = spread_counts(parts.train.class_counts, wanted) if spread == "all" else {}
        verdict = checker.check(samples, wanted | share)
        say_passed(parts, samples, verdict, synthetic)
        if spread == "all":
            _refuse_rare_alone(parts, wanted, samples.subset(verdict.samples.accepted))
        mixed = join(parts, samples, verdict.samples, out, files)
    say_mixed(mixed, parts.train.noun, wanted | share)
    say_renamed(out / "train")
    return 0


def evaluate(
    synthetic: str,
    *,
    real: str,
    out: Path | None = None,
    keep_arms: Path | None = None,
    data_config: DataConfig,
    evaluate: EvaluateConfig,
) -> int:
    """Test on held-out real images whether the synthetic ones that pass the check help. Exit status 1 if they hurt.

    Args:
        synthetic: Folder of synthetic images, one sub-folder per class.
        real: Real data, split as for training; the test part is used here only.
        out: Write the result to this JSON file.
        keep_arms: Folder in which the networks' answers without synthetic images are kept, so that the next evaluation
            with the same real images and settings need not train them again.
        data_config: How the real data are read and split.
        evaluate: How to test.
    """
    from gensynth.evaluate.evaluate import evaluate as test
    from gensynth.evaluate.evaluate import save_evaluation
    from gensynth.fidelity.draw import as_drawn
    from gensynth.mix.targets import filled_rare

    if keep_arms is not None:
        refuse_inside(keep_arms, synthetic, real, data_config.test_data, option="--keep_arms")
    with locked(out, None if keep_arms is None else keep_arms / "arms"):
        parts, samples, checker = _read_both(synthetic, real, data_config)
        verdict = checker.check(samples)
        say_passed(parts, samples, verdict, synthetic)
        accepted = samples.subset(verdict.samples.accepted)
        # Images of other classes only keep the treatment from giving the rare ones away; without rare ones, all count.
        rare = filled_rare(parts.train.class_counts, Counter(accepted.classes[label] for label in accepted.y))
        raw = as_drawn(samples, verdict)
        result = test(parts.train, accepted, parts.test, evaluate, rare=rare, ungated=raw, kept=keep_arms)
        if out is not None:
            save_evaluation(result, out)
    print_evaluation(result)
    return 1 if result.verdict == "HURTS" else 0


def _read_both(synthetic: str, real: str, config: DataConfig) -> tuple[Parts, Synthetic, FidelityChecker]:
    from gensynth.fidelity.checker import FidelityChecker
    from gensynth.kinds.image.files import FolderFiles
    from gensynth.kinds.image.read import read_parts

    refuse_unused(config, ("domain",), TRAIN_ONLY)
    parts = read_parts(real, config)
    samples, _ = FolderFiles().read(Path(synthetic), parts.train)
    parts = replace(parts, train=parts.train.noting(samples.notes, synthetic))
    say_data_notes(parts)
    return parts, samples, FidelityChecker(parts.train, (parts.validation, parts.test))


def _refuse_rare_alone(parts: Parts, wanted: dict[str, int], accepted: Synthetic) -> None:
    """Raise ValueError if images shall be spread over all classes and there are none of a class that is not rare."""
    from gensynth.mix.targets import filled_rare

    others = {*parts.train.classes} - {*filled_rare(parts.train.class_counts, wanted)}
    if others and not {accepted.classes[c] for c in accepted.y} & others:
        raise ValueError(
            "there is no accepted image of a class that is not rare, so nothing can be spread over all "
            "classes; draw some with 'gensynth sample ... --others N', or leave out --spread."
        )
