"""Did it help? Classifiers of table rows with and without the synthetic rows, tested on real ones.

Arms without synthetic rows, which every synthetic row has to beat:

    none             the real rows
    class weights    the real rows, every class with the same weight
    threshold        the classifier of `none`, which predicts the rare class from a tuned threshold on

Then `smote`, and the synthetic rows given. Boosted trees, a random forest and logistic regression are trained on each.
Rebalancing always moves what is predicted at 0.5; a threshold does that for nothing. The verdict therefore rests on a
score without a threshold, or with a tuned one in all arms, and is against the strongest of the arms without synthetic
rows. That one is picked by its result on the test rows, which flatters the baseline, never the synthetic rows. The rule
is that for images (`gensynth.evaluate.intervals`): p-values of all arms with synthetic rows are corrected together,
for each classifier by itself.

Two ways to tell:

    evaluate_table     synthetic rows as they are, one test part; intervals from a paired bootstrap of the test rows
                       within their class. They speak of other test rows, not of other training rows.
    evaluate_samplers  repeated stratified cross-validation in which samplers are fitted anew; intervals corrected for
                       the rows that the splits share (Nadeau and Bengio). They speak of other training rows, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from gensynth.data.labeled import LabeledData
from gensynth.data.words import some_counts
from gensynth.evaluate.compare import independent_examples
from gensynth.evaluate.intervals import (
    CANNOT_TELL,
    DRAWS,
    FEWEST_TEST,
    Spread,
    as_p,
    as_points,
    by_images_and_seeds,
    by_splits,
    corrected,
    least_variance,
    least_variance_of_mean,
    resamples,
    verdict_of,
)
from gensynth.evaluate.probabilities import SCORES, score
from gensynth.kinds.table.classifiers import Encoder, Extra, Treated, fit_and_tune
from gensynth.kinds.table.config import METRICS, TableEvaluateConfig
from gensynth.kinds.table.folds import Candidate, Folds, Held, Key, draw, some_rows
from gensynth.kinds.table.results import (
    BASELINES,
    NONE,
    THRESHOLD,
    WEIGHTS,
    TableArm,
    TableComparison,
    TableEvaluation,
)
from gensynth.kinds.table.results import (
    load_table_evaluation as load_table_evaluation,  # who evaluates also keeps the answer
)
from gensynth.kinds.table.results import save_table_evaluation as save_table_evaluation
from gensynth.kinds.table.rows import rows_of
from gensynth.kinds.table.samplers.catalog import get_table_sampler
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

REFERENCE = "smote"
"""The sampler that is always among the arms: what is new has to do better than what is usual."""

TOLD = 0.0005
"""Another classifier that does better than this without synthetic rows is named beside the answer."""

MOST_CELLS = 4_000_000
"""How many weights of rows are scored at a time."""


def evaluate_table(
    train: LabeledData,
    synthetic: Mapping[str, Synthetic],
    test: LabeledData,
    config: TableEvaluateConfig,
    quiet: bool = False,
) -> TableEvaluation:
    """Train on real rows with and without synthetic ones, and compare on the test part.

    The arm `smote` adds as many rows per class as the largest of the synthetic rows given, unless it is given itself.

    Args:
        train: Real training rows.
        synthetic: Accepted synthetic rows by name of the arm; the verdict is of the first.
        test: Real rows that neither generator nor gate has seen.
        config: How to test; `repeats` plays no part.
        quiet: Whether to hide the progress bar (it is shown on a terminal only).

    Raises:
        ValueError: if there are no synthetic rows, classes differ, a class has fewer than 2 training rows, or the test
            rows are all of one class.
    """
    encoder = Encoder(train)
    if not synthetic:
        raise ValueError("no synthetic rows were given; give at least one arm.")
    parts: dict[str, Synthetic | LabeledData] = {**synthetic, "test": test}
    for name, part in parts.items():
        if not len(part):
            raise ValueError(f"{name} has no rows; at least one is needed to tell whether they help.")
        if part.classes != train.classes:
            raise ValueError(f"classes of {name} are {part.classes}, those of train {train.classes}; they must agree.")
    y = encoder.labels(train.y)
    if np.bincount(y).min() < 2:
        raise ValueError(
            f"train has the class counts {some_counts(train.class_counts)}; every class needs at least 2 rows."
        )
    if len(np.unique(test.y)) < 2:
        raise ValueError(f"test has rows of {train.classes[test.y[0]]!r} only; at least two classes are needed.")
    used = some_rows(train, config.most_rows, config.seed)
    share, n_test = len(used) / len(train), len(test)
    test = test.subset(some_rows(test, config.most_rows, config.seed))
    x, x_test = (
        pd.DataFrame(encoder.rows(rows_of(train).frame.iloc[used]), index=used),
        pd.DataFrame(encoder.rows(rows_of(test).frame)),
    )
    y = y[used]
    adds = {name: max(int((rows.y == k).sum()) for rows in synthetic.values()) for k, name in enumerate(train.classes)}
    extras: dict[str, Extra | None] = {NONE: None, WEIGHTS: None}
    extras |= {name: encoder.extra(rows).among(used, share) for name, rows in synthetic.items()}
    notes = []
    if share < 1 or len(test) < n_test:
        notes.append(f"Tested with {len(used)} of {len(train)} training rows and {len(test)} of {n_test} test rows.")
    with threadpool_limits(config.threads):
        if REFERENCE not in synthetic:
            try:
                rows = draw(get_table_sampler(REFERENCE)().fit(train), adds, config.seed)
                extras[REFERENCE] = encoder.extra(rows).among(used, share)
            except ValueError as error:
                notes.append(f"The arm {REFERENCE} is left out: {error}")
        held: dict[Key, Held] = {}
        total = len(extras) * len(config.models)
        with tqdm(total=total, desc="evaluate", disable=True if quiet else None) as bar:
            for model in config.models:
                for name, extra in extras.items():
                    bar.set_postfix_str(f"{model}, {name}")
                    treated = Treated(model, encoder.is_code, name == WEIGHTS, extra, config.seed)
                    fitted, threshold = fit_and_tune(treated, x, y, config.folds)
                    held[name, model] = Held(
                        fitted.raw(x_test), fitted.predict_proba(x_test), fitted.n_train_, threshold
                    )
                    bar.update()
    shares = np.bincount(y) / len(y)
    return compare_on_test(held, shares, test, encoder.order, next(iter(synthetic)), adds, config, notes)


def evaluate_samplers(
    train: LabeledData,
    samplers: Mapping[str, Sampler],
    adds: Mapping[str, int],
    config: TableEvaluateConfig,
    quiet: bool = False,
) -> TableEvaluation:
    """Cross-validate training with and without synthetic rows; every sampler is fitted anew on each training part.

    Args:
        train: Real rows. Rows that decide later must not be among them.
        samplers: Samplers by name of the arm; the verdict is of the first. They are copied, and need no fit.
        adds: How many synthetic rows are added to all of `train`, by class name; a part of it gets its share.
        config: How to test.
        quiet: Whether to hide the progress bar (it is shown on a terminal only).

    Raises:
        ValueError: if nothing is to be added, a class is unknown or has fewer than 2 different rows, or a sampler
            cannot draw.
    """
    for name in adds:
        train.label_of(name)
    if not samplers or not any(adds.values()):
        raise ValueError(f"nothing is to be added: samplers {', '.join(samplers) or 'none'}, rows {dict(adds)}.")
    given = dict(samplers)
    if REFERENCE not in given:
        given[REFERENCE] = get_table_sampler(REFERENCE)()
    candidates = [Candidate(NONE), Candidate(WEIGHTS, weighted=True)]
    candidates += [Candidate(name, sampler=s, adds=adds) for name, s in given.items()]
    folds = Folds(train, config.folds, config.repeats, config.seed)
    results, notes = [], []
    total = len(folds.splits) * len(candidates) * len(config.models)
    with (
        threadpool_limits(config.threads),
        tqdm(total=total, desc="evaluate", disable=True if quiet else None) as bar,
    ):
        for at in range(len(folds.splits)):
            results.append(folds.run(at, candidates, config.models, bar.update))
            for name, why in results[-1].failed.items():
                if name in samplers:
                    raise ValueError(f"arm {name}: {why}")
                notes.append(f"The arm {name} is left out: {why}")
            candidates = [c for c in candidates if c.name not in results[-1].failed]
    scores, n_train, threshold = {}, {}, {}
    for key in ((c.name, model) for model in config.models for c in candidates):
        scores[key], tuned = folds.score(results, key)
        n_train[key] = float(np.mean([fold.held[key].n_train for fold in results]))
        threshold[key] = None if tuned[0] is None else float(np.mean([t for t in tuned if t is not None]))
    found = _Found(
        scores,
        n_train,
        threshold,
        tested=train,
        order=folds.encoder.order,
        spread=lambda s, floor: by_splits(s, folds.ratio, floor),
        intervals=f"95 % intervals for other training and test rows, from {config.repeats} times {folds.folds}-fold "
        "stratified cross-validation of the training rows with samplers fitted anew, corrected for the rows that the "
        "splits share (Nadeau and Bengio 2003).",
    )
    return _answer(found, next(iter(samplers)), adds, config, notes)


def compare_on_test(
    held: Mapping[Key, Held],
    shares: np.ndarray,
    test: LabeledData,
    order: np.ndarray,
    first: str,
    adds: Mapping[str, int],
    config: TableEvaluateConfig,
    notes: Sequence[str] = (),
) -> TableEvaluation:
    """Turn what the classifiers say of the test rows into the answer.

    Args:
        held: By arm and classifier, among them `none` and `class weights`.
        shares: Shares of the classes in training, shape (k,), in the order of `order`.
        test: The test rows.
        order: Position in `test.classes` of each label that the classifiers tell apart.
        first: The arm that the verdict is of.
        adds: Synthetic rows by class name, of the largest arm.
        config: What was run; its seed also seeds the bootstrap.
        notes: What was left out.
    """
    y = np.argsort(order)[test.y]
    blocks: dict[Key, list[np.ndarray]] = {key: [] for key in held}
    # All arms share the resamples, which keeps them paired.
    weights = resamples(y, np.random.default_rng(config.seed), groups=test.groups)
    for part in np.array_split(weights, max(1, weights.size // MOST_CELLS), axis=1):
        for key, h in held.items():
            blocks[key].append(score(y, h.raw, h.corrected, h.threshold, shares, part.astype(np.float64)))
    found = _Found(
        {key: np.concatenate(block, axis=1) for key, block in blocks.items()},
        {key: float(h.n_train) for key, h in held.items()},
        {key: h.threshold for key, h in held.items()},
        tested=test,
        order=order,
        spread=lambda s, floor: by_images_and_seeds(s[:, None], floor),
        intervals=f"95 % intervals for other test rows, from {DRAWS:,} paired bootstrap resamples within each class"
        f"{' of whole groups' if test.groups is not None else ''}; other training rows may differ more.",
    )
    return _answer(found, first, adds, config, notes)


@dataclass(frozen=True, eq=False)
class _Found:
    """What the classifiers score, by arm and classifier.

    Attributes:
        scores: `SCORES`, then the recall of each class, shape (8 + k, resamples or splits).
        n_train: Rows it was trained on, the mean over splits.
        threshold: Its tuned threshold, the mean over splits; None for more than two classes.
        tested: The rows that the scores are of.
        order: Position in `tested.classes` of each label that the classifiers tell apart.
        spread: Scores of resamples or splits, least variance -> the score with its variance.
        intervals: What the intervals are, in one sentence.
    """

    scores: dict[Key, np.ndarray]
    n_train: Mapping[Key, float]
    threshold: Mapping[Key, float | None]
    tested: LabeledData
    order: np.ndarray
    spread: Callable[[np.ndarray, float], Spread]
    intervals: str

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in the order of the recalls."""
        return [self.tested.classes[k] for k in self.order]

    def with_threshold(self, models: Sequence[str]) -> _Found:
        """Return the same with the arm `threshold`: that without treatment, which predicts from its threshold on."""
        tuned, at_half = SCORES.index("balanced_accuracy_tuned"), SCORES.index("balanced_accuracy")
        scores = {(THRESHOLD, model): self.scores[NONE, model].copy() for model in models}
        for s in scores.values():
            s[at_half] = s[tuned]
        n_train = {(THRESHOLD, model): self.n_train[NONE, model] for model in models}
        threshold = {(THRESHOLD, model): self.threshold[NONE, model] for model in models}
        return replace(
            self,
            scores=self.scores | scores,
            n_train={**self.n_train, **n_train},
            threshold={**self.threshold, **threshold},
        )

    @property
    def independent(self) -> dict[str, int]:
        """Rows by class name that are right or wrong on their own: a group counts as one."""
        return dict(zip(self.tested.classes, independent_examples([self.tested]).tolist(), strict=True))

    def floor(self, name: str) -> float:
        """Return the least variance that is believed of a score, or of a difference of such scores."""
        counts, classes = self.independent, self.classes
        if name.startswith(("brier", "calibration")):
            return 0.0
        if len(classes) == 2 and name in ("average_precision", "roc_auc") and counts[classes[1]]:
            return float(least_variance(counts[classes[1]]))
        return least_variance_of_mean(np.array([counts[c] for c in classes]))

    def arm(self, key: Key) -> TableArm:
        """Return the scores of one arm and classifier with their intervals."""
        s, counts = self.scores[key], self.independent
        values = {name: self.spread(s[i], self.floor(name)).estimate((0, 1)) for i, name in enumerate(SCORES)}
        recall = {
            c: self.spread(s[len(SCORES) + k], float(least_variance(counts[c]))).estimate((0, 1))
            for k, c in enumerate(self.classes)
            if counts[c]
        }
        return TableArm(key[0], key[1], self.n_train[key], **values, threshold=self.threshold[key], recall=recall)

    def difference(self, model: str, names: tuple[str, str], metric: str) -> Spread:
        """Return the first of two arms minus the second one."""
        arm, base = (self.scores[name, model][SCORES.index(metric)] for name in names)
        return self.spread(arm - base, self.floor(metric))


