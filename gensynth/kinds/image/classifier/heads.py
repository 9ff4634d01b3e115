"""Heads: what is fitted to the features of a trunk. Both are linear; how far each is held back is chosen by its user.

They learn from principal components (`Basis`), which are few, so that an arm costs seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import softmax
from torch import Tensor

COMPONENTS = 256


@dataclass(frozen=True, eq=False)
class Basis:
    """The main components of features, each feature scaled to mean 0 and variance 1 first.

    On three classes of 30 and seven of 300 from CIFAR-10, MobileNetV2, 256 components were as good as its 1,280
    features (logistic regression 70.7 % against 70.1, discriminant analysis 69.6 against 69.3), in a tenth of the time.

    Attributes:
        mean: Shape (features,).
        axes: Shape (features, p).
    """

    mean: np.ndarray
    axes: np.ndarray

    @staticmethod
    def of(x: np.ndarray) -> Basis:
        """Return the components of features (n, features)."""
        mean, scale = x.mean(0, dtype=np.float64), x.std(0, dtype=np.float64)
        scale = np.where(scale > 1e-6, scale, np.inf)  # a feature that never varies tells nothing
        z = (x - mean) / scale
        vectors = np.linalg.eigh(z.T @ z / len(z))[1][:, -min(COMPONENTS, len(x)) :]
        return Basis(mean.astype(np.float32), (vectors / scale[:, None]).astype(np.float32))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the components, float32, shape (n, p), of features (n, features)."""
        return (x - self.mean) @ self.axes


@dataclass(frozen=True, eq=False)
class Lesson:
    """Rows that a head learns from.

    Attributes:
        x: Components, float32, shape (m, p).
        y: Labels, int64, shape (m,).
        weight: How much each row counts, shape (m,).
        balanced: Whether all classes count alike, however many rows they have.
        n_classes: Number of classes k; some may have no rows.
    """

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    balanced: bool
    n_classes: int

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


@dataclass(frozen=True)
class Head:
    """A way to fit a `Linear`.

    Attributes:
        name: Its name in the answer.
        strengths: What may be chosen, the strongest restraint first.
        usual: Which of these is taken where nothing can be chosen.
        fit: Returns what is learned from a lesson with each of some strengths.
    """

    name: str
    strengths: tuple[float, ...]
    usual: float
    fit: Callable[[Lesson, Sequence[float]], list[Linear]]


def logistic(lesson: Lesson, strengths: Sequence[float]) -> list[Linear]:
    """Logistic regression by L-BFGS; a strength is the weight of the mean loss beside half the squared coefficients."""
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
        ends = intercept.detach().masked_fill(absent, -torch.inf)
        found.append(Linear(coef.detach().clone().numpy(), ends.numpy()))
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


def discriminant(lesson: Lesson, strengths: Sequence[float]) -> list[Linear]:
    """Linear discriminant analysis with shrinkage: the covariance within classes is that of all classes together.

        S' = (1 - s) S + s tr(S) / p I

    Friedman 1989, "Regularized discriminant analysis". A rare class has its own mean alone and borrows the spread of
    the common ones, which count as often as they occur, even where all classes are to be predicted alike.
    """
    x, y, weight = lesson.x.astype(np.float64), lesson.y, lesson.weight
    mass, means = np.bincount(y, weight, lesson.n_classes), np.zeros((lesson.n_classes, x.shape[1]))
    for k in np.flatnonzero(mass):
        means[k] = weight[y == k] @ x[y == k] / mass[k]
    off = x - means[y]
    values, vectors = np.linalg.eigh((off * weight[:, None]).T @ off / mass.sum())
    with np.errstate(divide="ignore"):
        prior = np.log(lesson.shares)
    found = []
    for s in strengths:
        spread = (1 - s) * values.clip(0) + s * max(values.mean(), 1e-9)
        coef = (vectors / spread) @ (vectors.T @ means.T)
        found.append(Linear(coef, prior - (means * coef.T).sum(1) / 2))
    return found


HEADS = (
    Head("trunk logistic", (0.3, 1, 3, 10, 30, 100), 3, logistic),
    Head("trunk discriminant", (0.9, 0.7, 0.5, 0.3, 0.2, 0.1), 0.5, discriminant),
)
