"""The cases of the sanity suite: pairs of sets whose difference is known, and what a metric should say about them.

Cases, sizes and thresholds follow Raisa, van Breugel and van der Schaar 2025, 'Position: All Current Generative
Fidelity and Diversity Metrics are Flawed' (arXiv 2505.22450). Metrics of both at once (distances) and of copying,
which they do not judge, are judged against real-vs-real values at the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FIDELITY, DIVERSITY, DISTANCE, COPYING = "fidelity", "diversity", "distance", "copying"
QUESTIONS = {
    "precision": FIDELITY,
    "density": FIDELITY,
    "clipped_density": FIDELITY,
    "recall": DIVERSITY,
    "coverage": DIVERSITY,
    "clipped_coverage": DIVERSITY,
    "diversity": DIVERSITY,
    "vendi_ratio": DIVERSITY,
    "fid": DISTANCE,
    "kid": DISTANCE,
    "nn_accuracy": DISTANCE,
    "nearest_real": COPYING,
    "authenticity": COPYING,
}
"""What each metric is asked; the suite refuses to run while one is missing."""
DROP, SLACK, CLOSE = 0.2, 0.1, 0.05
"""A fall counts from DROP on; other values may lie SLACK beyond the ends; CLOSE is 'about equal'."""
SIGMAS = 3
"""How many standard deviations of real-vs-real values are chance."""
DIMENSIONS = (1, 8, 64)

Rng = np.random.Generator
Pair = tuple[np.ndarray, np.ndarray]
Sizes = tuple[int, int]


@dataclass(frozen=True)
class Sweep:
    """Values of one metric over the points of a case.

    Attributes:
        points: Shape (p,), ascending.
        values: Mean over repeats at each, shape (p,).
        equal: Position of the point at which both sets have one distribution, or None.
        null: Mean and standard deviation of real-vs-real values at each point, shape (p, 2); NaN where not asked for.
    """

    points: np.ndarray
    values: np.ndarray
    equal: int | None
    null: np.ndarray

    @property
    def departure(self) -> np.ndarray:
        """How far each value is from what real rows give against real rows, shape (p,)."""
        return np.abs(self.values - self.null[:, 0])

    @property
    def found(self) -> np.ndarray:
        """Which values are beyond chance, bool, shape (p,)."""
        return self.departure > SIGMAS * self.null[:, 1] + 1e-9


Rule = Callable[[Sweep], bool]


def bell(s: Sweep) -> bool:
    """High at the equal point, lower at both ends, nothing much above or below."""
    assert s.equal is not None
    v, middle = s.values, s.values[s.equal]
    ends = (v[0], v[-1])
    return bool(middle - max(ends) >= DROP and v.max() - middle <= SLACK and min(ends) - v.min() <= SLACK)


def falls(s: Sweep) -> bool:
    """High at the first point, low at the last one."""
    v = s.values
    return bool(v[0] - v[-1] >= DROP and v.max() - v[0] <= SLACK and v[-1] - v.min() <= SLACK)


def rises(s: Sweep) -> bool:
    """Low at the first point, high at the last one."""
    v = s.values
    return bool(v[-1] - v[0] >= DROP and v.max() - v[-1] <= SLACK and v[0] - v.min() <= SLACK)


def falls_by(point: int) -> Rule:
    """As `falls`, and by SLACK at this point already."""
    return lambda s: falls(s) and bool(s.values[0] - s.values[point] >= SLACK)


def flat(s: Sweep) -> bool:
    """The same at all points."""
    return bool(np.ptp(s.values) <= CLOSE)


def settles(s: Sweep) -> bool:
    """The same at all points of the upper half."""
    return bool(np.ptp(s.values[len(s.values) // 2 :]) <= CLOSE)


def either(first: Rule, second: Rule) -> Rule:
    """One of two."""
    return lambda s: first(s) or second(s)


def near(at: Callable[[Sweep], int], *targets: float) -> Rule:
    """Close to one of the targets at a point."""
    return lambda s: bool(np.abs(s.values[at(s)] - np.array(targets)).min() <= CLOSE)


def first(s: Sweep) -> int:
    """Position of the first point."""
    return 0


def last(s: Sweep) -> int:
    """Position of the last point."""
    return len(s.points) - 1


def equal(s: Sweep) -> int:
    """Position of the equal point."""
    assert s.equal is not None
    return s.equal


def grows(s: Sweep) -> bool:
    """A distance grows from the equal point to the ends, but for a tenth of its range."""
    assert s.equal is not None
    sides = s.departure[s.equal :], s.departure[: s.equal + 1][::-1]
    return all(bool((np.diff(x) >= -SLACK * np.ptp(s.departure)).all()) for x in sides)


def level(s: Sweep) -> bool:
    """A distance is the same in the upper half of the points, but for a tenth."""
    upper = s.departure[len(s.points) // 2 :]
    return bool(np.ptp(upper) <= SLACK * upper.max())


def beyond_chance(*at: Callable[[Sweep], int]) -> Rule:
    """A distance is beyond chance at these points (at all of them but the equal one if none is named)."""

    def rule(s: Sweep) -> bool:
        asked = [f(s) for f in at] or [i for i in range(len(s.points)) if i != s.equal]
        return bool(s.found[asked].all()) and (s.equal is None or not s.found[s.equal])

    return rule


def no_alarm(s: Sweep) -> bool:
    """A metric of copying does not fall below chance: there are no copies here."""
    return bool((s.values >= s.null[:, 0] - SIGMAS * s.null[:, 1] - 1e-9).all())


def alarm_at_last(s: Sweep) -> bool:
    """It does at the last point, and not at the equal one."""
    below = s.values < s.null[:, 0] - SIGMAS * s.null[:, 1]
    return bool(below[-1]) and not below[equal(s)]


@dataclass(frozen=True)
class Expected:
    """What is asked of metrics of one question: the shape of the sweep, and values at its points."""

    shape: tuple[Rule, ...] = ()
    values: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Case:
    """Pairs of sets over a sweep of their difference.

    Attributes:
        name: Its row in the tables.
        groups: What it is repeated for, such as dimensions.
        points: The sweep for a group, ascending.
        draw: `(rng, group, point, (n, m)) -> (real, synthetic)`.
        expected: By question; questions that are missing are not judged.
        equal: The point at which both have one distribution.
        sizes: Rows of each kind at a point, given the usual number.
        real_varies: Whether the real set depends on the point.
    """

    name: str
    groups: tuple[Any, ...]
    points: Callable[[Any], tuple[float, ...]]
    draw: Callable[[Rng, Any, float, Sizes], Pair]
    expected: Mapping[str, Expected]
    equal: float | None = None
    sizes: Callable[[float, int], Sizes] = field(default=lambda point, rows: (rows, rows))
    real_varies: bool = False


def alike(shape: Rule, *values: Rule) -> dict[str, Expected]:
    """Ask metrics of fidelity and of diversity for the same."""
    return {FIDELITY: Expected((shape,), values), DIVERSITY: Expected((shape,), values)}


def mixture(rng: Rng, means: np.ndarray, scale: float, weights: np.ndarray, n: int) -> np.ndarray:
    """Rows of normal components with these means, shape (c, d), and weights that need not sum to 1."""
    at = rng.choice(len(means), n, p=weights / weights.sum())
    return rng.normal(means[at], scale)


def shifted(rng: Rng, d: int, shift: float, sizes: Sizes) -> Pair:
    """Two normal sets, one of them shifted in every feature."""
    return rng.normal(size=(sizes[0], d)), rng.normal(shift, 1, (sizes[1], d))


def shifts(d: int) -> tuple[float, ...]:
    """Shifts at which sets of d features go from alike to apart."""
    most = {1: 6.0, 8: 3.0, 64: 1.0}[d]
    return tuple(most * x for x in (-1, -2 / 3, -1 / 3, 0, 1 / 3, 2 / 3, 1))


def with_outlier(rng: Rng, group: tuple[str, int], shift: float, sizes: Sizes) -> Pair:
    """As `shifted`, with one real or synthetic row at the far end of the sweep."""
    where, d = group
    real, synthetic = shifted(rng, d, shift, sizes)
    (real if where == "real" else synthetic)[0] = shifts(d)[-1]
    return real, synthetic


def beside_pareto(rng: Rng, group: str, shift: float, sizes: Sizes) -> Pair:
    """As `shifted`, beside a feature with a heavy tail that is alike in both."""
    real, synthetic = shifted(rng, 1, shift, sizes)
    real, synthetic = (np.column_stack([x, 1 + rng.pareto(1.01, len(x))]) for x in (real, synthetic))
    return real, synthetic


def scaled(rng: Rng, d: int, scale: float, sizes: Sizes) -> Pair:
    """Two normal sets of different standard deviation."""
    return rng.normal(size=(sizes[0], d)), rng.normal(0, scale, (sizes[1], d))


def scales(d: int) -> tuple[float, ...]:
    """Standard deviations at which sets of d features go from too narrow to too wide."""
    most = {1: 3.0, 8: 1.0, 64: 0.5}[d]
    return tuple(10 ** (most * x) for x in (-1, -2 / 3, -1 / 3, 0, 1 / 3, 2 / 3, 1))


def ten_modes(rng: Rng, d: int, weights: np.ndarray, sizes: Sizes) -> Pair:
    """Ten modes in a row; the synthetic ones have these weights."""
    means = np.tile(np.linspace(0, 10, 10)[:, None], d)
    scale = {1: 1 / 6, 8: 1 / 3, 64: 1.0}[d]
    return mixture(rng, means, scale, np.ones(10), sizes[0]), mixture(rng, means, scale, weights, sizes[1])


def dropped_together(rng: Rng, d: int, share: float, sizes: Sizes) -> Pair:
    """All modes but the first lose this share of their weight."""
    return ten_modes(rng, d, np.where(np.arange(10) > 0, 1 - share, 1.0), sizes)


def dropped_in_turn(rng: Rng, d: int, dropped: float, sizes: Sizes) -> Pair:
    """The last modes are missing."""
    return ten_modes(rng, d, (np.arange(10) < 10 - dropped).astype(float), sizes)


def invented(rng: Rng, group: str, modes: float, sizes: Sizes) -> Pair:
    """Five real modes in the plane; synthetic ones are the first `modes` of ten, which lie far apart."""
    angle = 2.4 * np.arange(10)
    means = 8 * np.sqrt(1 + np.arange(10))[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    real = mixture(rng, means, 0.25, (np.arange(10) < 5).astype(float), sizes[0])
    return real, mixture(rng, means, 0.25, (np.arange(10) < modes).astype(float), sizes[1])


def two_modes(rng: Rng, d: int, distance: float, sizes: Sizes) -> Pair:
    """Two modes at this distance, and one normal set of the same variance."""
    means = np.tile(np.array([[-distance / 2], [distance / 2]]), d)
    return mixture(rng, means, 1, np.ones(2), sizes[0]), rng.normal(0, math.sqrt(1 + distance**2), (sizes[1], d))


def cubes(rng: Rng, d: int, point: float, sizes: Sizes) -> Pair:
    """Two unit cubes that share a fifth of their volume."""
    return rng.random((sizes[0], d)), rng.random((sizes[1], d)) + 1 - 0.2 ** (1 / d)


def spheres(rng: Rng, d: int, radius: float, sizes: Sizes) -> Pair:
    """Rows on the surfaces of two spheres around the same point."""
    real, synthetic = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in shifted(rng, d, 0, sizes))
    return real, radius * synthetic


def ball_and_ring(rng: Rng, group: str, point: float, sizes: Sizes) -> Pair:
    """A ball of radius 0.8 in the hole of a torus of radii 1 and 0.1, which it does not touch."""

    def ball(n: int, d: int) -> np.ndarray:
        x = rng.normal(size=(n, d))
        return x / np.linalg.norm(x, axis=1, keepdims=True) * rng.random((n, 1)) ** (1 / d)

    def ring(n: int) -> np.ndarray:
        angle, section = rng.uniform(0, 2 * np.pi, n), 0.1 * ball(n, 2)
        out = 1 + section[:, 0]
        return np.column_stack([out * np.cos(angle), out * np.sin(angle), section[:, 1]])

    n, m = sizes
    return (0.8 * ball(n, 3), ring(m)) if group == "real ball" else (ring(n), 0.8 * ball(m, 3))


def one_scaled(rng: Rng, group: str, scale: float, sizes: Sizes) -> Pair:
    """The first of two features tells the sets apart; the second one, alike in both, has another unit."""
    real, synthetic = shifted(rng, 2, 0, sizes)
    return real * [1, scale], synthetic * [1, scale] + [6, 0]


def one_disjoint(rng: Rng, group: str, extra: float, sizes: Sizes) -> Pair:
    """The first feature tells the sets apart; many others are alike."""
    real, synthetic = shifted(rng, 1 + int(extra), 0, sizes)
    synthetic[:, 0] += 6
    return real, synthetic


def rounded(rng: Rng, group: str, scale: float, sizes: Sizes) -> Pair:
    """The same normal set, one of the two rounded to whole numbers; the scale says how coarsely."""
    real, synthetic = (scale * x for x in shifted(rng, 1, 0, sizes))
    return (np.round(real), synthetic) if group == "real discrete" else (real, np.round(synthetic))


def copies(rng: Rng, d: int, share: float, sizes: Sizes) -> Pair:
    """Fresh rows, a share of which is replaced by real rows: ours, for metrics of copying."""
    real, synthetic = shifted(rng, d, 0, sizes)
    k = round(share * min(sizes))
    synthetic[:k] = real[:k]
    return real, synthetic


APART = {DISTANCE: Expected((grows,), (beyond_chance(first, last),)), COPYING: Expected(values=(no_alarm,))}
LEAVES = APART | {DISTANCE: Expected((grows,), (beyond_chance(last),))}
LEVEL = {DISTANCE: Expected((level,), (beyond_chance(),)), COPYING: Expected(values=(no_alarm,))}
SETTLES = LEVEL | {DISTANCE: Expected((level,), (beyond_chance(last),))}
BELL = alike(bell, near(equal, 1), near(first, 0), near(last, 0)) | APART
WIDE = near(last, 0, 1)
"""Of a set too wide a metric of diversity may say 'all is covered' or 'nothing agrees', nothing between."""
COUNTS = (100.0, 300.0, 1000.0, 2000.0)

CASES = (
    Case("mean shift", DIMENSIONS, shifts, shifted, BELL, 0.0),
    Case("mean shift, one outlier", tuple((w, d) for w in ("real", "synthetic") for d in DIMENSIONS),
         lambda g: shifts(g[1]), with_outlier, BELL, 0.0),
    Case("mean shift beside a Pareto feature", ("",), lambda g: shifts(1), beside_pareto, BELL, 0.0),
    Case("standard deviation", DIMENSIONS, scales, scaled, APART | {
        FIDELITY: Expected((falls,), (near(equal, 1), near(first, 1), near(last, 0))),
        DIVERSITY: Expected((either(bell, rises),), (near(equal, 1), near(first, 0), WIDE)),
    }, 1.0),
    Case("modes dropped together", DIMENSIONS, lambda g: (0, 0.25, 0.5, 0.75, 0.95, 1), dropped_together, LEAVES | {
        FIDELITY: Expected((flat,), (near(first, 1), near(last, 1))),
        DIVERSITY: Expected((falls_by(4),), (near(first, 1),)),
    }, 0.0),
    Case("modes dropped in turn", DIMENSIONS, lambda g: (0, 1, 3, 5, 7, 9), dropped_in_turn, LEAVES | {
        FIDELITY: Expected((flat,), (near(first, 1), near(last, 1))),
        DIVERSITY: Expected((falls_by(3),), (near(first, 1),)),
    }, 0.0),
    Case("modes dropped, then invented", ("",), lambda g: (1, 3, 5, 7, 10), invented, APART | {
        FIDELITY: Expected((falls,), (near(equal, 1), near(first, 1))),
        DIVERSITY: Expected((rises,), (near(equal, 1), near(last, 1))),
    }, 5.0),
    Case("two modes taken for one", DIMENSIONS, lambda g: (0, 1.25, 2.5, 3.75, 5), two_modes, LEAVES | {
        FIDELITY: Expected((falls,), (near(first, 1),)),
        DIVERSITY: Expected((either(falls, flat),), (near(first, 1),)),
    }, 0.0, real_varies=True),
    Case("sphere surface", (2, 16, 128), lambda g: (0.1, 0.4, 0.7, 1, 1.3, 1.6, 1.9), spheres, BELL, 1.0),
    Case("ball in a ring", ("real ball", "real ring"), lambda g: COUNTS, ball_and_ring,
         alike(settles, near(last, 0)) | SETTLES, sizes=lambda point, rows: (rows, int(point)), real_varies=True),
    Case("cubes, more rows", DIMENSIONS, lambda g: COUNTS, cubes, alike(settles, near(last, 0.2)) | SETTLES,
         sizes=lambda point, rows: (int(point), int(point)), real_varies=True),
    Case("cubes, more synthetic rows", DIMENSIONS, lambda g: COUNTS, cubes, alike(settles, near(last, 0.2)) | SETTLES,
         sizes=lambda point, rows: (rows, int(point)), real_varies=True),
    Case("one feature in another unit", ("",), lambda g: (1e-3, 1e-1, 1, 1e1, 1e3), one_scaled,
         alike(flat, near(first, 0), near(last, 0)) | LEVEL, real_varies=True),
    Case("one disjoint feature", ("",), lambda g: (1, 10, 100, 400), one_disjoint,
         alike(flat, near(first, 0), near(last, 0)) | LEVEL, real_varies=True),
    Case("real discrete, synthetic not", ("real discrete",), lambda g: (1, 10, 100, 1000), rounded, {
        FIDELITY: Expected((flat,), (near(first, 0), near(last, 0))),
        DIVERSITY: Expected((flat,), (near(first, 0, 1), WIDE)),
        DISTANCE: Expected(values=(beyond_chance(first),)),
        COPYING: Expected(values=(no_alarm,)),
    }, real_varies=True),
    Case("synthetic discrete, real not", ("real continuous",), lambda g: (1, 10, 100, 1000), rounded, {
        FIDELITY: Expected((flat,), (near(first, 1), near(last, 1))),
        DIVERSITY: Expected((flat,), (near(first, 0), near(last, 0))),
        DISTANCE: Expected(values=(beyond_chance(first),)),
        COPYING: Expected(values=(no_alarm,)),
    }, real_varies=True),
    Case("copies of real rows", DIMENSIONS, lambda g: (0, 0.1, 0.25, 0.5, 1), copies, {
        DISTANCE: Expected(values=(beyond_chance(last),)),
        COPYING: Expected((falls,), (alarm_at_last,)),
    }, 0.0),
)  # fmt: skip
