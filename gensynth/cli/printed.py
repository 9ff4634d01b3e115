"""What the verbs for images print: counts, verdicts, attacks, the shortcut, and did it help."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gensynth.data.words import counted
from gensynth.fidelity.verdict import REASONS, Verdict

if TYPE_CHECKING:
    from gensynth.choose.results import ImageChoice
    from gensynth.data.split import Parts
    from gensynth.evaluate.leak import Leak
    from gensynth.evaluate.results import Evaluation
    from gensynth.fidelity.privacy import Privacy
    from gensynth.mix.mix import Mixed
    from gensynth.rebalance.finish import Rebalanced
    from gensynth.sampler.synthetic import Synthetic

MOST_COLUMNS = 4
"""Classes whose recall is printed; the report shows all of them."""


def print_counts(before: dict[str, int], after: dict[str, int], verdict: Verdict) -> None:
    """Print real images, added ones, and the gate's answer by class."""
    by_label = {c.label: c for c in verdict.classes}
    print(f"\n{'class':>12} {'real':>6} {'after':>6} {'accepted':>9} {'rejected':>9}  fidelity")
    for name, n in before.items():
        found = by_label.get(name)
        counts = f"{found.n_accepted:>9} {found.n_synthetic - found.n_accepted:>9}  {found.status}" if found else ""
        print(f"{name:>12} {n:>6} {after[name]:>6} {counts}".rstrip())
    print(f"{'':>12} fidelity of the whole: {verdict.status}")


def print_rebalanced(done: Rebalanced) -> None:
    """Print what a run made, and where its report is."""
    if done.choice is not None:
        print_choice(done.choice)
    if done.verdict is not None:
        print_counts(done.before, done.after, done.verdict)
    if done.evaluation is not None:
        print_evaluation(done.evaluation)
    elif done.verdict is not None:
        print(
            "\nall samples were rejected, so nothing was mixed: train longer (--steps, with another --out) or use "
            "another generator."
        )
    if done.leak is not None:
        print_leak(done.leak, done.leak_spread)
    if done.advice:
        print(f"\n{done.advice}" + (" The same command with --force mixes anyway." if done.evaluation else ""))
    print(f"\nreport: {done.report}")


def print_choice(choice: ImageChoice) -> None:
    """Print how every way did on validation images, and which was chosen."""
    print(f"\n{'sampler':>10} {'filled to':>10}  {'trained as':24} {'validation':>10}  {'gain':>5}  standard error")
    for t in choice.candidates:
        gain = "" if t.arm == choice.baseline else f"{100 * t.gain:>+6.1f}  {100 * t.standard_error:>14.1f}"
        print(f"{t.sampler or '-':>10} {t.to or '-':>10}  {t.arm:24} {t.score:>10.1%} {gain}".rstrip())
    print(f"choice: {choice.why}")
    for sentence in choice.notes:
        print(f"note: {sentence}")


def print_leak(leak: Leak, spread: Leak | None = None) -> None:
    """Print whether a classifier learns to take what is treated for rare, and what came of treating all classes."""
    print(f"shortcut: {leak.verdict}. {leak.why}")
    if spread is not None:
        print(f"treated images were spread over all classes, and now: {spread.verdict}. {spread.why}")
    elif leak.leaks:
        print(
            "WARNING: a classifier learns 'treated = rare class' from them; give every class a share of such images: "
            "'gensynth mix' and 'gensynth rebalance' do with --spread all. Where every class has that, fill the rare "
            "ones less."
        )


def print_verdict(verdict: Verdict, noun: str) -> None:
    """Print the fidelity checker's answer by class; one example is called `noun`."""
    print(f"{'class':>12} {'real':>6} {'samples':>8} {'accepted':>9}  verdict")
    for c in verdict.classes:
        print(f"{c.label:>12} {c.n_real:>6} {c.n_synthetic:>8} {c.n_accepted:>9}  {c.status}")
        for sentence in c.why:
            print(f"{'':>14}{sentence}")
    rejected, cost = Counter(verdict.samples.reason), verdict.false_reject or {}
    if rejected.keys() - {""}:
        print(f"{'rejected as':>15} {'samples':>8}  of genuine held-out {noun}s it would reject")
    for reason in (r for r in REASONS if rejected[r]):
        print(f"{reason:>15} {rejected[reason]:>8}  {f'{cost[reason]:.1%}' if reason in cost else ''}".rstrip())
    if reviewed := sum(r != "" for r in verdict.samples.review):
        print(f"{counted(reviewed, 'accepted sample')} should be looked at: see 'review' of the verdict, or the page")
    print_alarm(verdict, noun)
    print(f"fidelity: {verdict.status}")


