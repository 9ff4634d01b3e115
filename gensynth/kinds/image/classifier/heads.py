"""Heads: what is fitted to the features of a trunk. How far each is held back is chosen by its user.

They learn from principal components (`Basis`), which are few, so that an arm costs seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import softmax
from torch import Tensor

COMPONENTS = 256
ADJUST = 0.15
"""Of the logarithm of its rarity, by which a class is raised."""
TRUST, PULL = 0.4, 0.8
"""Of `bayesian`: how much log-densities count beside logits, and how much of B all directions share."""


@dataclass(frozen=True, eq=False)
class Basis:
    """The main components of features, each feature scaled to mean 0 and variance 1 first.

    Of features that are never negative, such as means of rectified maps, it takes the square root: they are skewed
    (Yang et al. 2021, "Free lunch for few-shot learning: distribution calibration").

    On three classes of 30 and seven of 300 from CIFAR-10, MobileNetV2, 256 components were as good as its 1,280
    features (logistic regression 70.7 % against 70.1, discriminant analysis 69.6 against 69.3), in a tenth of the time.

    Attributes:
        mean: Shape (features,).
        axes: Shape (features, p).
        rooted: Whether it takes square roots.
    """

    mean: np.ndarray
    axes: np.ndarray
    rooted: bool

    @staticmethod
    def of(x: np.ndarray) -> Basis:
        """Return the components of features (n, features)."""
        rooted = bool((x >= 0).all())
        x = np.sqrt(x) if rooted else x
        mean, scale = x.mean(0, dtype=np.float64), x.std(0, dtype=np.float64)
        scale = np.where(scale > 1e-6, scale, np.inf)  # a feature that never varies tells nothing
        z = (x - mean) / scale
        vectors = np.linalg.eigh(z.T @ z / len(z))[1][:, -min(COMPONENTS, len(x)) :]
        return Basis(mean.astype(np.float32), (vectors / scale[:, None]).astype(np.float32), rooted)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the components, float32, shape (n, p), of features (n, features)."""
        return ((np.sqrt(x.clip(0)) if self.rooted else x) - self.mean) @ self.axes


@dataclass(frozen=True, eq=False)
class Lesson:
    """Rows that a head learns from.

    Attributes:
        x: Components, float32, shape (m, p).
        y: Labels, int64, shape (m,).
        weight: How much each row counts, shape (m,).
        balanced: Whether all classes count alike, however many rows they have.
        real: How many real images each class has, shape (k,); some may have none. Rows that were made tell a head
            nothing of how sure it can be.
    """

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    balanced: bool
    real: np.ndarray

    @property
    def n_classes(self) -> int:
        """Number of classes k."""
        return len(self.real)

    @property
    def raised(self) -> np.ndarray:
        """By how much the logits of each class are raised where all count alike, shape (k,): `ADJUST` of its rarity.

        What is learned of few images is less sure, so that rare classes are still named too seldom. Menon et al. 2021,
        "Long-tail learning via logit adjustment".
        """
        return -ADJUST * self.balanced * np.log(np.maximum(self.real, 1) / max(self.real.max(), 1))

    @property
    def shares(self) -> np.ndarray:
        """How much each class counts, shape (k,), sum 1."""
        mass = np.bincount(self.y, self.weight, self.n_classes)
        mass = (mass > 0).astype(float) if self.balanced else mass
        return mass / mass.sum()


@dataclass(frozen=True, eq=False)
class Linear:
    """Softmax of a linear map.

    Attributes:
        coef: Shape (p, k).
        intercept: Shape (k,); -inf for a class without rows.
    """

    coef: np.ndarray
    intercept: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return probabilities, float32, shape (n, k), of components (n, p)."""
        found: np.ndarray = softmax(x @ self.coef + self.intercept, axis=1).astype(np.float32)
        return found


class Fitted(Protocol):
    """What a head has learned."""

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return probabilities, float32, shape (n, k), of components (n, p)."""


@dataclass(frozen=True)
class Head:
    """A way to learn from features.

    Attributes:
        name: Its name in the answer.
        strengths: What may be chosen, the strongest restraint first.
        usual: Which of these is taken where nothing can be chosen.
        fit: Returns what is learned from a lesson with each of some strengths.
    """

    name: str
    strengths: tuple[float, ...]
    usual: float
    fit: Callable[[Lesson, Sequence[float]], Sequence[Fitted]]


