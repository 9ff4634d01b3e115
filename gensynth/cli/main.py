"""The command line: verbs to functions of `gensynth.cli.commands` and `gensynth.cli.runs`, nothing else.

Torch is imported only once a verb is known, so that `gensynth --help` answers at once.
"""

from __future__ import annotations

import difflib
import logging
import os
import re
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

from gensynth.data.terminal import Terminal

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

VERBS = {
    "explore": "what is in a data set, before anything is made",
    "train": "train a generator on real images, or a sampler on a real table or documents",
    "sample": "draw synthetic examples of a label from what was trained",
    "translate": "translate a folder of images with a cyclegan checkpoint",
    "stylize": "give pictures the look of others",
    "check": "check synthetic examples against real ones: each sample, each class, the whole",
    "mix": "join real and accepted synthetic examples to one data set",
    "evaluate": "did it help? paired test on held-out real examples",
    "rebalance": "all of the above with one command, ending in a report",
    "synthesize": "make a whole synthetic data set to share, with no real example in it",
    "report": "write the report of a rebalance run again",
}

HELP = """usage: gensynth VERB ... [--config RECIPE.yaml] [--help]

Synthetic training data for the classes you have too little of: made, checked and honestly tested.

verbs:
{verbs}

DATA is a folder of images with one sub-folder per class, an .npz file, builtin:digits, builtin:mnist5k or
torchvision:NAME; or a table (.csv, .tsv, .parquet, .feather, builtin:adult, builtin:breast_cancer) with
--target, its label column; or documents: a column of a table that --text names, a .jsonl file, or a folder of
.txt files per class; or a folder of sound files (.wav, .flac, .ogg, .mp3, ...) per class. 'gensynth VERB --help'
lists the settings of a verb for images, 'gensynth VERB TABLE.csv --help' those for tables, with --text COLUMN those
for documents, with --kind audio those for sounds; any of them can stand in a recipe.

exit status: 0 done, 1 a check said no, 2 bad input
"""
UNFORESEEN = "(GENSYNTH_TRACEBACK=1 shows where.)"
"""End of the answer to an error that no sentence was written for."""


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a check said no, 2 bad input."""
    if argv is None:  # the command line itself, not a program that calls us
        _hush()
    with redirect_stdout(Terminal(sys.stdout)), redirect_stderr(Terminal(sys.stderr)):
        sys.exit(_answer(sys.argv[1:] if argv is None else argv))


def _answer(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        print(HELP.format(verbs="\n".join(f"  {verb:10} {text}" for verb, text in VERBS.items())))
        return 0 if argv else 2
    if argv[0] == "--version":
        from gensynth import __version__

        print(f"gensynth {__version__}")
        return 0
    try:
        with _ended_cleanly():
            return _run(argv[0], argv[1:])
    except KeyboardInterrupt:  # at any time, also while a package is imported
        return _complain("interrupted; the same command continues where it stopped.", 130)


@contextmanager
def _ended_cleanly() -> Iterator[None]:
    """Let SIGTERM (a time limit, a shutdown) end the work as Ctrl-C does, so that nothing half-written is left."""
    if threading.current_thread() is not threading.main_thread():  # only there may it be set
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _hush() -> None:
    """Keep what libraries write about a user's files off standard error: our own sentences say what matters."""
    if not sys.warnoptions:  # python -W, PYTHONWARNINGS
        warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())


def _run(verb: str, argv: list[str]) -> int:
    if verb not in VERBS:
        return _complain(f"unknown verb {verb!r}; known: {', '.join(VERBS)}.{_suggest(verb, list(VERBS))}")
    # Threads that wait busily make a run four times slower beside other work and gain nothing on an idle machine.
    # OpenMP reads this when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from gensynth.cli import arguments
    from gensynth.generator.config import TrainingDiverged

    try:
        function = arguments.function_of(verb, argv)
        parser, call = arguments.parser_of(function, verb, argv)
        try:
            known = parser.parse_args(argv)
        except OverflowError as error:
            raise ValueError("a number is too large to calculate with; give a smaller one.") from error
        except Exception as error:  # jsonargparse raises several kinds, all of them about the input
            message = str(error)
            elsewhere = arguments.of_other_kind(unknown, function, verb, argv) if (unknown := _unknown(message)) else ""
            return _complain(elsewhere or _explain(message, parser))
        return call(known)
    except BrokenPipeError:  # the reader of a pipe has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, TypeError, OSError, ModuleNotFoundError, TrainingDiverged, MemoryError) as error:
        return _complain(str(error) or type(error).__name__)
    except Exception as error:  # no user should meet a bare traceback
        return _complain(f"{type(error).__name__}: {str(error)[:300]} {UNFORESEEN}")


def _unknown(message: str) -> str:
    """Return the name of the setting that jsonargparse does not know; "" if it complains about something else."""
    found = re.search(  # the wordings of jsonargparse 4.40 and later
        r"unrecognized arguments: -*([^\s=]+)|(?:option|nested key) '([^']+)'|key ['\"]([^'\"]+)['\"] is not",
        message,
        re.IGNORECASE,
    )
    return next(filter(None, found.groups())) if found else ""


def _explain(message: str, parser: ArgumentParser) -> str:
    unknown = _unknown(message)
    if not unknown:
        return _plain_words(" ".join(message.split()), parser)
    known = [option.lstrip("-") for action in parser._actions for option in action.option_strings]
    # A recipe's nested key is named without its parents; of two settings, that of the verb itself comes last.
    tails = {name.rpartition(".")[2]: name for name in sorted(known, key=lambda name: -name.count("."))}
    hint = _suggest(unknown, known) if "." in unknown else ""
    hint = hint or _suggest(unknown.rpartition(".")[2], list(tails), tails)
    return f"unknown setting {unknown!r}.{hint} See 'gensynth {parser.prog.split()[-1]} --help'."


def _plain_words(message: str, parser: ArgumentParser) -> str:
    """Return what jsonargparse says of missing arguments and of values of a wrong type, in our words."""
    from gensynth.data.plain import words_for

    actions = {action.dest: action for action in parser._actions}
    if lacks := re.match("the following arguments are required: (.*)", message):
        wanted = [actions[name] for name in lacks[1].split(", ")]
        told = [f"{'--' * bool(a.option_strings)}{a.dest} ({str(a.help).rstrip('.')})" for a in wanted]
        return f"'{parser.prog}' also needs {'; '.join(told)}. See '{parser.prog} --help'.".replace("%%", "%")
    found = re.match(r'Parser key "(.+?)": .*(?:Given|Got) value: (.*)', message)
    hint = getattr(actions.get(found[1]), "_typehint", None) if found else None
    if not found or hint is None:
        return message
    return f"setting {found[1]!r} is {found[2][:200]!r}, and must be {words_for(hint)}."


def _suggest(word: str, known: list[str], names: dict[str, str] | None = None) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" Did you mean {(names or {}).get(near[0], near[0])!r}?" if near else ""


def _complain(sentence: str, status: int = 2) -> int:
    if os.environ.get("GENSYNTH_TRACEBACK") and sys.exc_info()[1] is not None:
        traceback.print_exc()
    one_line = re.sub(r"\s*\n\s*", " ", sentence.strip())
    print(f"gensynth: {one_line}", file=sys.stderr)
    return status
