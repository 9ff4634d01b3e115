"""The verbs of whole runs, one function each, for every kind of data; see `gensynth.cli.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from gensynth.data.lock import locked
from gensynth.report.printed import say_data_notes
from gensynth.synthesize.config import SynthesizeConfig

if TYPE_CHECKING:
    from gensynth.kind import Kind

    ReadConfig: TypeAlias = Any
    EvaluateConfig: TypeAlias = Any
    ChooseConfig: TypeAlias = Any
    RebalanceConfig: TypeAlias = Any
    WholeConfig: TypeAlias = Any


def rebalance(
    kind: Kind,
    data: str,
    *,
    out: Path,
    quiet: bool = False,
    rebalance_config: RebalanceConfig,
    data_config: ReadConfig,
    choose: ChooseConfig,
    evaluate: EvaluateConfig,
) -> int:
    """Choose, fit, draw, check, write, test and report with one command; the same command continues a killed run.

    Args:
        kind: The kind of data.
        data: Real data, such as claims.csv.
        out: Table to write, such as balanced.csv: the real rows first and as they are; beside it balanced.metadata.csv
            says where each row is from, and balanced.run/ holds the report. Of documents also a new folder: they are in
            its dataset/, the report beside that.
        quiet: Show no progress bars.
        rebalance_config: What to make.
        data_config: How the data are read and split.
        choose: How the sampler auto chooses.
        evaluate: How to test.
    """
    from gensynth.rebalance.job import Asked
    from gensynth.rebalance.rebalance import run_asked

    asked = Asked(
        source=data,
        out=out,
        rebalance=rebalance_config,
        data=data_config,
        choose=choose,
        evaluate=evaluate,
        quiet=quiet,
    )
    return run_asked(kind, asked)


def synthesize(
    kind: Kind,
    data: str,
    *,
    out: Path,
    quiet: bool = False,
    synthesize_config: SynthesizeConfig,
    data_config: WholeConfig,
    evaluate: EvaluateConfig,
) -> int:
    """Make a whole synthetic data set, to share or to develop on, with no real example in it, and say what it is worth.

    The same command continues a killed run. Exit status 1 if attacks on it find training examples.

    Args:
        kind: The kind of data.
        data: Real data, such as claims.csv.
        out: Table to write, such as synthetic.csv; beside it synthetic.run/ holds the report, and is not to be shared.
        quiet: Show no progress bars.
        synthesize_config: What to make.
        data_config: How the real data are read and split.
        evaluate: How classifiers are trained on synthetic examples alone.
    """
    from gensynth.synthesize.synthesize import Asked
    from gensynth.synthesize.synthesize import synthesize as make
    from gensynth.synthesize.told import print_whole, write_whole

    asked = Asked(source=data, out=out, what=synthesize_config, data=data_config, evaluate=evaluate, quiet=quiet)
    made = make(kind, asked)
    say_data_notes(made.parts)
    return print_whole(made, write_whole(made))


def report(
    kind: Kind, run: Path, *, data: str | None = None, test_data: str | None = None, download: bool = False
) -> int:
    """Write the report of a rebalance run again.

    Args:
        kind: The kind of data.
        run: Folder of the run; of a table's, NAME.run.
        data: Where the real data lie now, if they were moved.
        test_data: Where the source of the test part lies now, if there is one and it was moved.
        download: Whether files of a torchvision data set may be downloaded, whatever the run was allowed.
    """
    from gensynth.data.files import RECORD
    from gensynth.data.plain import used
    from gensynth.rebalance.finish import read_run
    from gensynth.rebalance.finish import report as write

    # Each file is what it should be, but they may be of different runs.
    with locked(run / RECORD), used(str(run), "make the run again", (MemoryError, OSError, ValueError)):
        done = write(read_run(kind, run, data, test_data, download))
    print(f"report: {done.report}")
    return 0
