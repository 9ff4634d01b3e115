"""The verbs of single steps, one function each, for every kind of data.

Those of whole runs stand in `gensynth.cli.runs`, those of one kind of data in `gensynth/kinds/NAME/commands.py`.

The parser of a verb is made from signature and docstring. The first parameter is no option: it is the kind of data,
and the settings called `ReadConfig`, `EvaluateConfig`, ... are its own (`Kind.configs`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from gensynth.data.files import refuse_inside
from gensynth.data.lock import locked
from gensynth.data.settings import refuse_unused
from gensynth.data.split import SPLIT_SETTINGS
from gensynth.data.words import counted, some, some_counts
from gensynth.fidelity.verdict import FAIL
from gensynth.report.frame import check_folder
from gensynth.report.printed import (
    print_evaluation,
    print_leak,
    print_privacy,
    print_verdict,
    say,
    say_data_notes,
    say_mixed,
    say_notes,
    say_passed,
)
from gensynth.sampler import SAMPLER

if TYPE_CHECKING:  # a verb imports what it needs, and the parser the settings of the one verb that is called
    from gensynth.data.split import Parts
    from gensynth.fidelity.verdict import Verdict
    from gensynth.kind import Kind
    from gensynth.sampler.synthetic import Synthetic

    ReadConfig: TypeAlias = Any
    EvaluateConfig: TypeAlias = Any
    CheckConfig: TypeAlias = Any
    FilesConfig: TypeAlias = Any
    DrawConfig: TypeAlias = Any


def explore(kind: Kind, data: str, *, data_config: ReadConfig) -> int:
    """Show what is in a data set, before anything is made.

    Args:
        kind: The kind of data.
        data: Real data.
        data_config: How the data are read.
    """
    found = kind.read(data, data_config)
    print(f"{counted(len(found), kind.noun)}: {some_counts(found.class_counts)}")
    for note in found.notes:
        print(f"note: {note}")
    return 0


def train(
    kind: Kind,
    sampler: str,
    *,
    data: str,
    out: Path = Path("checkpoints"),
    settings: dict[str, Any] | None = None,
    data_config: ReadConfig,
) -> int:
    """Fit a sampler to the training part of real data; its file holds plain values only and runs no code.

    Args:
        kind: The kind of data.
        sampler: Name of a sampler, such as copula, cart, mixture, tabular_vae, smote or bootstrap for tables.
        data: Real data, such as claims.csv.
        out: Folder for NAME.sampler.
        settings: Settings of the sampler, such as {"steps": 5000} for tabular_vae.
        data_config: How the data are read and split.
    """
    made = kind.made(sampler, settings)
    path = out / f"{sampler}{SAMPLER}"
    with locked(path):
        if path.exists():
            raise ValueError(f"{path} exists; choose another --out, or remove it to fit again.")
        parts = kind.parts(data, data_config)
        say_data_notes(parts)
        fitted = made.fit(parts.train)
        fitted.save(path)
    say(f"sampler: {path}, which draws {some(map(repr, fitted.labels))}")
    return 0


def sample(
    kind: Kind,
    sampler: Path,
    *,
    label: str | None = None,
    n: int | None = None,
    counts: dict[str | int, int] | None = None,
    others: int = 0,
    seed: int = 0,
    out: Path,
    start: int = 0,
    draw_config: DrawConfig,
) -> int:
    """Draw synthetic examples of one class, or of all. Example i depends on (sampler, seed, label, i) only.

    Args:
        kind: The kind of data.
        sampler: A .sampler file; for images also a .ckpt file, or a folder with one per class.
        label: Name of a class; by default all that it draws, in the shares of the real examples it learned from.
        n: How many, of all classes together where none is named; by default 100.
        counts: How many of each class instead, in place of a label: NAME=N,NAME=N.
        others: Also draw this many of every class beside the label, for 'check' and 'mix --spread all'.
        seed: Seed of the examples.
        out: New folder for images and metadata.csv, or table to write, beside which NAME.metadata.csv says how each row
            was made; the same command again leaves it as it is.
        start: Number of the first one.
        draw_config: How they are drawn.
    """
    from gensynth.mix.drawn import Order, is_drawn
    from gensynth.mix.mix import write_synthetic

    files, order = kind.files(), Order(label=label, n=n, each=counts, seed=seed, start=start, others=others)
    with locked(out):
        loaded = kind.load(sampler, draw_config)
        if is_drawn(out, files, order, loaded):
            say(f"{out} is complete; nothing was left to draw.")
        else:
            files.refuse_existing(out)
            drawn = kind.drawn(loaded, sampler, order, draw_config)
            if drawn is not None:
                write_synthetic(drawn, None, out, files)
            say(f"{kind.noun}s in {out}: {some_counts(order.counts(loaded))}")
    say_notes(files.notes(out))
    return 0


def mix(
    kind: Kind,
    synthetic: str,
    *,
    real: str,
    out: Path,
    to: str = "rare",
    spread: Literal["rare", "all"] = "rare",
    data_config: ReadConfig,
    files_config: FilesConfig,
) -> int:
    """Join real examples and the synthetic ones that pass the check to one data set.

    Args:
        kind: The kind of data.
        synthetic: Folder of synthetic images, one sub-folder per class; or table of synthetic rows.
        real: Real data, split as for training.
        out: New folder for train/, validation/ and test/; or table to write, the real rows first and as they are, with
            NAME.metadata.csv beside it.
        to: How far to fill: rare (classes with less than half the examples of the largest one, up to that one), balance
            (all classes), 5x (rare ones up to 5 times their real examples), 200 (all up to that many), or 0.29 (all up
            to that share of the largest one).
        spread: Which classes receive synthetic examples: rare, those the target fills; or all, so that being synthetic
            gives no class away: classes that are not rare then get 35 % of their real examples, if not more.
        data_config: How the real data are read and split.
        files_config: How the data set is written.
    """
    from gensynth.mix import mix as step
    from gensynth.mix.targets import spread_counts, target_counts

    refuse_inside(out, synthetic, real, data_config.test_data)
    files = kind.files(files_config)
    with locked(out):
        files.refuse_existing(out)
        parts, samples = _read_both(kind, synthetic, real, data_config)
        wanted = target_counts(parts.train.class_counts, to)
        share = spread_counts(parts.train.class_counts, wanted) if spread == "all" else {}
        verdict = _checked(parts, samples, synthetic, wanted | share)
        if spread == "all":
            step.refuse_rare_alone(parts, wanted, samples.subset(verdict.samples.accepted))
        mixed = step.mix(parts, samples, verdict.samples, out, files)
    say_mixed(mixed, parts.train.noun, wanted | share)
    say_notes(files.notes(out))
    return 0


def check(
    kind: Kind,
    synthetic: str,
    *,
    against: str,
    holdout: str | None = None,
    json: Path | None = None,
    page: Path | None = None,
    privacy: bool = False,
    data_config: ReadConfig,
    check_config: CheckConfig,
) -> int:
    """Check synthetic examples against real ones: each one, each class, the whole. Exit status 1 if a class fails.

    Beside images of rare classes, images of others show whether a classifier would take what is synthetic for rare.

    Args:
        kind: The kind of data.
        synthetic: Folder of synthetic images made by any tool, one sub-folder per class as in AGAINST, or none in both;
            or table of synthetic rows, with the columns of the real one.
        against: Real data. Split as for training: the training part is the reference, the rest is held out.
        holdout: Real data that no generator saw; then all of AGAINST is the reference.
        json: Write the verdict to this file.
        page: Write the page to this file; by default beside the verdict, or to check.html.
        privacy: Also attack the samples: can they tell which real examples a generator was trained on?
        data_config: How the real data are read and split.
        check_config: What they are compared in.
    """
    from gensynth.fidelity.privacy import LEAKAGE
    from gensynth.fidelity.verdict import save_verdict
    from gensynth.report.check import check as run
    from gensynth.report.page import write_check

    page = page or (json.with_suffix(".html") if json else Path("check.html"))
    if json == page:
        raise ValueError(f"--json and --page are both {page}; give two files.")
    for path in filter(None, (json, page)):
        check_folder(path)
    if holdout is not None:
        refuse_unused(data_config, SPLIT_SETTINGS, "with --holdout, all of --against is the reference")
    with locked(json, page):
        done = run(kind, synthetic, against, holdout, privacy, data_config, check_config)
        verdict, accepted = done.checked, done.checked.samples.accepted.any()
        if json is not None:
            save_verdict(verdict, json)
        write_check(page, done)
    say_data_notes(done.parts)
    print_verdict(verdict, kind.noun)
    if done.privacy is not None:
        print_privacy(done.privacy)
    if done.leak is not None:
        print_leak(done.leak)
    for sentence in done.notes:
        print(sentence)
    print(f"page: {page}")
    if not accepted:
        print("No sample passes the check, so there is nothing to go on with.")
    leaks = done.privacy is not None and done.privacy.status == LEAKAGE
    return 1 if leaks or verdict.status == FAIL or not accepted else 0


def evaluate(
    kind: Kind,
    synthetic: str,
    *,
    real: str,
    out: Path | None = None,
    keep_arms: Path | None = None,
    data_config: ReadConfig,
    evaluate: EvaluateConfig,
) -> int:
    """Test on held-out real data whether the synthetic examples that pass the check help. Exit status 1 if they hurt.

    Args:
        kind: The kind of data.
        synthetic: Folder of synthetic images, one sub-folder per class; or table of synthetic rows.
        real: Real data, split as for training; the test part is used here only.
        out: Write the result to this JSON file.
        keep_arms: Folder in which the classifiers' answers without synthetic examples are kept, so that the next
            evaluation with the same real data and settings need not train them again.
        data_config: How the real data are read and split.
        evaluate: How to test.
    """
    from gensynth.evaluate.evaluate import evaluate_checked
    from gensynth.evaluate.results import save_evaluation
    from gensynth.evaluate.ways import SYNTHETIC

    if keep_arms is not None:
        refuse_inside(keep_arms, synthetic, real, data_config.test_data, option="--keep_arms")
    with locked(out, None if keep_arms is None else keep_arms / "arms"):
        parts, samples = _read_both(kind, synthetic, real, data_config)
        verdict = _checked(parts, samples, synthetic)
        # Beside what is usual for the kind, the given ones need a name of their own.
        named = kind.reference() is not None and samples.sampler != "unknown"
        name = samples.sampler if named else SYNTHETIC
        result = evaluate_checked(parts, samples, verdict, evaluate, name, kept=keep_arms)
        if out is not None:
            save_evaluation(result, out)
    print_evaluation(result)
    return 1 if result.verdict == "HURTS" else 0


def _read_both(kind: Kind, synthetic: str, real: str, config: ReadConfig) -> tuple[Parts, Synthetic]:
    parts = kind.parts(real, config)
    samples, _ = kind.files().read(Path(synthetic), parts.train)
    parts = replace(parts, train=parts.train.noting(samples.notes, synthetic))
    say_data_notes(parts)
    return parts, samples


def _checked(parts: Parts, samples: Synthetic, source: str, wanted: dict[str, int] | None = None) -> Verdict:
    from gensynth.fidelity.checker import FidelityChecker

    verdict = FidelityChecker(parts.train, (parts.validation, parts.test)).check(samples, wanted)
    say_passed(parts, samples, verdict, source)
    return verdict