def print_alarm(verdict: Verdict, noun: str) -> None:
    """Print whether samples equal held-out examples, and what the gate costs real ones."""
    if verdict.contamination:
        equal = counted(verdict.contamination, "sample equals", "samples equal")
        print(f"ALARM: {equal} a held-out {noun}, or came from one.")
    if verdict.false_reject is not None:
        print(f"in all the gate would reject {verdict.false_reject['any']:.1%} of the genuine held-out {noun}s")


def print_privacy(privacy: Privacy) -> None:
    """Print what the attacks found by class."""
    for c in privacy.classes:
        print(f"privacy, {c.label}: {c.status} ({c.n_members} members, {c.n_non_members} non-members)")
        for sentence in c.why:
            print(f"{'':>14}{sentence}")
    print(f"privacy: {privacy.status}")


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the arms with their intervals, and the verdict."""
    shown = [c for c in evaluation.rare if c in evaluation.arms[0].recall][:MOST_COLUMNS]
    print(
        f"\n{'training data':>28} {'images':>7}  {'balanced accuracy':24}"
        + "".join(f"  {f'recall {c}':24}" for c in shown)
    )
    for arm in evaluation.arms:
        cells = [arm.balanced_accuracy, *(arm.recall[c] for c in shown)]
        texts = [f"{e.value:.1%} ({e.low:.1%} to {e.high:.1%})" for e in cells]
        print((f"{arm.name:>28} {arm.n_train:>7}" + "".join(f"  {text:24}" for text in texts)).rstrip())
    if len(evaluation.rare) > len(shown):
        print(f"{'':>28} recall of the other classes: see the report")
    print(f"did it help: {evaluation.verdict}. {evaluation.why}")


def say_renamed(folder: Path) -> None:
    """Say on standard error which classes of a folder have other names there."""
    from gensynth.data.names import renamed_notes

    for note in renamed_notes(folder):
        say(f"note: {note}")


def say_passed(parts: Parts, samples: Synthetic, verdict: Verdict, source: str) -> None:
    """Say on standard error how many of the samples of `source` pass the check.

    Raises:
        ValueError: if none does, or a parent of one is in the validation or test part.
    """
    from gensynth.mix.mix import refuse_held_out_parents

    reasons, noun = verdict.samples.reason, parts.train.noun
    leaked = np.array([reason == "held_out_parent" for reason in reasons], dtype=bool)
    refuse_held_out_parents(parts, samples.subset(verdict.samples.accepted | leaked))
    good = sum(reason in ("", "quota") for reason in reasons)
    say(f"{good} of {counted(len(samples), f'synthetic {noun}')} pass the check; fidelity: {verdict.status}")
    if spare := reasons.count("quota"):
        say(f"{spare} of them are more than was asked for and left out: those that differ most are kept")
    if not good:
        raise ValueError(f"no {noun} in {source} passes the check, so there is nothing to go on with.")


def say_mixed(mixed: Mixed, noun: str, wanted: Mapping[str, int]) -> None:
    """Say on standard error how many examples there are to train on now, and which classes got fewer than wanted.

    Args:
        mixed: What was written.
        noun: What one example is called.
        wanted: Synthetic examples that were asked for, by class.
    """
    added = counted(mixed.n_synthetic, f"synthetic {noun}")
    say(f"{mixed.n_real} real and {added} to train on in {mixed.path}")
    for name, n in wanted.items():
        if (got := mixed.after[name] - mixed.before[name]) < n:
            say(f"note: {name!r} got {got} of the {n} that --to asks for; draw more for the rest")


def say_data_notes(parts: Parts) -> None:
    """Say on standard error what the reader found out or changed."""
    for note in parts.train.notes:
        say(f"note: {note}")


def say(sentence: str) -> None:
    """Write a sentence to standard error."""
    print(sentence, file=sys.stderr)
