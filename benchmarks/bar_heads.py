"""Arms on frozen features: the best ways without synthetic data, and synthetic features of rare classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gensynth.kinds.image.classifier.heads import Basis, Lesson, Linear, logistic

SHRINK, STRENGTH, PULL = 0.2, 3.0, 0.8
"""Shrinkage of covariances, strength of logistic regression, and how far all directions
share the variance between classes; tuned on pictures left over by other cuts of the training pool."""
ADJUST, TRUST, SHIFT = 0.1, 0.4, 0.5
"""By how much of the log of a class's rarity logits are raised (Menon et al. 2021, "Long-tail learning via logit
adjustment"), how much the Bayesian log-probabilities count beside logits, and how far calibration moves the mean of a
rare class to that of its posterior; tuned alike."""


@dataclass(frozen=True, eq=False)
class Seen:
    """Components of real training features.

    Attributes:
        x: float32, shape (n, p).
        y: int64, shape (n,).
        weight: 1 over the number of views of the picture, shape (n,).
        rare: The rare classes.
        fill: How many examples a class shall have.
        counts: Number of pictures of each class, shape (k,).
    """

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    rare: np.ndarray
    fill: int
    counts: np.ndarray

    def lesson(self, new: np.ndarray | None = None, y: np.ndarray | None = None) -> Lesson:
        """Return what a head learns from: the real features, and new ones of the rare classes."""
        alike = np.ones(len(self.counts))  # here no head raises rare classes by itself
        if new is None or y is None:
            return Lesson(self.x, self.y, self.weight, True, alike)
        x = np.concatenate([self.x, new.astype(np.float32)])
        return Lesson(x, np.append(self.y, y), np.append(self.weight, np.ones(len(y))), True, alike)

    @property
    def means(self) -> np.ndarray:
        """Mean of each class, shape (k, p)."""
        return np.stack([np.average(self.x[self.y == k], 0, self.weight[self.y == k]) for k in range(len(self.counts))])

    def within(self) -> np.ndarray:
        """Return the covariance within classes, shrunk, shape (p, p)."""
        off = self.x - self.means[self.y]
        return shrunk((off * self.weight[:, None]).T @ off / self.weight.sum())


def shrunk(spread: np.ndarray) -> np.ndarray:
    """Return a covariance, shape (p, p), nearer to the same variance in all directions."""
    return (1 - SHRINK) * spread + SHRINK * np.trace(spread) / len(spread) * np.eye(len(spread))


def discriminant(lesson: Lesson) -> Linear:
    """Linear discriminant analysis with shrinkage, all classes alike.

    Friedman 1989, "Regularized discriminant analysis". A rare class borrows the spread of the common ones.
    """
    mass = np.bincount(lesson.y, lesson.weight)
    means = np.stack([np.average(lesson.x[lesson.y == k], 0, lesson.weight[lesson.y == k]) for k in range(len(mass))])
    off = lesson.x - means[lesson.y]
    coef = np.linalg.solve(shrunk((off * lesson.weight[:, None]).T @ off / mass.sum()), means.T)
    return Linear(coef, -(means * coef.T).sum(1) / 2)


def posterior(seen: Seen) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return posteriors of class means where x | mean is N(mean, I): axes (p, p), means (k, p), variances (k, p).

    Ioffe 2006, "Probabilistic linear discriminant analysis": class means are normal, with a covariance that the common
    classes tell; the mean of a rare class is pulled towards that of all where they do not differ.
    """
    values, vectors = np.linalg.eigh(seen.within())
    white = vectors / np.sqrt(values)
    common = np.setdiff1d(np.arange(len(seen.counts)), seen.rare)
    z = seen.means @ white
    centre = z[common].mean(0)
    between, turn = np.linalg.eigh(np.cov(z[common].T))
    floor = PULL * between.clip(0).sum() / len(between)
    between = (1 - PULL) * between.clip(0) + floor
    z, n = (z - centre) @ turn, seen.counts[:, None]
    kept = n * between / (n * between + 1)
    return white @ turn, kept * z + centre @ turn, between / (n * between + 1)


