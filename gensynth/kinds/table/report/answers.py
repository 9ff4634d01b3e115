"""Sections of the page about rows that are told in figures: the choice, the comparison, the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gensynth.evaluate.intervals import Estimate
from gensynth.kinds.table.config import METRICS
from gensynth.kinds.table.results import NONE, THRESHOLD, WEIGHTS
from gensynth.kinds.table.schema import _values
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
    number,
    percent,
    points,
    section,
    table,
)
from gensynth.report.sections import comparison

if TYPE_CHECKING:
    from gensynth.kinds.table.choose import Choice, Scored
    from gensynth.kinds.table.report.page import TableReportContents
    from gensynth.kinds.table.results import TableArm, TableEvaluation

MOST_CANDIDATES, MOST_COLUMNS = 20, 60
WAYS = {NONE: "doing nothing", THRESHOLD: "moving the threshold", WEIGHTS: "class weights"}


def way(name: str, to: str | None) -> str:
    """Return what a way to treat the rare classes is called."""
    return WAYS.get(name, clean(name)) if to is None else f"{clean(name)} to {clean(to)}"


def choice(contents: TableReportContents) -> Html:
    """Return how all ways to treat the rare classes did, and which one won."""
    title, c = "How the choice was made", contents.choice
    if c is None:
        return section("choice", title, element("p", "Nothing was compared: the sampler was named."))
    notes = [element("li", clean(note)) for note in c.notes]
    told = Html(element("h3", "Notes") + element("ul", *notes)) if notes else Html()
    if not c.candidates:
        return section("choice", title, element("p", c.why), told)
    gains = {
        way(s.name, s.to): Estimate(s.gain, s.gain - s.standard_error, s.gain + s.standard_error)
        for s in c.candidates[:MOST_CANDIDATES]
        if s.name != NONE
    }
    caption = f"Gain in {METRICS[c.metric]} over doing nothing, points, \u00b1 one standard error"
    rows = [
        (
            way(s.name, s.to),
            _mark(s, c),
            percent(s.score),
            points(s.gain) if s.name != NONE else NOTHING,
            f"\u00b1 {100 * s.standard_error:.1f}" if s.name != NONE else NOTHING,
            f"{s.seconds:.2f}",
        )
        for s in c.candidates
    ]
    head = ("way", "", METRICS[c.metric], "gain, points", "standard error", "seconds by split")
    adds = ", ".join(f"{n:,} rows of {clean(name)}" for name, n in c.adds.items())
    return section(
        "choice",
        title,
        element("p", c.why),
        element("p", f"It adds {adds}.") if adds else Html(),
        element(
            "p",
            f"Each way was tried in {c.splits} splits of {c.rows:,} training rows by cross-validation; its sampler was "
            "fitted on the training side of each split alone, and test rows played no part. The best of many looks "
            "better than it is, so a simpler way wins unless another one is clearly ahead of it. Behind a "
            "sampler stands how far it fills, as --to takes it: 0.1 is a tenth of the largest class.",
            class_="small",
        ),
        element("figure", element("figcaption", caption), figures.forest(caption, gains)) if gains else Html(),
        table(head, rows[:MOST_CANDIDATES], words=(0, 1)),
        fold("The other ways", table(head, rows[MOST_CANDIDATES:], words=(0, 1)))
        if len(rows) > MOST_CANDIDATES
        else Html(),
        told,
    )


def _mark(s: Scored, c: Choice) -> str:
    if (s.name, s.to) == (c.name, c.to):
        return badge("CHOSEN")
    # A threshold changes no rank: where ranks count, it is no candidate of its own.
    if s.name == NONE and c.name == THRESHOLD and all(other.name != THRESHOLD for other in c.candidates):
        return Html(badge("CHOSEN") + element("span", " with a tuned threshold", class_="small"))
    return ""


def utility(contents: TableReportContents) -> Html:
    """Return the comparison of classifiers trained with and without the synthetic rows."""
    title, e = "Did it help?", contents.evaluation
    if e is None:
        why = "No evaluation was run, so this page makes no claim that synthetic rows help."
        return section("utility", title, element("p", badge("NOT TESTED")), element("p", why))
    models = list(dict.fromkeys(c.model for c in e.comparisons))
    headline = next((c.model for c in e.comparisons if c.why == e.why), models[0])
    models.sort(key=lambda model: model != headline)
    charts = []
    for model in models:
        caption = f"Gain in {METRICS[e.metric]}, points: {model}"
        gains = {c.arm: c.difference for c in e.comparisons if c.model == model}
        charts.append(element("figure", element("figcaption", caption), figures.forest(caption, gains)))
    first = e.comparisons[0].arm
    told = [
        (c.arm, comparison(f"Against {c.baseline} ({c.model})", c.verdict, gain(c.difference), c.why))
        for c in e.comparisons
    ]
    of = f"'{clean(e.positive)}'" if e.positive is not None else "each class against the rest, in the mean"
    notes = [element("li", clean(note)) for note in e.notes]
    return section(
        "utility",
        title,
        element("p", badge(e.verdict), " ", e.why),
        element(
            "p",
            f"Each classifier is trained on each set of rows and tested on {sum(e.n_test.values()):,} real rows. "
            f"Scores are of {of}. Small figures and lines are {_lower(e.intervals)} A gain whose interval crosses zero "
            "may be none. The strongest arm without synthetic rows is what synthetic ones have to beat.",
            class_="small",
        ),
        element("div", *charts, class_="charts"),
        *(_arms(e, model) for model in models),
        _reading(e),
        *(block for arm, block in told if arm == first),
        fold("The other synthetic rows, in words", *(block for arm, block in told if arm != first))
        if any(arm != first for arm, _ in told)
        else Html(),
        fold("Recall of every class, at the tuned threshold", *(_recalls(e, model) for model in models)),
        Html(element("h3", "Notes") + element("ul", *notes)) if notes else Html(),
    )


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _arms(e: TableEvaluation, model: str) -> Html:
    tuned = any(arm.threshold is not None for arm in e.arms)
    head = (
        "trained on",
        "rows",
        "average precision",
        "ROC AUC",
        "balanced accuracy, " + ("at 0.5" if tuned else "likeliest class"),
        "balanced accuracy, tuned",
        "Brier score",
        "calibration error",
    )
    rows = [
        (
            clean(arm.name),
            f"{arm.n_train:,.0f}",
            estimate(arm.average_precision),
            estimate(arm.roc_auc),
            NOTHING if arm.name == THRESHOLD else estimate(arm.balanced_accuracy),
            _tuned(arm),
            _with_raw(arm.brier.value, arm.brier_raw.value),
            _with_raw(arm.calibration_error.value, arm.calibration_error_raw.value),
        )
        for arm in e.arms
        if arm.model == model
    ]
    return Html(element("h3", model) + table(head, rows))


def _tuned(arm: TableArm) -> Html:
    at = "" if arm.threshold is None else element("span", f"from {number(arm.threshold)} on", class_="interval")
    return Html(estimate(arm.balanced_accuracy_tuned) + at)


def _with_raw(corrected: float, raw: float) -> Html:
    return Html(number(corrected) + element("span", f"raw {number(raw)}", class_="interval"))


def _reading(e: TableEvaluation) -> Html:
    """Say what to do with the probabilities of a classifier that was trained on rebalanced rows."""
    two = e.positive is not None
    return Html(
        element("h3", "What rebalancing does to probabilities")
        + element(
            "p",
            "A classifier that was trained on rebalanced rows gives rare classes probabilities that are too high: it "
            "has seen them more often than they occur. That alone moves what is predicted at 0.5, and looks like a "
            "gain where only the threshold moved. Choose one of two ways:",
        )
        + element(
            "ul",
            element(
                "li",
                element("b", "Prior-correct them, "),
                "where probabilities are used: multiply the probability of each class by its share among real rows "
                "over its share among the rows trained on, and divide by the sum: ",
                element("code", "p'_k = p_k (real_k / trained_k) / \u03a3_j p_j (real_j / trained_j)"),
                ". In Python: ",
                element("code", "gensynth.evaluate.probabilities.prior_correct(p, trained, real)"),
                ". Brier score and calibration error are of these; ",
                element("i", "raw"),
                " is what they are without.",
            ),
            element(
                "li",
                element("b", "Move the threshold, "),
                "where yes or no is asked for: "
                + (
                    f"predict '{clean(str(e.positive))}' from the tuned threshold on, which is of corrected "
                    "probabilities and stands under the tuned balanced accuracy. "
                    if two
                    else "predict the class with the largest corrected probability over its share. "
                )
                + "This needs no synthetic row.",
            ),
        )
    )


def _recalls(e: TableEvaluation, model: str) -> Html:
    arms = [arm for arm in e.arms if arm.model == model]
    rows = [
        (clean(name), f"{n:,}", *(estimate(a.recall[name]) if name in a.recall else NOTHING for a in arms))
        for name, n in e.n_test.items()
    ]
    head = ("class", "test rows", *(clean(arm.name) for arm in arms))
    return Html(element("h3", model) + table(head, rows))


def columns(contents: TableReportContents) -> Html:
    """Return what the table is: its columns and rules."""
    schema = contents.parts.train.x.schema
    assert schema is not None
    rows = []
    for c in schema.columns:
        shares = c.missing or {}
        low, high = min(shares.values(), default=0.0), max(shares.values(), default=0.0)
        missing = NOTHING if high == 0 else percent(high) if high == low else f"{percent(low)} to {percent(high)}"
        rows.append((clean(str(c.name)), c.kind, element("code", clean(c.dtype)), missing, clean(_values(c))))
    head = ("column", "kind", "dtype", "missing", "values")
    rules = [element("li", element("code", clean(rule.as_text()))) for rule in schema.rules]
    words = (0, 1, 2, 4)
    return section(
        "schema",
        "The table",
        element(
            "p",
            f"{len(schema.columns)} columns and the label '{clean(str(schema.target))}'. Missing values: the "
            "share in the classes with the fewest and with the most.",
        ),
        table(head, rows[:MOST_COLUMNS], words=words),
        fold(f"{len(rows) - MOST_COLUMNS} more columns", table(head, rows[MOST_COLUMNS:], words=words))
        if len(rows) > MOST_COLUMNS
        else Html(),
        Html(element("h3", "Rules") + element("ul", *rules)) if rules else Html(),
    )