def logistic(lesson: Lesson, strengths: Sequence[float]) -> list[Linear]:
    """Logistic regression by L-BFGS; a strength is the weight of the mean loss beside half the squared coefficients.

    Logits are raised by `Lesson.raised`.
    """
    mass = np.maximum(np.bincount(lesson.y, lesson.weight, lesson.n_classes), 1e-12)
    weight = torch.from_numpy(lesson.weight * (lesson.shares / mass)[lesson.y]).float()
    x, y = torch.from_numpy(lesson.x), torch.from_numpy(lesson.y)
    coef = torch.zeros(x.shape[1], lesson.n_classes, requires_grad=True)
    intercept = torch.zeros(lesson.n_classes, requires_grad=True)
    absent = torch.from_numpy(lesson.shares == 0)
    found = []
    for strength in strengths:  # each begins where the one before ended
        optimizer = torch.optim.LBFGS(
            [coef, intercept], max_iter=40, tolerance_grad=1e-3, tolerance_change=1e-5, line_search_fn="strong_wolfe"
        )

        def loss(strength: float = strength, optimizer: torch.optim.LBFGS = optimizer) -> Tensor:
            optimizer.zero_grad()
            losses = F.cross_entropy(x @ coef + intercept, y, reduction="none")
            value = (weight * losses).sum() + coef.square().sum() / (2 * strength)
            value.backward()
            return value

        with one_thread():
            optimizer.step(loss)
        ends = intercept.detach().masked_fill(absent, -torch.inf).numpy() + lesson.raised
        found.append(Linear(coef.detach().clone().numpy(), ends.astype(np.float32)))
    return found


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one core meanwhile: several spend more than twice the time of one on products as small as these."""
    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(cores)


@dataclass(frozen=True, eq=False)
class Normal:
    """Normal predictive distributions of classes beside a linear map.

    Attributes:
        linear: The linear map, a prior among its intercepts.
        axes: To coordinates in which the spread within classes is I, shape (p, p).
        means: Of the predictive distributions there, shape (k, p).
        variances: Of these, shape (k, p).
    """

    linear: Linear
    axes: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Return the log-densities, but for a constant, shape (n, k), of components (n, p)."""
        z, precise = x @ self.axes, 1 / self.variances
        square = np.square(z) @ precise.T - 2 * z @ (self.means * precise).T + (np.square(self.means) * precise).sum(1)
        return np.asarray(-(square + np.log(self.variances).sum(1)) / 2)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """As `Fitted.predict`."""
        logits = x @ self.linear.coef + self.linear.intercept + TRUST * self.log_density(x)
        return np.asarray(softmax(logits, axis=1).astype(np.float32))


def bayesian(lesson: Lesson, strengths: Sequence[float]) -> list[Normal]:
    """Logistic regression beside normal classes whose means are normal, too; a strength s, of 0 to 1, restrains both.

    Where the spread within classes, shrunk by s, is I, the mean of a class of n examples with mean m has the posterior

        N(c + nB (m - c) / (nB + 1), B / (nB + 1)),  B: variance of class means around c, by direction

    so that a class of few examples is drawn to the centre where classes hardly differ, and is wider. Its logits are
    those of `logistic` plus `TRUST` times the log-densities of the predictive distributions. Ioffe 2006, "Probabilistic
    linear discriminant analysis"; B from the sums of squares of a one-way analysis of variance.

    On features of MobileNetV2 of CIFAR-10, with 2 to 10 classes of 15 to 1,000 images, this was ahead of discriminant
    analysis with shrinkage everywhere; of ten classes it is ahead of logistic regression, of two behind it. To raise
    rare classes by `ADJUST` gained 0.1 to 1 points there, with either.
    """
    linear = logistic(lesson, [0.75 * (1 - s) / s for s in strengths])
    x, weight, n = lesson.x.astype(np.float64), lesson.weight[:, None], lesson.real[:, None]
    means = np.zeros((len(n), x.shape[1]))
    for k in np.unique(lesson.y):
        means[k] = np.average(x[lesson.y == k], 0, lesson.weight[lesson.y == k])
    off = x - means[lesson.y]
    values, vectors = np.linalg.eigh((off * weight).T @ off / weight.sum())
    found = []
    for s, beside in zip(strengths, linear, strict=True):
        white = vectors / np.sqrt((1 - s) * values.clip(0) + s * max(values.mean(), 1e-9))
        z = means @ white
        centre = lesson.real @ z / lesson.real.sum()
        between, turn = _between(z - centre, lesson.real)
        sure = n * between + 1
        expected = (1 - 1 / sure) * ((z - centre) @ turn) + centre @ turn
        arrays = (white @ turn, expected, 1 + between / sure)
        found.append(Normal(beside, *(array.astype(np.float32) for array in arrays)))
    return found


def _between(off: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the variances between classes, shape (p,), and their directions; the spread within classes is I."""
    free = max(1, np.count_nonzero(n) - 1)
    squares, turn = np.linalg.eigh((off * n[:, None]).T @ off)
    each = max((n.sum() - np.square(n).sum() / n.sum()) / free, 1e-9)  # images of a class, as far as its mean tells B
    found = ((squares / free - 1) / each).clip(0)
    return (1 - PULL) * found + PULL * found.mean(), turn


HEADS = (
    Head("trunk logistic", (0.1, 0.3, 1, 3, 10, 30), 3, logistic),
    Head("trunk Bayesian", (0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1), 0.5, bayesian),
)
