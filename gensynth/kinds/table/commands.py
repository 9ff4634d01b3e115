"""The verbs for tables that are not the same for all kinds of data, one function each; see `gensynth.cli.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.data.lock import locked
from gensynth.data.words import counted, some, some_counts
from gensynth.fidelity.verdict import FAIL
from gensynth.rebalance.run import RECORD
from gensynth.report.printed import print_choice, print_counts, print_evaluation, say
from gensynth.sampler import SAMPLER

if TYPE_CHECKING:  # a verb imports what it needs, and the parser the settings of the one verb that is called
    from gensynth.kinds.table.config import TableChooseConfig, TableConfig, TableEvaluateConfig, TableRebalanceConfig


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


def rebalance(
    data: str,
    *,
    out: Path,
    quiet: bool = False,
    rebalance_config: TableRebalanceConfig,
    data_config: TableConfig,
    choose: TableChooseConfig,
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
        print_counts(done.before, done.after, done.verdict, "row")
    if done.evaluation is not None:
        print_evaluation(done.evaluation)
    elif done.verdict is not None:
        print("\nall rows were rejected, so none was added; use another sampler, or look at rejected.csv in the run.")
    for name, share in done.broke_rules.items():
        print(f"{share:.1%} of the rows drawn for {name!r} broke a rule and were drawn again")
    print(f"\ntable: {done.table}\nreport: {done.report}")
    rejected = done.verdict is not None and (done.verdict.status == FAIL or done.evaluation is None)
    return 1 if rejected or (done.evaluation is not None and done.evaluation.verdict == "HURTS") else 0
