"""evaluate_table: scores, prior correction, thresholds, intervals and verdicts for tables."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.intervals import CANNOT_TELL, HELPS, HURTS, NO_EFFECT, by_splits, resamples
from gensynth.evaluate.probabilities import (
    SCORES,
    score,
)
from gensynth.kinds.table import evaluate as module
from gensynth.kinds.table.classifiers import Bins, Encoder, Treated, fit_and_tune
from gensynth.kinds.table.config import MODELS
from gensynth.kinds.table.evaluate import (
    TableEvaluateConfig,
    compare_on_test,
    evaluate_samplers,
    evaluate_table,
)
from gensynth.kinds.table.folds import Candidate, Folds, Held, draw
from gensynth.kinds.table.results import (
    NONE,
    THRESHOLD,
    WEIGHTS,
    TableComparison,
    TableEvaluation,
    load_table_evaluation,
    save_table_evaluation,
)
from gensynth.kinds.table.samplers.catalog import get_table_sampler
from gensynth.kinds.table.tables import from_frame

AT = {name: i for i, name in enumerate(SCORES)}
QUICK = TableEvaluateConfig(models=("logistic",), folds=3, repeats=1)


def mixed(counts: tuple[int, ...], seed: int) -> LabeledData:
    """Numbers with gaps, text, truth values, times and an id; a class moves the numbers and the levels."""
    rng = np.random.default_rng(seed)
    k = np.repeat(np.arange(len(counts)), counts)
    n = len(k)
    frame = pd.DataFrame(
        {
            "id": [f"row {i}" for i in range(n)],
            "x": rng.normal(size=n) + 1.5 * k,
            "whole": rng.integers(0, 9, n) + k,
            "level": np.array(["a", "b", "c"])[np.clip(rng.integers(0, 3, n) - (k == 1), 0, 2)],
            "flag": rng.random(n) < 0.3 + 0.2 * k,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "label": np.array(["common", "rare", "third"])[k],
        }
    )
    frame.loc[rng.random(n) < 0.1, "x"] = np.nan
    frame.loc[rng.random(n) < 0.1, "level"] = None
    return from_frame(frame.iloc[rng.permutation(n)].reset_index(drop=True), "label")


def labelled(y: np.ndarray) -> LabeledData:
    names = np.array(["common", "rare", "third"])
    return from_frame(pd.DataFrame({"x": np.arange(len(y)) / 7, "label": names[y]}), "label")


def two(logit: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-logit))
    return np.stack([1 - p, p], axis=1)


# Intervals and verdicts


def answer(
    rng: np.random.Generator, y: np.ndarray, shift: float, models: tuple[str, ...] = MODELS, luck: float = 0.5
) -> TableEvaluation:
    """Simulate what classifiers say: rows are easy or hard for all arms, the rest is luck of each arm."""
    base = 2.0 * y - 3 + 0.7 * rng.normal(size=len(y))
    held = {}
    for model in models:
        for arm in (NONE, WEIGHTS, "mine"):
            p = two(base + luck * rng.normal(size=len(y)) + shift * y * (arm == "mine"))
            held[arm, model] = Held(p, p, 100, 0.05)
    config = TableEvaluateConfig(models=models)
    return compare_on_test(held, np.array([0.9, 0.1]), labelled(y), np.array([0, 1]), "mine", {"rare": 5}, config)


@pytest.mark.parametrize("models", [("logistic",), MODELS])
def test_equal_arms_rarely_help_or_hurt(models: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "resamples", partial(resamples, draws=100))
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], (200, 50))
    wrong = sum(answer(rng, y, 0, models).verdict in (HELPS, HURTS) for _ in range(100))
    assert wrong <= 10  # 5 % are announced; 100 runs allow for 5 points


def test_planted_gain_helps_and_planted_loss_hurts() -> None:
    y = np.repeat([0, 1], (600, 200))
    for shift, verdict in ((1.5, HELPS), (-1.5, HURTS)):
        found = answer(np.random.default_rng(0), y, shift)
        assert found.verdict == verdict and [c.verdict for c in found.comparisons] == [verdict] * 3
        assert found.positive == "rare" and found.rare == ("rare",) and found.n_test == {"common": 600, "rare": 200}
        assert "points" in found.why and "bootstrap" in found.intervals
    assert answer(np.random.default_rng(0), np.repeat([0, 1], (4000, 2000)), 0, luck=0.1).verdict == NO_EFFECT


def test_intervals_over_splits_know_that_splits_share_rows() -> None:
    """Two classifiers that learn from different features of equal worth, in repeated cross-validation."""
    rng = np.random.default_rng(0)
    wrong, naive = 0, 0
    for _ in range(150):
        y = np.repeat([0, 1], (60, 60))
        x = rng.normal(size=(120, 2, 4)) + 0.4 * y[:, None, None]
        gaps = []
        for _ in range(3):
            part = np.argsort(rng.random(120)) % 5
            for k in range(5):
                fit, test = part != k, part == k
                slope = x[fit & (y == 1)].mean(0) - x[fit & (y == 0)].mean(0)
                middle = x[fit].mean(0)
                right = (((x[test] - middle) * slope).sum(-1) > 0) == y[test, None]
                gaps.append(np.diff(right.mean(0))[0])
        found = np.array(gaps)
        e = by_splits(found, 1 / 4, 0.0).estimate((-1, 1))
        wrong += e.low > 0 or e.high < 0
        naive += abs(found.mean()) > 2.145 * found.std(ddof=1) / np.sqrt(15)
    # Announced are 5 % of 150: 7.5. In 4,000 tables it was 3.4 % corrected, and 29 % not. A test that keeps its word
    # has 20 or more with a chance of 5e-5; the naive one fewer than 20 with one of 1e-6.
    assert wrong <= 14 and naive >= 20


def test_more_arms_are_more_comparisons() -> None:
    """The rule for images: Holm over all arms with synthetic rows, of each classifier by itself."""
    rng = np.random.default_rng(3)
    y = np.repeat([0, 1], (300, 60))
    base = 2.0 * y - 3 + 0.7 * rng.normal(size=360)
    logits = {name: base + 0.3 * rng.normal(size=360) for name in (NONE, WEIGHTS, "mine", "other", "third")}
    logits["mine"] += 0.4 * y
    config = replace(QUICK, models=("logistic", "forest"))

    def found(*names: str) -> list[TableComparison]:
        held = {(a, m): Held(two(z), two(z), 9, 0.5) for a, z in logits.items() for m in config.models}
        held = {key: h for key, h in held.items() if key[0] in (NONE, WEIGHTS, *names)}
        answer = compare_on_test(held, np.array([0.8, 0.2]), labelled(y), np.array([0, 1]), "mine", {"rare": 5}, config)
        assert answer.why in [c.why for c in answer.comparisons if c.arm == "mine"]
        return list(answer.comparisons)

    alone, three = found("mine"), found("mine", "other", "third")
    assert alone[0].p_value == alone[1].p_value and 0.001 < 3 * alone[0].p_value < 1
    assert three[0].difference == alone[0].difference and three[0].p_value == pytest.approx(3 * alone[0].p_value)
    assert "corrected for 3 comparisons" in three[0].why and "corrected" not in alone[0].why


def test_a_sure_but_negligible_gain_is_no_effect_unless_asked_for() -> None:
    y = np.repeat([0, 1], (4000, 4000))
    z = np.random.default_rng(0).normal(size=8000) + 2 * y
    held = {(arm, "logistic"): Held(two(z + 0.02 * y * (arm == "mine")), two(z), 9, 0.5) for arm in (NONE, WEIGHTS)}
    held["mine", "logistic"] = Held(two(z), two(z + 0.03 * y), 9, 0.5)
    given = (np.array([0.5, 0.5]), labelled(y), np.array([0, 1]), "mine", {"rare": 5})
    usual, strict = (compare_on_test(held, *given, replace(QUICK, rope=rope)) for rope in (0.01, 0.0))
    assert usual.comparisons[0].p_value < 0.01 and (usual.verdict, strict.verdict) == (NO_EFFECT, HELPS)


def test_few_test_rows_cannot_tell() -> None:
    y = np.repeat([0, 1], (400, 9))
    held = {(arm, "logistic"): Held(two(8.0 * y - 4), two(8.0 * y - 4), 9, 0.5) for arm in (NONE, WEIGHTS, "mine")}
    found = compare_on_test(held, np.array([0.9, 0.1]), labelled(y), np.array([0, 1]), "mine", {"rare": 5}, QUICK)
    assert found.verdict == CANNOT_TELL and "too few of 'rare'" in found.why
    more = np.repeat([0, 1], (400, 12))
    held = {key: Held(two(8.0 * more - 4), two(8.0 * more - 4), 9, 0.5) for key in held}
    found = compare_on_test(held, np.array([0.9, 0.1]), labelled(more), np.array([0, 1]), "mine", {"rare": 5}, QUICK)
    assert found.verdict == CANNOT_TELL  # agreement on twelve rows is not certainty


def test_verdict_is_against_the_strongest_honest_baseline() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], (500, 300))
    weak, strong = 0.5 * y + rng.normal(size=800), 2.5 * y + rng.normal(size=800)
    said = {NONE: weak, WEIGHTS: strong, "mine": strong}
    held = {(arm, "logistic"): Held(two(z), two(z), 9, 0.5) for arm, z in said.items()}
    shares = np.array([0.6, 0.4])
    found = compare_on_test(held, shares, labelled(y), np.array([0, 1]), "mine", {"rare": 5}, QUICK)
    assert (found.verdict, found.comparisons[0].baseline) == (NO_EFFECT, WEIGHTS)
    # A gain at 0.5 that a threshold also gives is none.
    moved = {(arm, "logistic"): Held(two(strong - 6), two(strong - 6), 9, 0.01) for arm in (NONE, WEIGHTS)}
    moved["mine", "logistic"] = Held(two(strong), two(strong - 6), 9, 0.01)
    tuned = replace(QUICK, metric="balanced_accuracy_tuned")
    found = compare_on_test(moved, shares, labelled(y), np.array([0, 1]), "mine", {"rare": 5}, tuned)
    arms = {a.name: a for a in found.arms}
    assert arms["mine"].balanced_accuracy.value > arms[NONE].balanced_accuracy.value + 0.2
    assert arms[THRESHOLD].balanced_accuracy == arms[NONE].balanced_accuracy_tuned
    assert (found.verdict, found.comparisons[0].baseline) == (NO_EFFECT, THRESHOLD)


# Classifiers


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("counts", [(80, 30), (80, 30, 20)])
def test_classifiers_take_mixed_tables_and_unknown_levels(model: str, counts: tuple[int, ...]) -> None:
    train, test = mixed(counts, 0), mixed(counts, 1)
    test = replace(test, x=replace(test.x, frame=test.x.frame.assign(level="never seen")))
    encoder = Encoder(train)
    x, y = pd.DataFrame(encoder.rows(train.x.frame)), encoder.labels(train.y)
    fitted, threshold = fit_and_tune(Treated(model, encoder.is_code, True, None, 0), x, y, 3)
    p = fitted.predict_proba(pd.DataFrame(encoder.rows(test.x.frame)))
    assert p.shape == (len(test), len(counts)) and p.sum(1) == pytest.approx(1)
    assert fitted.trained_ == pytest.approx(1 / len(counts)) and fitted.shares_ == pytest.approx(
        np.sort(counts)[::-1] / sum(counts)
    )
    assert (threshold is None) == (len(counts) == 3)
    auc = score(encoder.labels(test.y), p, p, threshold, fitted.shares_)[AT["roc_auc"], 0]
    assert auc > 0.6


def test_bins_are_those_that_boosted_trees_make_of_unweighted_rows() -> None:
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(size=900), rng.integers(0, 9, 900), np.exp(3 * rng.normal(size=900))], axis=1)
    x[rng.random(x.shape) < 0.05] = np.nan
    y = (np.nan_to_num(x[:, 0]) + rng.normal(size=900) > 1).astype(int)
    binned = Bins().fit(x).transform(x)
    assert [len(np.unique(c[~np.isnan(c)])) for c in binned.T] == [255, 9, 255]
    p = [HistGradientBoostingClassifier(early_stopping=False).fit(z, y).predict_proba(z) for z in (x, binned)]
    assert p[0] == pytest.approx(p[1])


def test_labels_run_from_the_most_frequent_class_to_the_rarest() -> None:
    encoder = Encoder(mixed((20, 60, 40), 0))
    assert encoder.order.tolist() == [1, 2, 0] and encoder.labels(np.array([0, 1, 2])).tolist() == [2, 0, 1]


def test_left_out_rows_take_their_synthetic_children_with_them() -> None:
    train = mixed((60, 20), 0)
    encoder = Encoder(train)
    extra = encoder.extra(draw(get_table_sampler("random")().fit(train), {"rare": 200}, 0))
    x, y = pd.DataFrame(encoder.rows(train.x.frame)), encoder.labels(train.y)
    some = np.flatnonzero(np.arange(80) % 4 > 0)
    model = Treated("logistic", encoder.is_code, False, extra, 0).fit(x.iloc[some], y[some])
    kept = np.isin(extra.parents[:, 0], some).sum()
    assert 0 < kept < 200 and model.n_train_ == len(some) + kept
    rare = (y[some] == 1).sum()
    assert model.trained_ == pytest.approx(np.array([len(some) - rare, rare + kept]) / (len(some) + kept))


def test_rows_made_from_unknown_rows_are_refused() -> None:
    train = mixed((60, 20), 0)
    rows = draw(get_table_sampler("random")().fit(train), {"rare": 3}, 0)
    with pytest.raises(ValueError, match="made from the row '99999', which is not in train"):
        Encoder(train).extra(replace(rows, parents=(("99999",),) * 3))


# Folds


def test_exact_copies_stay_in_one_fold() -> None:
    train = mixed((60, 20), 0)
    twice = train.subset(np.r_[np.arange(80), np.arange(80)])
    folds = Folds(replace(twice, ids=tuple(map(str, range(160)))), 4, 2, 0)
    assert len(folds.splits) == 8 and folds.ratio == pytest.approx(1 / 3)
    for rows in folds.splits:
        assert set(rows % 80) == set(rows[rows < 80]) and len(rows) == 40
        assert (folds.y[rows] == 1).sum() == 10
    with pytest.raises(ValueError, match="fewer than 2 different rows of 'rare'"):
        Folds(train.subset(np.r_[np.flatnonzero(train.y == 0), [np.flatnonzero(train.y == 1)[0]] * 5]), 4, 2, 0)


def test_samplers_see_the_training_part_only_and_fewer_rows_are_the_first_of_more() -> None:
    train = mixed((60, 20), 0)
    folds = Folds(train, 4, 1, 0)
    sampler = get_table_sampler("random")()
    ways = [
        Candidate(NONE),
        Candidate("less", sampler=sampler, adds={"rare": 20}),
        Candidate("more", sampler=sampler, adds={"rare": 40}),
    ]
    calls: list[int] = []
    fold = folds.run(1, ways, ("logistic",), lambda: calls.append(1))
    n = len(train) - len(fold.rows)
    assert [fold.held[way.name, "logistic"].n_train for way in ways] == [
        n,
        n + 15,
        n + 30,
    ]  # three quarters of what is added
    assert len(calls) == 3 and not fold.failed and set(fold.seconds) == {NONE, "less", "more"}
    assert not hasattr(sampler, "data_")
    again = folds.run(1, [ways[0], ways[1]], ("logistic",), lambda: None)
    assert np.array_equal(again.held["less", "logistic"].raw, fold.held["less", "logistic"].raw)


# The whole


def test_evaluate_table_is_determined_by_its_seed_and_survives_json(tmp_path: Path) -> None:
    train, test = mixed((120, 16), 0), mixed((60, 30), 1)
    rows = draw(get_table_sampler("random")().fit(train), {"rare": 40}, 0)
    state = np.random.get_state()[1].tolist()
    first = evaluate_table(train, {"mine": rows}, test, QUICK, quiet=True)
    assert np.random.get_state()[1].tolist() == state
    assert evaluate_table(train, {"mine": rows}, test, QUICK, quiet=True) == first
    arms = {a.name: a for a in first.arms}
    assert list(arms) == [NONE, WEIGHTS, THRESHOLD, "mine", "smote"]
    assert [arms[name].n_train for name in arms] == [136, 136, 136, 176, 176]
    assert arms[NONE].brier == arms[NONE].brier_raw
    # Rebalancing overstates the rare class; the correction takes most of that back.
    assert arms["mine"].brier != arms["mine"].brier_raw
    assert arms[THRESHOLD].average_precision == arms[NONE].average_precision
    assert set(arms["mine"].recall) == {"common", "rare"} and 0 < (arms["mine"].threshold or 0) < 1
    assert {(c.arm, c.model) for c in first.comparisons} == {(name, "logistic") for name in ("mine", "smote")}
    save_table_evaluation(first, tmp_path / "sub" / "evaluation.json")
    assert load_table_evaluation(tmp_path / "sub" / "evaluation.json") == first
    fields = json.loads((tmp_path / "sub" / "evaluation.json").read_text())
    del fields["comparisons"][0]["p_value"]
    for text in (json.dumps(fields), "[]", "{"):
        (tmp_path / "old.json").write_text(text)
        with pytest.raises(ValueError, match=r"old.json' is not an evaluation of this version of gensynth"):
            load_table_evaluation(tmp_path / "old.json")


def test_of_a_large_table_a_part_is_used_in_the_same_proportions() -> None:
    train, test = mixed((900, 100), 0), mixed((400, 100), 1)
    rows = draw(get_table_sampler("bootstrap")().fit(train), {train.classes[1]: 300}, 0)
    answer = evaluate_table(train, {"mine": rows}, test, replace(QUICK, most_rows=200), quiet=True)
    n_train = {arm.name: arm.n_train for arm in answer.arms}
    assert n_train[NONE] == 200 and n_train["mine"] == n_train["smote"] == 200 + 60
    assert sum(answer.n_test.values()) == 200 and answer.n_test[test.classes[1]] == 40
    assert answer.notes[0] == "Tested with 200 of 1000 training rows and 200 of 500 test rows."


def test_evaluate_samplers_fits_them_anew_on_every_split() -> None:
    train = mixed((90, 15, 15), 0)
    config = replace(QUICK, folds=3, repeats=2)
    first = evaluate_samplers(train, {"mine": get_table_sampler("random")()}, {"third": 30}, config, quiet=True)
    assert first == evaluate_samplers(train, {"mine": get_table_sampler("random")()}, {"third": 30}, config, quiet=True)
    arms = {a.name: a for a in first.arms}
    assert arms["mine"].n_train == 100 and arms[NONE].n_train == 80
    assert first.positive is None and first.rare == ("third",) and arms[NONE].threshold is None
    assert "2 times 3-fold" in first.intervals and first.n_test == {"common": 90, "rare": 15, "third": 15}


def test_wrong_inputs_are_refused() -> None:
    train, test = mixed((30, 12), 0), mixed((20, 12), 1)
    rows = draw(get_table_sampler("random")().fit(train), {"rare": 4}, 0)
    with pytest.raises(ValueError, match="no synthetic rows were given"):
        evaluate_table(train, {}, test, QUICK)
    with pytest.raises(ValueError, match="mine has no rows"):
        evaluate_table(train, {"mine": rows.subset([])}, test, QUICK)
    with pytest.raises(ValueError, match="classes of test"):
        evaluate_table(train, {"mine": rows}, replace(test, classes=("common", "odd")), QUICK)
    with pytest.raises(ValueError, match="test has rows of 'common' only"):
        evaluate_table(train, {"mine": rows}, test.subset(np.flatnonzero(test.y == 0)), QUICK)
    with pytest.raises(ValueError, match="every class needs at least 2 rows"):
        one = np.r_[np.flatnonzero(train.y == 0), np.flatnonzero(train.y == 1)[:1]]
        evaluate_table(train.subset(one), {"mine": replace(rows, parents=((),) * 4)}, test, QUICK)
    with pytest.raises(ValueError, match="nothing is to be added"):
        evaluate_samplers(train, {"mine": get_table_sampler("random")()}, {"rare": 0}, QUICK)
    for wrong, text in (
        ({"metric": "accuracy"}, "metric 'accuracy' is unknown"),
        ({"models": ("svm",)}, "models must be some of boosting"),
        ({"folds": 1}, "folds must be at least 2, got 1"),
        ({"rope": 1.0}, "rope must be at least 0 and less than 1"),
    ):
        with pytest.raises(ValueError, match=text):
            TableEvaluateConfig(**wrong)
