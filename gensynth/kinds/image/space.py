"""ImageSpace: where images are compared, fitted on real training images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np
from torch import Tensor

from gensynth.data.labeled import LabeledData
from gensynth.fidelity import metrics
from gensynth.fidelity.class_verdict import P_VALUE
from gensynth.fidelity.conformal import conformal_p
from gensynth.fidelity.set_scores import LIMITS, Featured, apart, set_scores
from gensynth.fidelity.space import Found, Seen, Space
from gensynth.fidelity.verdict import Score
from gensynth.kinds.image.features import copies
from gensynth.kinds.image.features.copies import NEAR_HELD_OUT, NEAR_SYNTHETIC, Copies, shifted
from gensynth.kinds.image.features.copy_space import CopySpace, pooled
from gensynth.kinds.image.features.embedding import Embedding
from gensynth.kinds.image.features.extractor import Moments, batches
from gensynth.kinds.image.features.perceptual_hash import perceptual_hashes
from gensynth.kinds.image.pixels import content_hash
from gensynth.sampler.synthetic import Synthetic

if TYPE_CHECKING:
    from gensynth.kinds.image.features.extractor import Extractor
    from gensynth.kinds.image.images import Images

OUTSIDE = 0.005
"""p-value up to which what lies off the leading components is too much. A rule for each image by itself: a few bad
images among many good ones would escape a rule that looks at them all."""
MOST_REFITTED = 5000
"""With more training images than this their features are not fitted again for each fold of the judge."""
MOST_ROWS = 1000
"""The metrics use at most this many images of a class of either kind, drawn with the seed."""


@final
@dataclass(frozen=True, eq=False)
class SeenImages(Seen):
    """What the space sees in n images.

    Attributes:
        twins: Perceptual hashes, uint64, shape (n,).
        flat: Share of values at 0 or at 255, whichever is more; 1 for a constant image. float64, shape (n,).
    """

    twins: np.ndarray
    flat: np.ndarray


@final
class ImageSpace(Space):
    """Components of an extractor's features; copies are looked for in pooled pixels and by perceptual hash.

    Args:
        train: Real training images, uint8, shape (n, c, h, w), n >= 2; if they are files, each is read twice.
        seed: Seed of the built-in extractor's random filters and of the images that are scored.
        extractor: What features are made of; by default the built-in one, which needs no download.

    Raises:
        ValueError: if there are not two different training images.
    """

    limits = LIMITS

    def __init__(self, train: LabeledData, seed: int = 0, extractor: Extractor | None = None) -> None:
        self.train, self.seed = train, seed
        pixels = Moments()
        self.embedding = Embedding.fit(train.x, seed, extractor, lambda batch: pixels.add(pooled(batch)))
        self.stamp, self.at = self.embedding.stamp, np.arange(len(train))
        self._places, small = CopySpace.fit(pixels), len(train) <= MOST_REFITTED
        self.saturated = np.nextafter(1, 0)  # constant ones alone, until the training images are read
        moved: list[np.ndarray] = []
        kept: list[np.ndarray] = []

        def also(batch: Tensor, raw: np.ndarray) -> None:
            moved.append(shifted(batch, self._places))
            kept.extend([raw] * small)

        self.real = self.see(train.x, also)
        self._raw = np.concatenate(kept) if small else None
        self.hashes, flat = self.real.hashes, self.real.flat
        self.saturated = max(0.99, float(flat[flat < 1].max(initial=0)))
        self.copies = Copies.fit(train, self.real.twins, np.concatenate(moved, axis=1))
        self.near_held_out, self.near_synthetic = (
            reach * np.array(self.copies.scale) for reach in (NEAR_HELD_OUT, NEAR_SYNTHETIC)
        )
        # The components were fitted to the training images, which look closer than new ones by 1 - leverage.
        outside = self._outside(self.real.wide)
        self._real_outside = np.sort(outside / (1 - outside / len(train)))
        self._between: dict[int, float | None] = {}

    def see(self, x: Images, also: Callable[[Tensor, np.ndarray], None] = lambda batch, raw: None) -> SeenImages:
        """As `Space.see`; files are read once, and `also` is called with every batch and the extractor's features."""
        parts = []
        for batch in batches(x):
            raw = self.embedding.raw(batch)
            also(batch, raw)
            hashes = np.array([content_hash(image) for image in batch.numpy()], dtype=object)
            wide, places = self.embedding.wide_of(raw), self._places(batch)
            parts.append((hashes, wide, places, perceptual_hashes(batch), _flat_share(batch)))
        hashes, wide, places, twins, flat = map(np.concatenate, zip(*parts, strict=True))
        faults = {"saturated": flat > self.saturated}
        return SeenImages(tuple(hashes), wide, self.embedding.narrow(wide), places, faults, twins, flat)

    def refitted(self, kept: np.ndarray) -> np.ndarray:
        """As `Space.refitted`; of many images each has hardly been seen."""
        return self.real.wide if self._raw is None else self.embedding.refitted(self._raw, kept)

    def found(
        self, seen: Seen, y: np.ndarray, parents: Sequence[tuple[str, ...]], distance: np.ndarray, closest: np.ndarray
    ) -> Found:
        """As `Space.found`; noise and clutter lie off all real images, in directions the leading components drop."""
        assert isinstance(seen, SeenImages)
        found = self.copies(seen.places, seen.twins, y, parents)
        # All classes share this rank, so it is sharp even where a class is small.
        outside = conformal_p(self._real_outside, self._outside(seen.wide))
        # With few training images the smallest p-value is larger: then what lies farther off than all of them goes.
        limit = max(OUTSIDE, 1 / (len(self._real_outside) + 1))
        return replace(
            found,
            flags={**found.flags, "atypical": outside <= limit},
            scores={"flat": seen.flat, **found.scores, "outside": outside},
        )

    def _outside(self, wide: np.ndarray) -> np.ndarray:
        """Squared length in the components that `narrow` leaves out, shape (n,)."""
        return (wide[:, len(self.embedding.spread) :] ** 2).sum(axis=1)

    def scores(self, label: int, at: np.ndarray, synthetic: Synthetic, seen: Seen, tests: int) -> Iterable[Score]:
        """As `Space.scores`: every metric."""
        members = np.flatnonzero(self.train.y == label)
        # Holm's smallest p-value must be able to fall below the level: 1 / (1 + B) < level / tests.
        permutations = max(1000, round(2 * tests / P_VALUE))
        rng = np.random.default_rng(self.seed)
        some, drawn = (of[rng.permutation(len(of))[:MOST_ROWS]] for of in (members, at))
        noun, further = self.train.noun, metrics.all_metrics("images")
        scores = set_scores(
            Featured(self.real.points[some], self.train.x[some], noun, further),
            Featured(seen.points[drawn], synthetic.x[drawn], noun),
            self.seed,
            permutations,
        )
        scores["kid"] = replace(scores["kid"], apart=self._apart(label))
        return scores.values()

    def _apart(self, label: int) -> float | None:
        """KID between a class and the nearest other one; None where there is none."""
        if label not in self._between:
            self._between[label] = apart(self.real.points, self.train.y, label)
        return self._between[label]

    def detectable(self, label: int, n: int, level: float) -> float | None:
        """As `Space.detectable`, of the test of KID."""
        real = self.real.points[self.train.y == label]
        return metrics.smallest_detectable_shift(real.std(axis=0), len(real), n, level, self.seed)

    def thresholds(self, labels: Sequence[int]) -> Mapping[str, float]:
        """As `Space.thresholds`."""
        return {
            "saturated": self.saturated,
            "near_duplicate": copies.NEAR,
            "near_duplicate_review": copies.DOUBTFUL,
            "near_parent": copies.NEAR_PARENT,
            "near_synthetic": copies.NEAR_SYNTHETIC,
            "hash_bits": float(self.copies.bits),
            "outside": OUTSIDE,
        }


def _flat_share(batch: Tensor) -> np.ndarray:
    """Share of values at 0 or at 255, whichever is more; 1 for a constant image. float64, shape (n,)."""
    v = batch.flatten(1).numpy()
    share = np.maximum((v == 0).mean(axis=1), (v == 255).mean(axis=1))
    return np.where(v.min(axis=1) == v.max(axis=1), 1.0, share)
