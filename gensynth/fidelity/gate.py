"""Gate: accepts or rejects one image at a time, with thresholds calibrated on real training images only."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from scipy.spatial.distance import cdist
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import Tensor

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.features import BATCH, CopySpace, Embedding, batches
from gensynth.fidelity.metrics import leave_one_out_nearest, nearest, typical_distance
from gensynth.fidelity.verdict import REASONS, SampleVerdicts

if TYPE_CHECKING:
    from gensynth.data.images import ImageFiles

NEAR = 0.36
"""A ratio below this is a near copy; it took 1 of 3,560 fresh real images (digits, MNIST)."""
NEAR_SYNTHETIC = 0.1
"""The same between two synthetic images; smaller, for dense sampling is no fault."""
BLEND = 0.1
"""An image on the line between two real ones, at least this share away from both, is no copy."""
LEVEL = 0.03
"""Share of real images that `label` and `atypical` may cost each; 0.05 cost 4 to 8 % in all, this 2 to 8."""
SMALL = 50
"""Classes with fewer real images share one calibration."""
FOLDS, NEIGHBORS = 5, 3
JUDGE_C = 3.0  # inverse strength of the penalty for features of unit norm; 1 to 10 differ by under a point


@final
@dataclass(frozen=True, eq=False)
class Judge:
    """Class-balanced multinomial logistic regression on the wide features.

    Attributes:
        n_classes: Number of classes, also those without images.
        model: The fitted model, or None where images of only one class were given.
        out_of_fold: Probabilities of the images it was fitted on, each from a model that did not see it,
            float64, shape (n, n_classes).
    """

    n_classes: int
    model: LogisticRegression | None
    out_of_fold: np.ndarray

    @staticmethod
    def fit(wide: np.ndarray, y: np.ndarray, n_classes: int, seed: int) -> Judge:
        """Fit on features (n, p) and labels (n,); folds are stratified and drawn with `seed`."""
        rng = np.random.default_rng(seed)
        fold = np.empty(len(y), dtype=np.int64)
        for label in range(n_classes):
            at = rng.permutation(np.flatnonzero(y == label))
            fold[at] = (np.arange(len(at)) + label) % FOLDS
        out_of_fold = np.empty((len(y), n_classes))
        for f in range(FOLDS):
            model = _logistic(wide[fold != f], y[fold != f])
            out_of_fold[fold == f] = _probabilities(model, wide[fold == f], n_classes)
        return Judge(n_classes, _logistic(wide, y), out_of_fold)

    def __call__(self, wide: np.ndarray) -> np.ndarray:
        """Return probabilities, float64, shape (n, n_classes)."""
        return _probabilities(self.model, wide, self.n_classes)


def _logistic(wide: np.ndarray, y: np.ndarray) -> LogisticRegression | None:
    if len(np.unique(y)) < 2:
        return None
    model = LogisticRegression(C=JUDGE_C / wide.shape[1], class_weight="balanced", max_iter=200, tol=1e-3)
    # Matrices this small lose far more to the start of BLAS threads than they gain from them.
    with warnings.catch_warnings(), threadpool_limits(1, "blas"):
        warnings.simplefilter("ignore", ConvergenceWarning)  # far past the point where decisions change
        return model.fit(wide, y)


def _probabilities(model: LogisticRegression | None, wide: np.ndarray, n_classes: int) -> np.ndarray:
    if model is None or not len(wide):
        return np.ones((len(wide), n_classes))
    out = np.zeros((len(wide), n_classes))
    out[:, model.classes_] = model.predict_proba(wide)
    return out


@final
@dataclass(frozen=True, eq=False)
class Measures:
    """What the gate measures about each of n images, whatever else was drawn.

    Attributes:
        features: Embedding, float64, shape (n, d).
        copy_space: Coordinates in `CopySpace`, float64, shape (n, p).
        agrees: Whether the judge's first choice is the wanted label, bool, shape (n,).
        flags: By reason code, bool, shape (n,): whether that filter alone would reject it.
        scores: As in `SampleVerdicts`.
        nearest: As in `SampleVerdicts`.
    """

    features: np.ndarray
    copy_space: np.ndarray
    agrees: np.ndarray
    flags: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    nearest: tuple[str, ...]


@final
class Gate:
    """The filters of `REASONS`, fitted on real training images.

    Args:
        train: Real training images; the only ones that thresholds are calibrated on.
        held_out: Validation and test parts, whose images no sample may equal; nothing is fitted on them.
        seed: Seed of the random filters and of the judge's folds.

    Raises:
        ValueError: if there are not two different training images.
    """

    def __init__(self, train: LabeledData, held_out: Sequence[LabeledData] = (), seed: int = 0) -> None:
        self.train = train
        self.held_out_hashes = frozenset(h for part in held_out for h in pixel_hashes(part.x))
        self.embedding = Embedding.fit(train.x, seed)
        self.copy_space = CopySpace.fit(train.x)
        wide = self.embedding.wide(train.x)
        features, copies = self.embedding.narrow(wide), self.copy_space(train.x)
        self.hashes = frozenset(pixel_hashes(train.x))
        self.judge = Judge.fit(wide, train.y, len(train.classes), seed)
        flat = _flat_share(train.x)
        self.saturated = max(0.99, float(flat[flat < 1].max(initial=0)))

        # The components were fitted to the training images, which look closer than new ones by 1 - leverage.
        outside = self._outside(wide)
        self.real_outside = np.sort(outside / (1 - outside / len(wide)))
        self.members = [np.flatnonzero(train.y == c) for c in range(len(train.classes))]
        self.real = [features[at] for at in self.members]
        self.real_copies = [copies[at] for at in self.members]
        self.copy_scale = [typical_distance(x) for x in self.real_copies]
        p_true = self.judge.out_of_fold[np.arange(len(train)), train.y]
        spread = [_spread(x) for x in self.real]
        self.spread_scale = [float(np.median(s)) if len(s) else 1.0 for s in spread]
        small = [c for c, at in enumerate(self.members) if 0 < len(at) < SMALL]
        pooled_p = np.concatenate([p_true[self.members[c]] for c in small]) if small else np.zeros(0)
        pooled_spread = np.concatenate([spread[c] / self.spread_scale[c] for c in small]) if small else np.zeros(0)
        self.label_threshold, self.real_spread = [], []
        for c, at in enumerate(self.members):
            alone = len(at) >= SMALL
            p = p_true[at] if alone else pooled_p
            self.label_threshold.append(float(np.quantile(p, LEVEL)) if len(p) else 0.0)
            self.real_spread.append(np.sort(spread[c] / self.spread_scale[c] if alone else pooled_spread))

    def _outside(self, wide: np.ndarray) -> np.ndarray:
        """Squared length in the components that `narrow` leaves out, shape (n,)."""
        return (wide[:, len(self.embedding.spread) :] ** 2).sum(axis=1)

    def measure(self, x: Tensor | ImageFiles, y: np.ndarray) -> Measures:
        """Measure images against the real ones of the label they claim.

        Args:
            x: uint8, shape (n, c, h, w).
            y: Labels in the training data's order, int64, shape (n,), each with real images.
        """
        wide = self.embedding.wide(x)
        features, copies, p = self.embedding.narrow(wide), self.copy_space(x), self.judge(wide)
        n = len(y)
        ratio, typicality, closest = np.ones(n), np.ones(n), np.zeros(n, dtype=np.int64)
        near = np.zeros(n, dtype=bool)
        for c in np.unique(y):
            at, real = np.flatnonzero(y == c), self.real_copies[c]
            d, i = nearest(copies[at], real)
            ratio[at], closest[at] = d[:, 0] / self.copy_scale[c], self.members[c][i[:, 0]]
            for j in np.flatnonzero(ratio[at] < NEAR):
                near[at[j]] = not _is_blend(copies[at[j]], real[i[j, 0]], real)
            k = max(1, min(NEIGHBORS, len(self.real[c]) - 1))
            s = nearest(features[at], self.real[c], k)[0].mean(axis=1) / self.spread_scale[c]
            pool = self.real_spread[c]
            typicality[at] = _rank(pool, s)
        # Noise and clutter lie off all real images, in directions the leading components drop. All classes
        # share this rank, so it is sharp even where a class is small. A third of the level goes to it.
        typicality = np.minimum(typicality, 3 * _rank(self.real_outside, self._outside(wide)))
        p_wanted = p[np.arange(n), y]
        agrees = p_wanted >= p.max(axis=1, initial=0)
        flags = {
            "invalid": _flat_share(x) > self.saturated,
            "dup_exact": np.array([h in self.hashes for h in pixel_hashes(x)], dtype=bool),
            "dup_near": near,
            "label": ~agrees & (p_wanted < np.array(self.label_threshold)[y]),
            "atypical": typicality <= LEVEL,
        }
        scores = {"near_duplicate": ratio, "label": p_wanted, "typicality": typicality}
        return Measures(features, copies, agrees, flags, scores, tuple(self.train.ids[i] for i in closest))

    def screen(
        self, x: Tensor | ImageFiles, y: np.ndarray, earlier: tuple[Tensor, np.ndarray] | None = None
    ) -> tuple[SampleVerdicts, Measures, int]:
        """Screen images in order; a copy of an earlier accepted one is rejected.

        Args:
            x: uint8, shape (n, c, h, w).
            y: Labels in the training data's order, int64, shape (n,), each with real images.
            earlier: Images and labels that were accepted before, if any.

        Returns:
            The verdicts, what they rest on, and the number of samples equal to a held-out image.
        """
        m, hashes = self.measure(x, y), pixel_hashes(x)
        held_out = np.array([h in self.held_out_hashes for h in hashes], dtype=bool)
        flags = {**m.flags, "dup_exact": m.flags["dup_exact"] | held_out}
        earlier_x, earlier_y = (
            earlier if earlier is not None else (torch.zeros(0, *x.shape[1:], dtype=torch.uint8), y[:0])
        )
        seen, again = set(pixel_hashes(earlier_x)), np.zeros(len(y), dtype=bool)
        for i in np.flatnonzero(~np.any(list(flags.values()), axis=0)):
            again[i] = hashes[i] in seen
            seen.add(hashes[i])
        flags["dup_exact"] = flags["dup_exact"] | again
        earlier_copies = self.copy_space(earlier_x)
        for c in np.unique(y):
            at = np.flatnonzero((y == c) & ~np.any(list(flags.values()), axis=0))
            reach = NEAR_SYNTHETIC * self.copy_scale[c]
            near = _near_earlier(m.copy_space[at], earlier_copies[earlier_y == c], reach)
            flags["dup_near"] = flags["dup_near"] | np.isin(np.arange(len(y)), at[near])
        reason = tuple(next((r for r in REASONS if flags[r][i]), "") for i in range(len(y)))
        accepted = np.array([r == "" for r in reason], dtype=bool)
        return SampleVerdicts(accepted, reason, m.scores, m.nearest), m, int(held_out.sum())


def pixel_hashes(x: Tensor | ImageFiles) -> list[str]:
    """Return one SHA-256 over the pixels of each image; equal pixels, equal hash."""
    return [hashlib.sha256(image.tobytes()).hexdigest() for b in batches(x) for image in b.numpy()]


def _near_earlier(points: np.ndarray, earlier: np.ndarray, reach: float) -> np.ndarray:
    """Whether each point lies within `reach` of an earlier one that was kept; greedy, bool, shape (n,)."""
    near = np.zeros(len(points), dtype=bool)
    for start in range(0, len(points), BATCH):
        block = points[start : start + BATCH]
        dropped = (cdist(block, earlier) < reach).any(axis=1)
        close = cdist(block, block) < reach
        for i in range(len(block)):
            dropped[i] |= (close[i, :i] & ~dropped[:i]).any()
        near[start : start + BATCH] = dropped
        earlier = np.concatenate([earlier, block[~dropped]])
    return near


def _flat_share(x: Tensor | ImageFiles) -> np.ndarray:
    """Share of values at 0 or at 255, whichever is more; 1 for a constant image. float64, shape (n,)."""
    shares = [np.zeros(0)]
    for batch in batches(x):
        v = batch.flatten(1).numpy()
        share = np.maximum((v == 0).mean(axis=1), (v == 255).mean(axis=1))
        shares.append(np.where(v.min(axis=1) == v.max(axis=1), 1.0, share))
    return np.concatenate(shares)


def _spread(real: np.ndarray) -> np.ndarray:
    """Mean distance of each real row to its nearest others, shape (n,); empty below 2 rows."""
    if len(real) < 2:
        return np.zeros(0)
    return leave_one_out_nearest(real, min(NEIGHBORS, len(real) - 1))[0].mean(axis=1)


def _rank(real: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Conformal p-value (1 + #{real >= value}) / (n + 1) of each value; `real` is sorted, shape (n,)."""
    return (1 + len(real) - np.searchsorted(real, values)) / (len(real) + 1)


def _is_blend(point: np.ndarray, closest: np.ndarray, real: np.ndarray) -> bool:
    """Whether `point` lies between `closest` and another real row, at least BLEND away from both.

    Noise on a copy points anywhere, so it hardly ever points to another real image: cos^2 > 3/4 with one of
    1,000 random directions has a chance of about 1e-4 in 24 dimensions.
    """
    step, lines = point - closest, real - closest
    along, length2 = lines @ step, (lines**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share, cos2 = along / length2, along**2 / (length2 * (step @ step))
    return bool(((share >= BLEND) & (share <= 1 - BLEND) & (cos2 > 0.75)).any())
