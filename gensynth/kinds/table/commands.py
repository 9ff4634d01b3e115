"""The verbs for tables, one function each; those for images stand in `gensynth.cli.commands`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.cli.printed import print_alarm, print_verdict, say, say_data_notes, say_mixed, say_passed
from gensynth.data.lock import locked
from gensynth.data.words import counted, some, some_counts
from gensynth.fidelity.verdict import FAIL, Verdict
from gensynth.rebalance.run import RECORD
from gensynth.sampler import SAMPLER

if TYPE_CHECKING:  # a verb imports what it needs, and the parser the settings of the one verb that is called
    from gensynth.data.split import Parts
    from gensynth.kinds.table.choose import Choice
    from gensynth.kinds.table.config import ChooseConfig, TableConfig, TableEvaluateConfig, TableRebalanceConfig
    from gensynth.kinds.table.results import TableEvaluation
    from gensynth.sampler.synthetic import Synthetic


def explore(data: str, *, target: str | None = None, schema: str | None = None, out: Path | None = None) -> int:
    """Show what the columns of a table are, before anything is made.

    Args:
        data: A .csv, .tsv, .parquet or .feather file, builtin:adult or builtin:breast_cancer.
        target: Name of the label column; only builtin tables know theirs.
        schema: A schema.json that says what is known already.
        out: Write what was found to this new schema.json, to be edited and given with --schema.
    """
    from gensynth.kinds.table.config import TableConfig
    from gensynth.kinds.table.read import read_real_table

    if out is not None and out.exists():
        raise ValueError(f"{out} exists; choose another --out, or remove it.")
    found = read_real_table(data, TableConfig(target=target, schema=schema))
    print(f"{counted(len(found), 'row')}; {found.x.schema.target}: {some_counts(found.class_counts)}\n")
    print(found.x.schema.as_text())
    for note in found.notes:
        print(f"note: {note}")
    if out is not None:
        found.x.schema.save(out)
        say(f"schema: {out}")
    return 0


def train(
    sampler: str,
    *,
    data: str,
    out: Path = Path("checkpoints"),
    settings: dict[str, Any] | None = None,
    data_config: TableConfig,
) -> int:
    """Fit a sampler to the training part of a real table; it holds plain values only and runs no code.

    Args:
        sampler: Name of a sampler, such as copula, cart, mixture, tabular_vae, smote or bootstrap.
        data: Real data: a table, such as claims.csv.
        out: Folder for NAME.sampler.
        settings: Settings of the sampler, such as {"steps": 5000} for tabular_vae.
        data_config: How the table is read and split.
    """
    from gensynth.kinds.table.read import read_table_parts
    from gensynth.kinds.table.samplers.catalog import made_sampler

    made = made_sampler(sampler, settings)
    path = out / f"{sampler}{SAMPLER}"
    with locked(path):
        if path.exists():
            raise ValueError(f"{path} exists; choose another --out, or remove it to fit again.")
        fitted = made.fit(read_table_parts(data, data_config).train)
        fitted.save(path)
    say(f"sampler: {path}, which draws {some(map(repr, fitted.labels))}")
    return 0


def sample(sampler: Path, *, label: str, n: int = 100, seed: int = 0, out: Path, start: int = 0) -> int:
    """Draw synthetic rows of a label. Row i depends on (sampler, seed, label, i) only.

    Args:
        sampler: A .sampler file.
        label: Name of a class.
        n: How many rows.
        seed: Seed of the rows.
        out: Table to write; NAME.metadata.csv beside it says how each row was made.
        start: Number of the first row.
    """
    from gensynth.kinds.table.files import FrameFiles
    from gensynth.kinds.table.samplers.catalog import load_sampler
    from gensynth.mix.drawn import is_drawn
    from gensynth.mix.mix import write_synthetic

    with locked(out):
        fitted = load_sampler(sampler)
        first = fitted.sample(label, min(n, 1), seed, start)
        if is_drawn(out, FrameFiles(), [first], n):
            say(f"{out} is complete; nothing was left to draw.")
            return 0
        FrameFiles().refuse_existing(out)
        write_synthetic(fitted.sample(label, n, seed, start), None, out, FrameFiles())
    say(f"{counted(n, 'row')} of {label!r} in {out}")
    return 0


def check(
    synthetic: str, *, against: str, holdout: str | None = None, json: Path | None = None, data_config: TableConfig
) -> int:
    """Check synthetic rows against real ones: each row, each class, the whole. Exit status 1 if it fails.

    Args:
        synthetic: Table of synthetic rows, made by any tool, with the columns of the real one.
        against: Real table. Split as for training: the training part is the reference, the rest is held out.
        holdout: Real table that no generator saw; then all of AGAINST is the reference.
        json: Write the verdict to this file.
        data_config: How the real table is read and split.
    """
    from gensynth.fidelity.checker import FidelityChecker
    from gensynth.fidelity.verdict import save_verdict
    from gensynth.kinds.table.files import FrameFiles
    from gensynth.kinds.table.read import read_like, read_real_table, read_table_parts

    with locked(json):
        if holdout is None:
            parts = read_table_parts(against, data_config)
            reference, held_out = parts.train, [parts.validation, parts.test]
        else:
            reference = read_real_table(against, data_config)
            held_out = [read_like(holdout, reference)]
        samples, _ = FrameFiles().read(Path(synthetic), reference)
        verdict = FidelityChecker(reference, held_out).check(samples)
        if json is not None:
            save_verdict(verdict, json)
    print_verdict(verdict, reference.noun)
    if not verdict.samples.accepted.any():
        print("No sample passes the check, so there is nothing to go on with.")
    return 1 if verdict.status == FAIL or not verdict.samples.accepted.any() else 0


def mix(synthetic: str, *, real: str, out: Path, to: str = "5x", data_config: TableConfig) -> int:
    """Join a real table and the synthetic rows that pass the check: real rows first and as they are.

    Args:
        synthetic: Table of synthetic rows.
        real: Real table, split as for training.
        out: Table to write; NAME.metadata.csv beside it says of each row where it is from.
        to: How far to fill: rare (classes with less than half the rows of the largest one, up to that one), balance
            (all classes), 5x (rare ones up to 5 times their real rows), 200 (all up to that many), or 0.29 (all up to
            that share of the largest one).
        data_config: How the real table is read and split.
    """
    from gensynth.fidelity.draw import up_to
    from gensynth.kinds.table.files import FrameFiles
    from gensynth.mix.mix import mix as join
    from gensynth.mix.targets import target_counts

    with locked(out):
        FrameFiles().refuse_existing(out)
        parts, samples, verdict = _checked(synthetic, real, data_config)
        wanted = target_counts(parts.train.class_counts, to)
        accepted = up_to(samples, verdict.samples.accepted, wanted)
        mixed = join(parts, samples, replace(verdict.samples, accepted=accepted), out, FrameFiles())
    say_mixed(mixed, parts.train.noun, wanted)
    return 0


def evaluate(
    synthetic: str, *, real: str, out: Path | None = None, data_config: TableConfig, evaluate: TableEvaluateConfig
) -> int:
    """Test on held-out real rows whether the synthetic ones that pass the check help. Exit status 1 if they hurt.

    Args:
        synthetic: Table of synthetic rows.
        real: Real table, split as for training; the test part is used here only.
        out: Write the result to this JSON file.
        data_config: How the real table is read and split.
        evaluate: How to test.
    """
    from gensynth.kinds.table.evaluate import evaluate_table, save_table_evaluation

    with locked(out):
        parts, samples, verdict = _checked(synthetic, real, data_config)
        accepted = samples.subset(verdict.samples.accepted)
        name = samples.sampler if samples.sampler != "unknown" else "synthetic"
        result = evaluate_table(parts.train, {name: accepted}, parts.test, evaluate)
        if out is not None:
            save_table_evaluation(result, out)
    print_evaluation(result)
    return 1 if result.verdict == "HURTS" else 0


def rebalance(
    data: str,
    *,
    out: Path,
    quiet: bool = False,
    rebalance_config: TableRebalanceConfig,
    data_config: TableConfig,
    choose: ChooseConfig,
    evaluate: TableEvaluateConfig,
) -> int:
    """Choose, fit, draw, check, write, test and report with one command; the same command continues a killed run.

    Args:
        data: Real table, such as claims.csv: .csv, .tsv, .parquet or .feather.
        out: Table to write, such as balanced.csv: the real rows first and as they are; beside it balanced.metadata.csv
            says where each row is from, and balanced.run/ holds the report.
        quiet: Show no progress bars.
        rebalance_config: What to make.
        data_config: How the table is read and split.
        choose: How the sampler auto chooses.
        evaluate: How to test.
    """
    from gensynth.kinds.table.rebalance import rebalance_table, run_folder

    with locked(out, run_folder(out) / RECORD):
        done = rebalance_table(data, out, rebalance_config, data_config, choose, evaluate, quiet)
    for note in done.notes:
        print(f"note: {note}")
    if done.choice is not None:
        print_choice(done.choice)
    if done.verdict is not None:
        print_counts(done.before, done.after, done.verdict)
    if done.evaluation is not None:
        print_evaluation(done.evaluation)
    elif done.verdict is not None:
        print("\nall rows were rejected, so none was added; use another sampler, or look at rejected.csv in the run.")
    for name, share in done.broke_rules.items():
        print(f"{share:.1%} of the rows drawn for {name!r} broke a rule and were drawn again")
    print(f"\ntable: {done.table}\nreport: {done.report}")
    rejected = done.verdict is not None and (done.verdict.status == FAIL or done.evaluation is None)
    return 1 if rejected or (done.evaluation is not None and done.evaluation.verdict == "HURTS") else 0


def print_choice(choice: Choice) -> None:
    """Print how each way did in cross-validation, and what was chosen."""
    if choice.candidates:
        print(f"\n{'treatment':>24} {choice.metric.replace('_', ' '):>25} {'against none':>13} {'standard error':>15}")
    for c in choice.candidates:
        name = c.name if c.to is None else f"{c.name} to {c.to}"
        print(f"{name:>24} {c.score:>25.1%} {100 * c.gain:>+13.1f} {100 * c.standard_error:>15.1f}")
    for note in choice.notes:
        print(f"note: {note}")
    print(f"choice: {choice.why}")


def print_counts(before: dict[str, int], after: dict[str, int], verdict: Verdict) -> None:
    """Print real rows, added ones, and the gate's answer by class."""
    from gensynth.cli.printed import print_counts as show

    show(before, after, verdict)
    for c in verdict.classes:
        if c.status != "PASS":
            print("\n".join(f"{'':>12} {c.label}: {sentence}" for sentence in c.why))
    print_alarm(verdict, "row")