def of_posterior(seen: Seen, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw a mean from the posterior of its class, and a feature around it."""
    axes, means, variances = posterior(seen)
    y = missing(seen)
    z = means[y] + np.sqrt(1 + variances[y]) * rng.standard_normal((len(y), len(axes)))
    return z @ np.linalg.inv(axes), y


def calibrated(seen: Seen, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw around rare features with the covariance of the two nearest common classes, the mean moved.

    Yang et al. 2021, "Free lunch for few-shot learning: distribution calibration"; there the mean moves two thirds of
    the way to the nearest classes, here half of the way to that of the posterior.
    """
    means, common = seen.means, np.setdiff1d(np.arange(len(seen.counts)), seen.rare)
    axes, of_posterior, _ = posterior(seen)
    move = SHIFT * (of_posterior @ np.linalg.inv(axes) - means)
    y, found = missing(seen), []
    for k in seen.rare:
        near = common[np.argsort(np.square(means[common] - means[k]).sum(1))[:2]]
        own, n = seen.x[seen.y == k], int((y == k).sum())
        spread = np.mean([np.cov(seen.x[seen.y == c].T) for c in near], axis=0)
        noise = rng.multivariate_normal(np.zeros(len(spread)), spread, n, method="cholesky")
        found.append(own[rng.integers(len(own), size=n)] + move[k] + noise)
    return np.concatenate(found), y


def residuals(seen: Seen, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Add 0.7 of how a common example differs from its class to a rare one."""
    y, common = missing(seen), np.flatnonzero(~np.isin(seen.y, seen.rare))
    lent = rng.choice(common, len(y))
    start = np.array([rng.choice(np.flatnonzero(seen.y == k)) for k in y])
    return seen.x[start] + 0.7 * (seen.x[lent] - seen.means[seen.y[lent]]), y


def smote(seen: Seen, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Chawla et al. 2002: between a feature and one of its five nearest of the class."""
    y, found = missing(seen), []
    for k in seen.rare:
        own = seen.x[seen.y == k]
        gaps = np.square(own[:, None] - own[None]).sum(2)
        near = np.argsort(gaps, 1)[:, 1:6]
        at = rng.integers(len(own), size=int((y == k).sum()))
        to = near[at, rng.integers(5, size=len(at))]
        found.append(own[at] + rng.random((len(at), 1)) * (own[to] - own[at]))
    return np.concatenate(found), y


def missing(seen: Seen) -> np.ndarray:
    """Return the labels of what the rare classes lack, one class after the other."""
    return np.repeat(seen.rare, seen.fill - seen.counts[seen.rare])


DRAWN: dict[str, Callable[[Seen, np.random.Generator], tuple[np.ndarray, np.ndarray]]] = {
    "posterior": of_posterior,
    "calibration": calibrated,
    "residuals": residuals,
    "smote": smote,
}


def bayes(seen: Seen, x: np.ndarray) -> np.ndarray:
    """Return log-probabilities, but for a constant, (n, k), under the predictive distribution of each class."""
    axes, means, variances = posterior(seen)
    off = (x @ axes)[:, None] - means
    return np.asarray(-(np.square(off) / (1 + variances) + np.log(1 + variances)).sum(2) / 2)


def predicted(arm: str, seen: Seen, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what an arm, `HEAD` or `HEAD + SYNTHETIC`, says of test components (n, p): labels, int64 (n,)."""
    head, _, added = arm.partition(" + ")
    if head == "bayes":
        return np.asarray(bayes(seen, x).argmax(1))
    lesson = seen.lesson(*DRAWN[added](seen, rng)) if added else seen.lesson()
    linear = discriminant(lesson) if head == "discriminant" else logistic(lesson, [STRENGTH])[0]
    logits = x @ linear.coef + linear.intercept
    if head == "logistic adjusted":
        logits = logits - ADJUST * np.log(seen.counts)
    if head == "logistic and bayes":
        logits = logits + TRUST * bayes(seen, x)
    return np.asarray(logits.argmax(1))


def seen_of(views: np.ndarray, y: np.ndarray, rare: np.ndarray, fill: int) -> tuple[Seen, Basis]:
    """Return what is learned from features (views, n, p) of n pictures, and the components they are told in."""
    basis = Basis.of(views[0])
    x, times = basis(views.reshape(-1, views.shape[-1])), len(views)
    weight = np.full(len(x), 1 / times)
    return Seen(x, np.tile(y, times), weight, rare, fill, np.bincount(y)), basis
