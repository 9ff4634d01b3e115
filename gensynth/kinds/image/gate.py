"""Gate: accepts or rejects one image at a time, with thresholds calibrated on real training images only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from torch import Tensor

from gensynth.data.labeled import LabeledData
from gensynth.fidelity.conformal import DOUBT, NEIGHBORS, SMALL, conformal_p, cutoff
from gensynth.fidelity.judge import Judge
from gensynth.fidelity.metrics import leave_one_out_nearest, nearest
from gensynth.fidelity.verdict import REASONS, SampleVerdicts
from gensynth.kinds.image.features.copies import NEAR_HELD_OUT, NEAR_SYNTHETIC, Copies, near_earlier, shifted
from gensynth.kinds.image.features.copy_space import CopySpace, pooled
from gensynth.kinds.image.features.embedding import Embedding, batches
from gensynth.kinds.image.features.extractor import Moments
from gensynth.kinds.image.features.perceptual_hash import perceptual_hashes

if TYPE_CHECKING:
    from gensynth.kinds.image.features.extractor import Extractor
    from gensynth.kinds.image.images import Images

LABEL = 0.03
"""An image that looks like another class is rejected below this quantile of real images' out-of-fold probabilities. At
0.05 the gate took up to 7 % of genuine images (digits, MNIST, 20 to 50 references), and caught hardly more."""
OUTSIDE = 0.005
"""p-value up to which what lies off the leading components is too much. A rule for each image by itself: a few bad
images among many good ones would escape a rule that looks at them all."""
MOST_REFITTED = 5000
"""With more training images than this their features are not fitted again for each fold of the judge."""


@final
@dataclass(frozen=True, eq=False)
class Measures:
    """What the gate measures about each of n images.

    Attributes:
        hashes: `pixel_hashes`, length n.
        features: Embedding, float64, shape (n, d).
        points: Where copies are looked for, float64, shape (n, p).
        agrees: Whether the judge's first choice is the wanted label, bool, shape (n,).
        flags: By reason code, bool, shape (n,): whether that filter alone would reject it.
        doubts: By reason code, bool, shape (n,): whether that filter asks a person to look.
        scores: As in `SampleVerdicts`.
        nearest: As in `SampleVerdicts`.
    """

    hashes: list[str]
    features: np.ndarray
    points: np.ndarray
    agrees: np.ndarray
    flags: dict[str, np.ndarray]
    doubts: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    nearest: tuple[str, ...]


@final
@dataclass(frozen=True, eq=False)
class Screened:
    """The gate's answer for n images.

    Attributes:
        samples: The verdicts.
        measures: What they rest on, before copies of one another are looked for.
        copies: Which are undeclared copies: of real images other than their parents, or, where they have no
            parents, of one another. bool, shape (n,).
        cutoffs: By label, the p-value up to which images were called atypical.
        contamination: Number of images (all but) equal to a held-out one, or made from one.
    """

    samples: SampleVerdicts
    measures: Measures
    copies: np.ndarray
    cutoffs: dict[int, float]
    contamination: int


@final
class Gate:
    """The filters of `REASONS`, fitted on real training images.

    Args:
        train: Real training images; the only ones that thresholds are calibrated on.
        held_out: Validation and test parts, whose images no sample may equal; nothing is fitted on them.
        seed: Seed of the random filters and of the judge's folds.
        extractor: What features are made of; by default the built-in one.

    Raises:
        ValueError: if there are not two different training images.
    """

    def __init__(
        self,
        train: LabeledData,
        held_out: Sequence[LabeledData] = (),
        seed: int = 0,
        extractor: Extractor | None = None,
    ) -> None:
        self.train = train
        # Images may be files: the training images are read twice, held-out ones once.
        pixels = Moments()
        self.embedding = Embedding.fit(train.x, seed, extractor, lambda batch: pixels.add(pooled(batch)))
        space, small = CopySpace.fit(pixels), len(train) <= MOST_REFITTED
        raw, wide, hashes, flat, twins, moved = self._read_training(space, small)
        features = self.embedding.narrow(wide)
        self.hashes = frozenset(hashes)
        refitted = partial(self.embedding.refitted, raw) if small else None
        self.judge = Judge.fit(wide, train.y, len(train.classes), seed, refitted)
        self.saturated = max(0.99, float(flat[flat < 1].max(initial=0)))
        self.members = [np.flatnonzero(train.y == c) for c in range(len(train.classes))]
        self.copies = Copies.fit(train, space, twins, moved)
        self.held_out_ids = frozenset(name for part in held_out for name in part.ids) - frozenset(train.ids)
        read = [[(pixel_hashes(b), space(b)) for b in batches(part.x)] for part in held_out if len(part)]
        self.held_out_hashes = frozenset(h for parts in read for found, _ in parts for h in found)
        labels = [part.y for part in held_out if len(part)]
        self.held_out = [(np.concatenate([p for _, p in parts]), y) for parts, y in zip(read, labels, strict=True)]

        # The components were fitted to the training images, which look closer than new ones by 1 - leverage.
        outside = self._outside(wide)
        self.real_outside = np.sort(outside / (1 - outside / len(wide)))
        self.real = [features[at] for at in self.members]
        p_true = self.judge.out_of_fold[np.arange(len(train)), train.y]
        spread = [_spread(x) for x in self.real]
        self.spread_scale = [float(np.median(s)) or 1.0 if len(s) else 1.0 for s in spread]
        few = [c for c, at in enumerate(self.members) if 0 < len(at) < SMALL]
        pooled_p = np.concatenate([p_true[self.members[c]] for c in few]) if few else np.zeros(0)
        pooled_spread = np.concatenate([spread[c] / self.spread_scale[c] for c in few]) if few else np.zeros(0)
        self.label_threshold, self.real_spread = [], []
        for c, at in enumerate(self.members):
            alone = len(at) >= SMALL
            p = p_true[at] if alone else pooled_p
            self.label_threshold.append(float(np.quantile(p, LABEL)) if len(p) else 0.0)
            self.real_spread.append(np.sort(spread[c] / self.spread_scale[c] if alone else pooled_spread))

    def _read_training(self, space: CopySpace, keep_raw: bool) -> tuple[np.ndarray, ...]:
        """Read the training images once; return all that is measured on pixels.

        That is raw features (none unless kept), wide ones, pixel hashes, flat shares, perceptual hashes and
        coordinates as `shifted` returns them.
        """
        parts = []
        for batch in batches(self.train.x):
            raw = self.embedding.extractor(batch)
            wide, twins = self.embedding.wide_of(raw), perceptual_hashes(batch)
            kept = raw if keep_raw else raw[:0]
            parts.append((kept, wide, pixel_hashes(batch), _flat_share(batch), twins, shifted(batch, space)))
        *by_row, moved = zip(*parts, strict=True)
        return (*map(np.concatenate, by_row), np.concatenate(moved, axis=1))

    def _outside(self, wide: np.ndarray) -> np.ndarray:
        """Squared length in the components that `narrow` leaves out, shape (n,)."""
        return (wide[:, len(self.embedding.spread) :] ** 2).sum(axis=1)

    def measure(self, x: Tensor | Images, y: np.ndarray, parents: Sequence[tuple[str, ...]] | None = None) -> Measures:
        """Measure images against the real ones of the label they claim.

        Args:
            x: uint8, shape (n, c, h, w).
            y: Labels in the training data's order, int64, shape (n,), each with real images.
            parents: Ids of the real images each was made from, length n; by default none.
        """
        n = len(y)
        parts = [
            (self.embedding.wide(b), pixel_hashes(b), _flat_share(b), self.copies.space(b), perceptual_hashes(b))
            for b in (batches(x) if n else [x[:0]])
        ]
        wide, hashes, flat, points, twins = map(np.concatenate, zip(*parts, strict=True))
        features, p = self.embedding.narrow(wide), self.judge(wide)
        inside = np.ones(n)
        for c in np.unique(y):
            at = np.flatnonzero(y == c)
            k = max(1, min(NEIGHBORS, len(self.real[c]) - 1))
            distance = nearest(features[at], self.real[c], k)[0].mean(axis=1) / self.spread_scale[c]
            inside[at] = conformal_p(self.real_spread[c], distance)
        # Noise and clutter lie off all real images, in directions the leading components drop. All classes
        # share this rank, so it is sharp even where a class is small.
        outside = conformal_p(self.real_outside, self._outside(wide))
        p_wanted, copied = p[np.arange(n), y], self.copies(points, twins, y, parents or ((),) * n)
        agrees = p_wanted >= p.max(axis=1, initial=0)
        unsure = p_wanted < np.array(self.label_threshold)[y]
        flags = {
            "invalid": flat > self.saturated,
            "dup_exact": np.array([h in self.hashes for h in hashes], dtype=bool),
            "dup_near": copied.near,
            "dup_parent": copied.of_parent,
            "label": ~agrees & unsure,
        }
        few = np.array([len(self.real[c]) < SMALL for c in y], dtype=bool)
        doubts = {"dup_near": copied.doubtful, "label": ~agrees | unsure, "atypical": few & (inside <= DOUBT)}
        scores = {"flat": flat, **copied.scores, "label": p_wanted, "typicality": inside, "outside": outside}
        closest = tuple(self.train.ids[i] for i in copied.nearest)
        return Measures(hashes.tolist(), features, points, agrees, flags, doubts, scores, closest)

    def screen(
        self,
        x: Tensor | Images,
        y: np.ndarray,
        parents: Sequence[tuple[str, ...]] | None = None,
        earlier: tuple[Tensor, np.ndarray] | None = None,
    ) -> Screened:
        """Screen images in order; a copy of an earlier accepted one is rejected.

        Args:
            x: uint8, shape (n, c, h, w).
            y: Labels in the training data's order, int64, shape (n,), each with real images.
            parents: Ids of the real images each was made from, length n; by default none.
            earlier: Images and labels that were accepted before, if any.
        """
        m = self.measure(x, y, parents)
        hashes = m.hashes
        cutoffs = {int(c): cutoff(m.scores["typicality"][y == c], len(self.real[c])) for c in np.unique(y)}
        earlier_x, earlier_y = (
            earlier if earlier is not None else (torch.zeros(0, *x.shape[1:], dtype=torch.uint8), y[:0])
        )
        points, before = m.points, self.copies.space(earlier_x)
        equal = np.array([h in self.held_out_hashes for h in hashes], dtype=bool)
        nearly = np.zeros(len(y), dtype=bool)
        for real, label in self.held_out:
            for c in np.intersect1d(y, label):
                near = nearest(points[y == c], real[label == c])[0][:, 0] < NEAR_HELD_OUT * self.copies.scale[c]
                nearly[y == c] |= near
        leaked = np.array([not self.held_out_ids.isdisjoint(p) for p in parents or ((),) * len(y)], dtype=bool)
        flags = m.flags | {
            "dup_exact": m.flags["dup_exact"] | equal,
            "held_out_parent": leaked,
            "dup_near": m.flags["dup_near"] | nearly,
            "atypical": self.atypical(m, y, cutoffs),
        }
        copies = flags["dup_exact"] | flags["dup_near"]
        orphan = np.array([not p for p in parents], dtype=bool) if parents is not None else np.ones(len(y), dtype=bool)
        seen, again = set(pixel_hashes(earlier_x)), np.zeros(len(y), dtype=bool)
        for i in np.flatnonzero(~np.any(list(flags.values()), axis=0)):
            again[i] = hashes[i] in seen
            seen.add(hashes[i])
        flags["dup_exact"] = flags["dup_exact"] | again
        for c in np.unique(y):
            at = np.flatnonzero((y == c) & ~np.any(list(flags.values()), axis=0))
            close = near_earlier(points[at], before[earlier_y == c], NEAR_SYNTHETIC * self.copies.scale[c])
            flags["dup_near"] = flags["dup_near"] | np.isin(np.arange(len(y)), at[close])
            again[at[close]] = True
        reason = tuple(next((r for r in REASONS if r in flags and flags[r][i]), "") for i in range(len(y)))
        accepted = np.array([r == "" for r in reason], dtype=bool)
        review = tuple(next((r for r, d in m.doubts.items() if d[i] and accepted[i]), "") for i in range(len(y)))
        samples = SampleVerdicts(accepted, reason, m.scores, m.nearest, review)
        return Screened(samples, m, copies | (again & orphan), cutoffs, int((equal | nearly | leaked).sum()))

    def atypical(self, m: Measures, y: np.ndarray, cutoffs: dict[int, float]) -> np.ndarray:
        """Return which images are atypical at these cutoffs by label, bool, shape (n,)."""
        inside, outside = m.scores["typicality"], m.scores["outside"]
        # With few training images the smallest p-value is larger: then what lies farther off than all of them goes.
        limit = max(OUTSIDE, 1 / (len(self.real_outside) + 1))
        return (inside <= np.array([cutoffs.get(int(c), 0.0) for c in y])) | (outside <= limit)


def pixel_hashes(x: Tensor | Images) -> list[str]:
    """Return one SHA-256 over the pixels of each image; equal pixels, equal hash."""
    return [hashlib.sha256(image.tobytes()).hexdigest() for b in batches(x) for image in b.numpy()]


def _flat_share(x: Tensor | Images) -> np.ndarray:
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
