"""Privacy attacks find what leaks, keep their level where nothing does, and say when they cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import KernelDensity

from gensynth.fidelity.metrics.copying import typical_distance
from gensynth.fidelity.metrics.rank_sum import rank_sum_test
from gensynth.fidelity.privacy import (
    BANDWIDTH,
    CANNOT_TELL,
    LEAKAGE,
    NOTHING_FOUND,
    Privacy,
    attack,
    auc_interval,
    density_ratios,
    findable_auc,
    membership_attack,
)

D = 8


def rows(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, D))


def copies(of: np.ndarray, n: int, noise: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return of[rng.integers(0, len(of), n)] + noise * rng.standard_normal((n, D))


def attack_one(members: np.ndarray, non_members: np.ndarray, synthetic: np.ndarray) -> Privacy:
    parts = [(x, np.zeros(len(x), dtype=np.int64)) for x in (members, non_members, synthetic)]
    return attack(parts[0], parts[1], parts[2], ["a"])


def test_density_ratios_are_those_of_scikit_learn() -> None:
    real, synthetic = rows(30, 0), rows(50, 1)
    h = BANDWIDTH * typical_distance(real)
    of_synthetic = KernelDensity(bandwidth=h).fit(synthetic).score_samples(real)
    of_others = [
        KernelDensity(bandwidth=h).fit(np.delete(real, i, 0)).score_samples(real[i : i + 1])[0] for i in range(30)
    ]
    difference = density_ratios(real, synthetic) - (of_synthetic - of_others)
    assert np.ptp(difference) < 1e-8, "equal up to a constant"


def test_the_kind_of_a_row_does_not_enter_its_score() -> None:
    real, synthetic = rows(40, 0), rows(60, 1)
    order = np.random.default_rng(2).permutation(40)
    assert density_ratios(real[order], synthetic) == pytest.approx(density_ratios(real, synthetic)[order])


@pytest.mark.parametrize("noise", [0.01, 0.3])
def test_noisy_training_rows_are_detected(noise: float) -> None:
    members, non_members = rows(20, 0), rows(30, 1)
    found = attack_one(members, non_members, copies(members, 100, noise, 2)).classes[0]
    assert found.status == LEAKAGE
    assert found.membership is not None and found.membership.auc > 0.97 and found.membership.tpr > 0.9
    assert max(found.adjusted.values()) < 0.01
    assert "1 % cannot be reached with 30" in " ".join(found.why)


@pytest.mark.parametrize(("n", "named"), [(30, 1), (100, 1), (250, 2)])
def test_auc_and_true_positives_at_about_one_percent_are_those_of_scikit_learn(n: int, named: int) -> None:
    members, non_members = rows(40, 0), rows(n, 1)
    synthetic = copies(members, 100, 0.8, 2)
    found = membership_attack(members, non_members, synthetic)
    scores = density_ratios(np.concatenate([members, non_members]), synthetic)
    false, true, _ = roc_curve(np.arange(40 + n) < 40, scores, drop_intermediate=False)
    assert found.fpr == named / n and found.auc == pytest.approx(roc_auc_score(np.arange(40 + n) < 40, scores))
    assert found.tpr == pytest.approx(true[false <= found.fpr + 1e-12].max()) and 0 < found.tpr < 1
    rng, by_chance = np.random.default_rng(0), []
    for _ in range(4000):
        s = rng.permutation(scores)
        by_chance.append((s[:40] > np.sort(s[40:])[-1 - named]).mean())
    assert found.tpr_p_value == pytest.approx(np.mean(np.array(by_chance) >= found.tpr), abs=0.005)


def test_fresh_rows_keep_the_level_of_each_attack() -> None:
    repeats, hits = 300, np.zeros(2)
    for seed in range(repeats):
        x = rows(120, seed)
        found = membership_attack(x[:20], x[20:50], x[50:])
        hits += np.array([found.p_value, found.tpr_p_value]) < 0.05
    assert (hits / repeats < 0.05 + 3 * np.sqrt(0.05 * 0.95 / repeats)).all()
    assert hits[0] / repeats > 0.01, "exact, not merely safe"


def test_fresh_rows_of_many_classes_are_seldom_called_a_leak() -> None:
    repeats, called = 60, 0
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        parts = [(rng.standard_normal((n, D)), rng.integers(0, 3, n)) for n in (60, 60, 120)]
        called += attack(parts[0], parts[1], parts[2], "abc", seed).status == LEAKAGE
    assert called / repeats < 0.05 + 3 * np.sqrt(0.05 * 0.95 / repeats)


def test_one_leaking_class_among_others_is_named() -> None:
    y = np.repeat(np.arange(3), 40)
    members, non_members, synthetic = rows(120, 0), rows(120, 1), rows(120, 2)
    synthetic[y == 1] = copies(members[y == 1], 40, 0.1, 3)
    found = attack((members, y), (non_members, y), (synthetic, y), "abc")
    assert [c.status for c in found.classes] == [NOTHING_FOUND, LEAKAGE, NOTHING_FOUND] and found.status == LEAKAGE


def test_ties_are_no_evidence() -> None:
    same = np.zeros((40, D))
    found = membership_attack(same[:20], same[20:], same)
    assert (found.auc, found.tpr) == (0.5, 0.0)
    assert found.p_value > 0.5 and found.tpr_p_value == 1.0


@pytest.mark.parametrize("counts", [(9, 30, 30), (30, 9, 30), (30, 30, 9), (30, 0, 30)])
def test_too_few_rows_give_no_answer(counts: tuple[int, int, int]) -> None:
    members = rows(30, 0)
    found = attack_one(members[: counts[0]], rows(counts[1], 1), members[: counts[2]])
    assert found.status == CANNOT_TELL
    (only,) = found.classes
    assert only.membership is None and only.distance is None and only.adjusted == {}
    assert only.why == ("{} members, {} non-members and {} samples; it takes 10 of each.".format(*counts),)


def test_a_class_too_small_to_attack_keeps_the_set_from_an_all_clear() -> None:
    y, few = np.repeat([0, 1], 30), np.r_[np.zeros(30, dtype=int), np.ones(5, dtype=int)]
    found = attack((rows(60, 0), y), (rows(35, 1), few), (rows(60, 2), y), "ab")
    assert [c.status for c in found.classes] == [NOTHING_FOUND, CANNOT_TELL] and found.status == CANNOT_TELL


def test_many_classes_can_still_be_called_leaks() -> None:
    classes = 30
    y = np.repeat(np.arange(classes), 12)
    members = rows(len(y), 0)
    found = attack((members, y), (rows(len(y), 1), y), (members + 0.01, y), [str(c) for c in range(classes)])
    assert all(c.status == LEAKAGE and max(c.adjusted.values()) < 0.05 for c in found.classes)


@pytest.mark.parametrize(("shift", "m", "n"), [(0.0, 20, 20), (1.0, 20, 10), (3.0, 20, 20)])
def test_auc_interval_covers(shift: float, m: int, n: int) -> None:
    rng, truth, repeats = np.random.default_rng(0), float(norm.cdf(shift / np.sqrt(2))), 400
    covered = 0
    for _ in range(repeats):
        auc = float((rng.standard_normal(m)[:, None] + shift > rng.standard_normal(n)).mean())
        low, high = auc_interval(auc, m, n)
        assert 0 <= low <= auc <= high <= 1
        covered += low <= truth <= high
    assert covered / repeats > 0.95 - 3 * np.sqrt(0.95 * 0.05 / repeats)


def test_auc_interval_is_wide_with_20_members_even_at_the_ends() -> None:
    low, high = auc_interval(1.0, 20, 20)
    assert low < 0.95 and high == 1.0
    assert auc_interval(0.0, 20, 20) == (0.0, pytest.approx(1 - low))
    low, high = auc_interval(0.5, 20, 20)
    assert high - low > 0.3 and low + high == pytest.approx(1.0)


def test_findable_auc_is_found_with_the_power_it_names() -> None:
    m = n = 20
    shift = np.sqrt(2) * norm.ppf(findable_auc(m, n, 0.05))
    rng = np.random.default_rng(0)
    found = [rank_sum_test(rng.standard_normal(n), rng.standard_normal(m) + shift)[0] < 0.05 for _ in range(300)]
    assert np.mean(found) == pytest.approx(0.8, abs=3 * np.sqrt(0.8 * 0.2 / 300))


def test_no_answer_calls_anything_private_or_safe() -> None:
    members, non_members = rows(20, 0), rows(30, 1)
    answers = [
        attack_one(members, non_members, rows(50, 2)),
        attack_one(members, non_members, copies(members, 50, 0.1, 2)),
        attack_one(members[:5], non_members, rows(50, 2)),
    ]
    assert [a.status for a in answers] == [NOTHING_FOUND, LEAKAGE, CANNOT_TELL]
    words = " ".join([a.status + " ".join(c.why) for a in answers for c in a.classes])
    assert "private" not in words and "safe" not in words