def _answer(
    found: _Found, first: str, adds: Mapping[str, int], config: TableEvaluateConfig, notes: Sequence[str]
) -> TableEvaluation:
    found = found.with_threshold(config.models)
    arms = {key: found.arm(key) for key in found.scores}
    value = {key: getattr(a, config.metric).value for key, a in arms.items()}
    counts, classes = found.tested.class_counts, found.classes
    rare = tuple(name for name in found.tested.classes if adds.get(name, 0))
    few = [name for name, n in found.independent.items() if n < (FEWEST_TEST if name in rare else 1)]
    comparisons = [c for model in config.models for c in _comparisons(found, value, model, few, config)]
    # By the sum over the arms, so that the pick favours none of them: by the baseline's score alone, three classifiers
    # that do equally well gave a false HURTS in 12 % of simulated tables.
    main = max(config.models, key=lambda model: sum(value[name, model] for name in (NONE, WEIGHTS, first)))
    best = next(c for c in comparisons if (c.arm, c.model) == (first, main))
    ranks = {name: i for i, name in enumerate(dict.fromkeys((*BASELINES, *(name for name, _ in found.scores))))}
    return TableEvaluation(
        arms=tuple(sorted(arms.values(), key=lambda a: (config.models.index(a.model), ranks[a.name]))),
        comparisons=tuple(comparisons),
        verdict=best.verdict,
        why=best.why,
        metric=config.metric,
        intervals=found.intervals,
        positive=classes[1] if len(classes) == 2 else None,
        rare=rare,
        n_test=counts,
        notes=tuple(notes),
    )


