"""The section of the page that says whether the synthetic examples helped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gensynth.data.words import capital
from gensynth.evaluate.outcome import ERRORS, WORDS, class_score
from gensynth.report import figures
from gensynth.report.markup import (
    NOTHING,
    Html,
    badge,
    clean,
    element,
    estimate,
    fold,
    gain,
    listed,
    number,
    section,
    table,
)

if TYPE_CHECKING:
    from gensynth.evaluate.results import Arm, Comparison, Evaluation
    from gensynth.report.contents import Contents

FRONT = 3
"""Rare classes whose recall stands in the first table."""
READ = {
    "recall": "Recall is the share of a class that is found; balanced accuracy is the mean of all recalls, and macro "
    "F1 and G-mean weigh all classes alike too. Scores that rank or calibrate are of {of}.",
    "skill": "The classes are ranges of a number, and the number is what is predicted. Skill is 1 - MAE / MAE of the "
    "median of the real training {noun}s, MAE being the mean absolute error: 100 % is no error, and below 0 that "
    "median is the better prediction. Balanced skill takes the mean of the classes' MAE, so that a rare range weighs "
    "as much as the common one.",
}
"""How scores are to be read."""


def gains(contents: Contents) -> Html:
    """Say by how much it helped, against the baseline of the headline."""
    e = contents.evaluation
    if e is None:
        return element("p", "No evaluation was run." if contents.drawn else "There was nothing to test.")
    shown = e.headline
    if not np.isfinite(shown.difference.value):
        return element("p", "No difference could be estimated.")
    rare = element("p", f"Rare-class {class_score(e.metric)}: {gain(shown.rare_recall_difference)}.")
    against = f"{clean(shown.arm)} against {clean(shown.baseline)}, the strongest without synthetic {e.noun}s"
    against += f"; {clean(shown.model)}." if len(e.models) > 1 else "."
    return Html(
        element("p", f"{capital(WORDS[e.metric])}: {gain(shown.difference)}.")
        + (rare if np.isfinite(shown.rare_recall_difference.value) else Html())
        + element("p", against, class_="small")
    )


def utility(contents: Contents) -> Html:
    """Return the comparison of classifiers trained with and without the synthetic examples."""
    title, e = "Did it help?", contents.evaluation
    if e is None:
        why = f"No evaluation was run, so this page makes no claim that the synthetic {contents.noun}s help."
        return section("utility", title, element("p", badge("NOT TESTED")), element("p", why))
    steps = f" for {e.steps:,} steps" if e.steps else ""
    seeds = f" with {e.seeds} seeds" if e.seeds > 1 else ""
    splits = f" on each of {e.splits} splits" if e.splits > 1 else ""
    size = f"{sum(e.n_test.values()):,} held-out real test {e.noun}s"
    of = f"'{clean(e.positive)}'" if e.positive is not None else "each class against the rest, in the mean"
    others = [c for c in e.comparisons if c is not e.headline]
    return section(
        "utility",
        title,
        element("p", badge(e.verdict), " ", e.why),
        element(
            "p",
            f"Each classifier is trained on each arm{steps}{seeds}{splits}, and is tested on {size}. Small figures and "
            f"lines are {e.intervals} A gain whose interval crosses zero may be none. The strongest arm without "
            f"synthetic {e.noun}s is what synthetic ones have to beat. "
            + READ[class_score(e.metric)].format(of=of, noun=e.noun),
            class_="small",
        ),
        element("div", *_charts(e), class_="charts"),
        *(_arms(e, model) for model in e.models),
        *(_comparison(c, e) for c in (e.headline, *others)),
        fold("More scores", *(_more_scores(e, model) for model in e.models)),
        fold(f"{capital(class_score(e.metric))} of every class", *(_recalls(e, model) for model in e.models)),
        _reading(e) if "brier_raw" in e.arms[0].scores else Html(),
        listed("Notes", e.notes),
    )


def _charts(e: Evaluation) -> list[Html]:
    charts = []
    for model in e.models:
        mine = [c for c in e.comparisons if c.model == model]
        by = f": {model}" if len(e.models) > 1 else ""
        for words, found in (
            (WORDS[e.metric], {c.arm: c.difference for c in mine}),
            (f"rare-class {class_score(e.metric)}", {c.arm: c.rare_recall_difference for c in mine}),
        ):
            caption = f"Gain in {words} over the strongest arm without synthetic {e.noun}s, points{by}"
            charts.append(element("figure", element("figcaption", clean(caption)), figures.forest(caption, found)))
    return charts


def _comparison(c: Comparison, e: Evaluation) -> Html:
    named = clean(c.arm) + (f" ({clean(c.model)})" if len(e.models) > 1 else "")
    return element(
        "p", badge(c.verdict), " ", element("b", f"{named}: "), f"{gain(c.difference)}. {c.why}", class_="comparison"
    )


def _of(e: Evaluation, model: str) -> list[Arm]:
    return [arm for arm in e.arms if arm.model == model]


def _headed(e: Evaluation, model: str, content: Html) -> Html:
    return Html(element("h3", clean(model)) + content) if len(e.models) > 1 else content


def _arms(e: Evaluation, model: str) -> Html:
    rare, errors = list(e.rare[:FRONT]), [name for name in ERRORS if name in e.arms[0].scores]
    rows = [
        (clean(arm.name), f"{arm.n_train:,.0f}", estimate(arm.scores[e.metric]))
        + tuple(number(arm.scores[name].value) for name in errors)
        + tuple(estimate(arm.recall[name]) if name in arm.recall else NOTHING for name in rare)
        for arm in _of(e, model)
    ]
    scores = [WORDS[name] for name in (e.metric, *errors)]
    head = ("trained on", f"{e.noun}s", *scores, *(f"{class_score(e.metric)} {clean(name)}" for name in rare))
    return _headed(e, model, table(head, rows))


def _more_scores(e: Evaluation, model: str) -> Html:
    shown = [name for name in WORDS if name not in (e.metric, *ERRORS) and name in e.arms[0].scores]

    def cell(arm: Arm, name: str) -> Html:
        tuned = name == "balanced_accuracy_tuned" and arm.threshold is not None
        at = element("span", f"from {number(arm.threshold)} on", class_="interval") if tuned else Html()
        small = name.startswith(("brier", "calibration"))
        return Html((number(arm.scores[name].value) if small else estimate(arm.scores[name])) + at)

    rows = [(clean(arm.name), *(cell(arm, name) for name in shown)) for arm in _of(e, model)]
    return _headed(e, model, table(("trained on", *(WORDS[name] for name in shown)), rows))


def _recalls(e: Evaluation, model: str) -> Html:
    rows = [
        (clean(name), f"{n:,}", *(estimate(a.recall[name]) if name in a.recall else NOTHING for a in _of(e, model)))
        for name, n in e.n_test.items()
    ]
    head = ("class", f"test {e.noun}s", *(clean(arm.name) for arm in _of(e, model)))
    return _headed(e, model, table(head, rows))


def _reading(e: Evaluation) -> Html:
    """Say what to do with the probabilities of a classifier that was trained on rebalanced data."""
    why = (
        "A classifier that was trained on rebalanced data gives rare classes probabilities that are too high: it has "
        "seen them more often than they occur. That alone moves what is predicted at 0.5, and looks like a gain where "
        "only the threshold moved. Choose one of two ways:"
    )
    correct = (
        "where probabilities are used: multiply the probability of each class by its share among real examples over "
        "its share among those trained on, and divide by the sum: ",
        element("code", "p'_k = p_k (real_k / trained_k) / \u03a3_j p_j (real_j / trained_j)"),
        ". In Python: ",
        element("code", "gensynth.evaluate.probabilities.prior_correct(p, trained, real)"),
        ". Brier score and calibration error are of these; ",
        element("i", "raw"),
        " is what they are without.",
    )
    rule = "predict the class with the largest corrected probability over its share. "
    if e.positive is not None:
        rule = (
            f"predict '{clean(e.positive)}' from the tuned threshold on, which is of corrected probabilities and "
            "stands under the tuned balanced accuracy. "
        )
    move = f"where yes or no is asked for: {rule}This needs no synthetic example."
    ways = (element("b", "Prior-correct them, "), *correct), (element("b", "Move the threshold, "), move)
    shown = element("ul", *(element("li", *way) for way in ways))
    return Html(element("h3", "What rebalancing does to probabilities") + element("p", why) + shown)