def print_evaluation(evaluation: TableEvaluation) -> None:
    """Print every arm with every classifier, and the verdict."""
    scored = f"scores of {evaluation.positive!r}" if evaluation.positive is not None else "means over the classes"
    print(f"\n{scored} on {sum(evaluation.n_test.values())} held-out real rows:")
    print(
        f"{'classifier':>10} {'training':>14} {'rows':>8}  {'average precision':24} {'ROC AUC':>8}"
        f" {'bal. acc. at 0.5':>17} {'tuned':>6} {'Brier':>7}"
    )
    for arm in evaluation.arms:
        p = arm.average_precision
        print(
            f"{arm.model:>10} {arm.name:>14} {arm.n_train:>8.0f}  {f'{p.value:.1%} ({p.low:.1%} to {p.high:.1%})':24}"
            f" {arm.roc_auc.value:>8.1%} {arm.balanced_accuracy.value:>17.1%}"
            f" {arm.balanced_accuracy_tuned.value:>6.1%} {arm.brier.value:>7.4f}"
        )
    for note in evaluation.notes:
        print(f"note: {note}")
    print(f"did it help: {evaluation.verdict}. {evaluation.why}")
    print(
        "a model trained on added rows overstates the rare class: correct its probabilities for the real shares "
        "(gensynth.evaluate.probabilities.prior_correct), or tune its threshold on real rows."
    )


def _checked(synthetic: str, real: str, config: TableConfig) -> tuple[Parts, Synthetic, Verdict]:
    from gensynth.fidelity.checker import FidelityChecker
    from gensynth.kinds.table.files import FrameFiles
    from gensynth.kinds.table.read import read_table_parts

    parts = read_table_parts(real, config)
    say_data_notes(parts)
    samples, _ = FrameFiles().read(Path(synthetic), parts.train)
    verdict = FidelityChecker(parts.train, (parts.validation, parts.test)).check(samples)
    say_passed(parts, samples, verdict, synthetic)
    return parts, samples, verdict
