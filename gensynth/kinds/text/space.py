"""DocumentSpace: where documents are compared, fitted on real training documents."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, final

import numpy as np

from gensynth.data.labeled import LabeledData
from gensynth.fidelity import metrics, set_scores
from gensynth.fidelity.class_verdict import FEWEST, P_VALUE, Limit
from gensynth.fidelity.conformal import conformal_p
from gensynth.fidelity.set_scores import Featured
from gensynth.fidelity.space import Found, Seen, Space
from gensynth.fidelity.verdict import Score
from gensynth.kinds.text.codes import codes
from gensynth.kinds.text.documents import Documents
from gensynth.kinds.text.features import Embedding, Features, scaled
from gensynth.kinds.text.order import Order
from gensynth.kinds.text.runs import Runs
from gensynth.kinds.text.shingles import SAME, Index, Sketch, overlap, reach
from gensynth.kinds.text.variety import METRICS
from gensynth.sampler.synthetic import Synthetic

NARROW = 64
"""Directions in which likeness is measured, at most, and no more than a fourth of the training documents."""
MOST_ROWS = 1000
"""The metrics use at most this many documents of a class of either kind, drawn with the seed."""
NEAR_LEVEL, NEAREST = 0.01, 0.9
"""Share of real documents that may overlap more than a near copy does, and the overlap that is one in any case."""
RUN, HALF, DOUBTFUL = 8, 0.5, 0.5
"""A run of this many words that stands in a real document, longer than real ones share, is for a person to look at, and
makes a near copy of a document of which it is half; a person should look, too, where it overlaps with a real one by
half."""
DISORDER = 0.005
"""p-value, among all real documents, up to which the words of one are in too little order."""
TWICE, FOREIGN, LETTERS = 2, 0.5, 0.01
"""A document that is longer than twice the longest real one, or more than half of whose letters are of scripts that
less than a hundredth of the real letters are of, cannot be one of these."""


@final
@dataclass(frozen=True, eq=False)
class SeenDocuments(Seen):
    """What the space sees in n documents.

    Attributes:
        sketches: What documents are compared by, length n.
        codes: Their words as numbers, length n.
        order: As `Order` answers, float64, shape (n,).
    """

    sketches: Sequence[Sketch]
    codes: Sequence[np.ndarray]
    order: np.ndarray


@final
class DocumentSpace(Space):
    """Directions of features; copies are looked for by shingles and by runs of words.

    Args:
        train: Real training documents.
        seed: Seed of the directions and of the documents that are scored.
        features: What directions are found in; by default hashed TF-IDF, which needs no download.

    Raises:
        ValueError: if there are not two different training documents.
    """

    limits: ClassVar[Mapping[str, Limit]] = set_scores.LIMITS | {
        "distinct": Limit(
            "The samples repeat their phrases: {value:.0%} of their pairs of words are different, of real "
            "{noun}s' {yardstick:.0%}.",
            fails=0.4,
            warns=0.15,
        ),
        "self_overlap": Limit(
            "The samples repeat each other: {value:.0%} of their runs of four words occur in another one, of real "
            "{noun}s' {yardstick:.0%}.",
            fails=0.5,
            warns=0.2,
        ),
        "word_order": Limit(
            "The words of the samples stand less in the order of real {noun}s: {value:.0%} more neighbours in it than "
            "in the reverse one, of real {noun}s {yardstick:.0%}.",
            fails=0.6,
            asks=0.4,
            warns=0.2,
            relative=True,
        ),
    }

    def __init__(self, train: LabeledData, seed: int = 0, features: Features | None = None) -> None:
        texts = list(train.x.texts)
        self.train, self.seed, self.at = train, seed, np.arange(len(train))
        self.embedding = Embedding.fit(texts, seed, features)
        self.stamp = {"name": "text", **self.embedding.stamp}
        self._usual = Usual(texts)
        documents = [codes(text) for text in texts]
        self._runs, self._order = Runs(documents), Order(documents)
        self._real_order = np.sort(-self._order.real[np.isfinite(self._order.real)])
        self.real: SeenDocuments = self.see(train.x)
        self.hashes, self._index = self.real.hashes, Index(self.real.sketches)
        (self.near, self.usual), self.run = self._near(), self._run()
        # A held-out document is not looked for beyond exact copies: real ones may lie as near to each other.
        self.near_held_out, self.near_synthetic = np.zeros(len(train.classes)), np.array([*map(reach, self.near)])

    def see(self, x: Documents) -> SeenDocuments:
        """As `Space.see`."""
        texts = list(x.texts)
        wide = self.embedding(texts)
        narrow = wide[:, : max(2, min(NARROW, len(self.train) // 4))]
        sketches = [Sketch.of(text) for text in texts]
        documents = [codes(text) for text in texts]
        places, order = np.stack([sketch.bits for sketch in sketches]), np.array([*map(self._order, documents)])
        return SeenDocuments(
            x.hashes(), scaled(wide), narrow, places, self._usual.faults(texts), sketches, documents, order
        )

    def _near(self) -> tuple[np.ndarray, np.ndarray]:
        """Return by label the overlap from which on a document is a near copy, and the usual distance of the nearest.

        The distance of two documents is 1 less their overlap, the usual one its median, float64, shape (classes,) each.
        """
        nearest = np.array([self._best(sketch, {i})[1] for i, sketch in enumerate(self.real.sketches)])
        of_class = [nearest[self.train.y == c] for c in range(len(self.train.classes))]
        near = [np.clip(np.quantile(m, 1 - NEAR_LEVEL), SAME, NEAREST) if len(m) else SAME for m in of_class]
        usual = [max(1 - float(np.median(m)), 1 - NEAREST) if len(m) else 1.0 for m in of_class]
        return np.array(near), np.array(usual)

    def _run(self) -> np.ndarray:
        """Return by label how many words in a row nearly all real documents share at most, shape (classes,)."""
        longest = np.array([self._runs.longest(document, {i}) for i, document in enumerate(self.real.codes)])
        mine = (longest[self.train.y == c] for c in range(len(self.train.classes)))
        return np.array([np.quantile(m, 1 - NEAR_LEVEL) if len(m) else 0.0 for m in mine])

    def _best(self, document: Sketch, own: set[int]) -> tuple[int, float]:
        """Return the real document that a document overlaps most with, and how much; -1 and 0 for none.

        Args:
            document: The document.
            own: Positions that do not count.
        """
        near = {i: share for i, share in self._index.near(document).items() if i not in own}
        best = max(near, key=lambda i: near[i], default=-1)
        return best, near.get(best, 0.0)

    def found(
        self, seen: Seen, y: np.ndarray, parents: Sequence[tuple[str, ...]], distance: np.ndarray, closest: np.ndarray
    ) -> Found:
        """As `Space.found`; a run of words that stands in a parent is not copied."""
        assert isinstance(seen, SeenDocuments)
        place = {name: i for i, name in enumerate(self.train.ids)}
        n, nearest = len(y), closest.copy()
        share, run, of_parent = np.zeros(n), np.zeros(n), np.full(n, np.nan)
        length = np.array([*map(len, seen.codes)])
        for i, mine in enumerate(seen.sketches):
            own = {place[name] for name in parents[i] if name in place}
            best, share[i] = self._best(mine, own)
            nearest[i] = best if best >= 0 else closest[i]
            run[i] = self._runs.longest(seen.codes[i], own)
            if own:
                of_parent[i] = max(overlap(mine.found, self.real.sketches[at].found) for at in own)
        order = seen.order
        # With few real documents the smallest p-value is larger: then what is worse than all of them goes.
        limit = max(DISORDER, 1 / (len(self._real_order) + 1))
        p = np.where(np.isfinite(order), conformal_p(self._real_order, -np.nan_to_num(order)), 1.0)
        unusual = (run >= RUN) & (run > self.run[y])
        copied = unusual & (run >= HALF * length)
        flags = {
            "atypical": p <= limit,
            "dup_near": (share >= self.near[y]) | copied,
            "dup_parent": np.nan_to_num(of_parent) >= NEAREST,
        }
        distances = {"near_duplicate": (1 - share) / self.usual[y], "parent_distance": (1 - of_parent) / self.usual[y]}
        scores = {**distances, "copied_run": run, "order": order}
        return Found(flags, {"dup_near": (share >= DOUBTFUL) | unusual}, nearest, scores)

    def scores(self, label: int, at: np.ndarray, synthetic: Synthetic, seen: Seen, tests: int) -> Iterable[Score]:
        """As `Space.scores`: every metric of points, and of phrases."""
        assert isinstance(seen, SeenDocuments)
        members = np.flatnonzero(self.train.y == label)
        # Holm's smallest p-value must be able to fall below the level: 1 / (1 + B) < level / tests.
        permutations, rng = max(1000, round(2 * tests / P_VALUE)), np.random.default_rng(self.seed)
        some, drawn = (of[rng.permutation(len(of))[:MOST_ROWS]] for of in (members, at))
        real = Featured(self.real.points[some], self.train.x.take(some), self.train.noun, METRICS)
        samples = Featured(seen.points[drawn], synthetic.x.take(drawn), self.train.noun)
        found = set_scores.set_scores(real, samples, self.seed, permutations)
        found["kid"] = replace(found["kid"], apart=set_scores.apart(self.real.points, self.train.y, label))
        return (*found.values(), _order_score(self._order.real[some], seen.order[drawn]))

    def detectable(self, label: int, n: int, level: float) -> float | None:
        """As `Space.detectable`, of the test of KID."""
        real = self.real.points[self.train.y == label]
        return metrics.smallest_detectable_shift(real.std(axis=0), len(real), n, level, self.seed)

    def thresholds(self, labels: Sequence[int]) -> Mapping[str, float]:
        """As `Space.thresholds`."""
        near = {f"near_duplicate:{self.train.classes[c]}": float((1 - self.near[c]) / self.usual[c]) for c in labels}
        return near | {
            "copied_run": RUN,
            **{f"copied_run:{self.train.classes[c]}": float(self.run[c]) for c in labels},
            "near_parent": 1 - NEAREST,
        }


def _order_score(real: np.ndarray, synthetic: np.ndarray) -> Score:
    """Return how orderly the words of samples are, beside those of real documents; NaN is no answer of one."""
    real, synthetic = (values[np.isfinite(values)] for values in (real, synthetic))
    if min(len(real), len(synthetic)) < FEWEST:
        return Score("word_order", None, True, note=f"Not given: {FEWEST} documents of known pairs are needed.")
    usual = float(real.mean())
    return Score("word_order", float(synthetic.mean()), True, usual, apart=usual if usual > 0 else None)


@final
class Usual:
    """What real documents are like: how long, of which scripts, and whether some are empty.

    Args:
        texts: The real documents.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.longest = max(map(len, texts))
        self.empty = any(not text.strip() for text in texts)
        letters = Counter(c for text in texts for c in text)
        scripts: Counter[str] = Counter()
        for c, n in letters.items():
            scripts[script_of(c)] += n
        total = sum(n for script, n in scripts.items() if script)
        self.scripts = {script for script, n in scripts.items() if n >= LETTERS * total}
        self.controls = {c for c in letters if is_control(c)}

    def faults(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Return by what is wrong which texts cannot be, bool, shape (n,)."""
        return {
            "empty": np.array([not self.empty and not text.strip() for text in texts], dtype=bool),
            "length": np.array([len(text) > TWICE * self.longest for text in texts], dtype=bool),
            "script": np.array([self._is_foreign(text) for text in texts], dtype=bool),
            "control characters": np.array([self._is_broken(text) for text in texts], dtype=bool),
        }

    def _is_foreign(self, text: str) -> bool:
        found = [script for script in map(script_of, text) if script]
        return sum(script not in self.scripts for script in found) > FOREIGN * len(found)

    def _is_broken(self, text: str) -> bool:
        return any(is_control(c) and c not in self.controls for c in set(text))


@lru_cache(maxsize=100_000)
def script_of(character: str) -> str:
    """Return the script of a letter, such as `LATIN` or `ARABIC`: the first word of its name; "" of all else."""
    return unicodedata.name(character, "").split(" ")[0] if character.isalpha() else ""


def is_control(character: str) -> bool:
    """Whether a character is none that is written, white space aside: a NUL, or a mark that turns text around."""
    return unicodedata.category(character) in ("Cc", "Cf", "Co") and not character.isspace() and character != "\u200d"