def _comparisons(
    found: _Found, value: Mapping[Key, float], model: str, few: Sequence[str], config: TableEvaluateConfig
) -> Iterator[TableComparison]:
    """Compare each arm with synthetic rows with the strongest one without, for one classifier.

    Args:
        found: The scores.
        value: The metric by arm and classifier.
        model: Name of the classifier.
        few: Classes with too few test rows to tell.
        config: What was run.
    """
    # Moving the threshold changes no rank: it stands for `none` only where a threshold counts.
    baselines = (THRESHOLD if config.metric == "balanced_accuracy_tuned" else NONE, WEIGHTS)
    base = max(baselines, key=lambda name: value[name, model])
    best = max(config.models, key=lambda other: max(value[name, other] for name in baselines))
    reached = max(value[name, best] for name in baselines)
    told = f" Without synthetic rows, {best} reaches {reached:.1%}." if reached - value[base, model] > TOLD else ""
    made = [name for name, of in found.scores if of == model and name not in BASELINES]
    spreads = [found.difference(model, (name, base), config.metric) for name in made]
    for name, of, p in zip(made, spreads, corrected(spreads, len(baselines)).tolist(), strict=True):
        difference = of.estimate((-1, 1))
        why = (
            f"{METRICS[config.metric]} of '{name}' is {value[name, model]:.1%}, of '{base}', the strongest without "
            f"synthetic rows, {value[base, model]:.1%} ({model}): {as_points(difference)}, {as_p(p, len(made))}; "
            f"{len(found.tested)} real rows tested"
            + (f", of which too few of {', '.join(map(repr, few))} to tell." if few else ".")
            + told
        )
        verdict = CANNOT_TELL if few else verdict_of(difference, p, config.rope)
        yield TableComparison(name, model, base, difference, p, verdict, why[0].upper() + why[1:])
