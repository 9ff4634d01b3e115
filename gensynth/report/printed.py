"""What verbs print: counts, choices, verdicts, attacks, the shortcut, and did it help."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gensynth.data.words import counted
from gensynth.evaluate.outcome import WORDS, class_score, shown
from gensynth.fidelity.verdict import PASS, REASONS, Verdict

if TYPE_CHECKING:
    from gensynth.choose.results import Choice
    from gensynth.data.split import Parts
    from gensynth.evaluate.results import Evaluation, Leak
    from gensynth.fidelity.privacy import Privacy
    from gensynth.mix.mix import Mixed
    from gensynth.sampler.synthetic import Synthetic

MOST_COLUMNS = 4
"""Classes whose recall is printed; the report shows all of them."""
SHORT = {"balanced_accuracy": "bal. acc.", "balanced_accuracy_tuned": "tuned", "error": "MAE", "tail_error": "tail MAE"}
"""Scores that are printed without an interval, where the verdict rests on another one."""


def print_counts(before: dict[str, int], after: dict[str, int], verdict: Verdict, noun: str) -> None:
    """Print real examples, added ones, and the gate's answer by class; one example is called `noun`."""
    by_label = {c.label: c for c in verdict.classes}
    print(f"\n{'class':>12} {'real':>6} {'after':>6} {'accepted':>9} {'rejected':>9}  fidelity")
    for name, n in before.items():
        found = by_label.get(name)
        counts = f"{found.n_accepted:>9} {found.n_synthetic - found.n_accepted:>9}  {found.status}" if found else ""
        print(f"{name:>12} {n:>6} {after[name]:>6} {counts}".rstrip())
    print(f"{'':>12} fidelity of the whole: {verdict.status}")
    for c in verdict.classes:
        if c.status != PASS:
            print("\n".join(f"{'':>12} {c.label}: {sentence}" for sentence in c.why))
    print_alarm(verdict, noun)


def print_choice(choice: Choice) -> None:
    """Print how every way did, and which was chosen."""
    if choice.candidates:
        head = WORDS[choice.metric]
        print(f"\n{'sampler':>12} {'filled to':>10}  {'trained as':24} {head}   gain  standard error")
    for t in choice.candidates:
        gain = "" if t.called == choice.base.called else f"{100 * t.gain:>+6.1f}  {100 * t.standard_error:>14.1f}"
        score = f"{t.score:>{len(head)}.1%}"
        trained = t.arm + f", {t.classifier}" * bool(t.classifier)
        print(f"{t.sampler or '-':>12} {t.to or '-':>10}  {trained:24} {score} {gain}".rstrip())
    print(f"choice: {choice.why}")
    for sentence in choice.notes:
        print(f"note: {sentence}")


def print_leak(leak: Leak, spread: Leak | None = None) -> None:
    """Print whether a classifier learns to take what is changed for rare, and what came of changing all classes."""
    print(f"shortcut: {leak.verdict}. {leak.why}")
    if spread is not None:
        print(f"changed ones were spread over all classes, and now: {spread.verdict}. {spread.why}")
    elif leak.leaks:
        print(
            "WARNING: a classifier learns 'changed = rare class' from them; give every class a share of such: "
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
    """Print every arm with every classifier, and the verdict."""
    e = evaluation
    rare = [c for c in e.rare if c in e.arms[0].recall][:MOST_COLUMNS]
    of_class = class_score(e.metric)
    of = "" if e.positive is None else f", scores of {e.positive!r}"
    print(f"\non {sum(e.n_test.values())} held-out real {e.noun}s{of}:")
    short = {name: head for name, head in SHORT.items() if name != e.metric and name in e.arms[0].scores}
    heads = "".join(f"  {head:24}" for head in (WORDS[e.metric], *(f"{of_class} {c}" for c in rare)))
    heads += "".join(f" {head:>9}" for head in short.values())
    wide = max(10, *map(len, e.models))
    print(f"{'classifier':>{wide}} {'trained on':>28} {f'{e.noun}s':>7}{heads}".rstrip())
    for arm in e.arms:
        cells = [arm.scores[e.metric], *(arm.recall[c] for c in rare)]
        texts = [f"{x.value:.1%} ({x.low:.1%} to {x.high:.1%})" for x in cells]
        texts = [f"  {text:24}" for text in texts] + [f" {shown(name, arm.scores[name].value):>9}" for name in short]
        print(f"{arm.model:>{wide}} {arm.name:>28} {arm.n_train:>7.0f}{''.join(texts)}".rstrip())
    if len(e.rare) > len(rare):
        print(f"{'':>39} {of_class} of the other classes: see the report")
    for note in e.notes:
        print(f"note: {note}")
    print(f"did it help: {e.verdict}. {e.why}")
    if "brier_raw" in e.arms[0].scores:
        print(
            "a model trained on added examples overstates the rare class: correct its probabilities for the real "
            "shares (gensynth.evaluate.probabilities.prior_correct), or tune its threshold on real examples."
        )


def say_notes(notes: Sequence[str]) -> None:
    """Say sentences on standard error."""
    for note in notes:
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
    say_notes(parts.train.notes)


def say(sentence: str) -> None:
    """Write a sentence to standard error."""
    print(sentence, file=sys.stderr)
