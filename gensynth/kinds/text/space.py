"""DocumentSpace: where documents are compared, fitted on real training documents."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
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
from gensynth.kinds.text.features import Counts, Embedding, Features, scaled
from gensynth.kinds.text.order import Order
from gensynth.kinds.text.runs import Runs
from gensynth.kinds.text.shingles import SAME, Index, Sketches, overlap
from gensynth.kinds.text.variety import METRICS
from gensynth.sampler.synthetic import Synthetic

MOST_ROWS = 1000
"""The metrics use at most this many documents of a class of either kind, drawn with the seed."""
MOST_REFERENCES = 10_000
"""At most this many real documents of a class, drawn with the seed, are compared with; copies are looked for among
all."""
LOOKED = 10
"""Documents that share most bands with one and whose overlap with it is computed."""
NEAR_LEVEL, NEAREST = 0.01, 0.9
"""Share of real documents that may overlap more than a near copy does, and the overlap that is one in any case."""
RUN, HALF, DOUBTFUL = 8, 0.5, 0.5
"""A run of this many words that stands in a real document makes a near copy of a document of which it is half, and more
than real ones share; if it is longer than theirs, a person should look at it, and so where a document overlaps with a
real one by half."""
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
        sketches: What documents are compared by, n of them.
        codes: Their words as numbers, length n.
        order: As `Order` answers, float64, shape (n,).
    """

    sketches: Sketches
    codes: Sequence[np.ndarray]
    order: np.ndarray


@final
class DocumentSpace(Space):
    """Likeness is measured in features to which nothing was fitted, and the label judged in directions of them.

    Copies are looked for by shingles and by runs of words.

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
        texts, rng = list(train.x.texts), np.random.default_rng(seed)
        members = (np.flatnonzero(train.y == c) for c in range(len(train.classes)))
        self.train, self.seed = train, seed
        self.at = np.sort(np.concatenate([rng.permutation(own)[:MOST_REFERENCES] for own in members]))
        self._y = train.y[self.at]
        self._features = features or Counts()
        self.embedding = Embedding.fit([texts[i] for i in self.at], seed, self._features)
        self.stamp = {"name": "text", **self.embedding.stamp}
        self._usual, self._sketches = Usual(texts), Sketches.of(texts)
        documents = [codes(text) for text in texts]
        mine = [documents[i] for i in self.at]
        self._runs, self._order = Runs(documents), Order(mine)
        self._real_order = np.sort(-self._order.real[np.isfinite(self._order.real)])
        self.real: SeenDocuments = self._seen(train.x.take(self.at), self._sketches.take(self.at), mine)
        self.hashes, self._index = train.x.hashes(), Index(self._sketches)
        (self.near, self.usual), (self.run, self.part) = self._near(), self._shared()
        # A held-out document is not looked for beyond exact copies: real ones may lie as near to each other.
        self.near_held_out = self.near_synthetic = np.zeros(len(train.classes))

    def see(self, x: Documents) -> SeenDocuments:
        """As `Space.see`."""
        return self._seen(x, Sketches.of(list(x.texts)), [codes(text) for text in x.texts])

    def _seen(self, x: Documents, sketches: Sketches, documents: Sequence[np.ndarray]) -> SeenDocuments:
        texts = list(x.texts)
        wide, points = self.embedding(texts), self._features.points(texts)
        order, nowhere = np.array([*map(self._order, documents)]), np.zeros((len(texts), 0))  # sketches tell copies
        faults = self._usual.faults(texts)
        return SeenDocuments(x.hashes(), scaled(wide), points, nowhere, faults, sketches, documents, order)

    def hashes_of(self, x: Documents) -> tuple[bytes, ...]:
        """As `Space.hashes_of`."""
        return x.hashes()

    def near_earlier(self, seen: Seen, at: np.ndarray, label: int) -> np.ndarray:
        """As `Space.near_earlier`: those that overlap as near copies of a real document do."""
        assert isinstance(seen, SeenDocuments)
        mine, near = seen.sketches.take(at), np.zeros(len(at), dtype=bool)
        for i, alike in enumerate(Index(mine).alike(mine)):
            before = islice((j for j in alike if j < i and not near[j]), LOOKED)
            near[i] = any(overlap(mine.found[i], mine.found[j]) >= self.near[label] for j in before)
        return near

    def _near(self) -> tuple[np.ndarray, np.ndarray]:
        """Return by label the overlap from which on a document is a near copy, and the usual distance of the nearest.

        The distance of two documents is 1 less their overlap, the usual one its median, float64, shape (classes,) each.
        """
        documents = zip(self.real.sketches.found, self._index.alike(self.real.sketches), self.at, strict=True)
        nearest = np.array([self._best(found, alike, {i})[1] for found, alike, i in documents])
        of_class = [nearest[self._y == c] for c in range(len(self.train.classes))]
        near = [np.clip(np.quantile(m, 1 - NEAR_LEVEL), SAME, NEAREST) if len(m) else SAME for m in of_class]
        usual = [max(1 - float(np.median(m)), 1 - NEAREST) if len(m) else 1.0 for m in of_class]
        return np.array(near), np.array(usual)

    def _shared(self) -> tuple[np.ndarray, np.ndarray]:
        """Return by label how many words in a row nearly all real documents share at most, and what part of them.

        A part is half of a document at least; both have shape (classes,).
        """
        documents = zip(self.real.codes, self.at, strict=True)
        longest = np.array([self._runs.longest(document, {i}) for document, i in documents])
        length = np.array([max(1, len(document)) for document in self.real.codes])
        runs, parts = np.zeros(len(self.train.classes)), np.full(len(self.train.classes), HALF)
        for c in np.unique(self._y):
            mine = self._y == c
            runs[c] = np.quantile(longest[mine], 1 - NEAR_LEVEL)
            parts[c] = max(HALF, np.quantile((longest / length)[mine], 1 - NEAR_LEVEL))
        return runs, parts

    def _best(self, found: np.ndarray, alike: Iterable[int], own: Collection[int]) -> tuple[int, float]:
        """Return the real document that a document overlaps most with, and how much; -1 and 0 for none.

        Args:
            found: The shingles of the document.
            alike: As `Index.alike` yields them.
            own: Positions that do not count.
        """
        some = islice((i for i in alike if i not in own), LOOKED)
        near = {i: overlap(found, self._sketches.found[i]) for i in some}
        best = max(near, key=lambda i: near[i], default=-1)
        return best, near.get(best, 0.0)

    def found(
        self, seen: Seen, y: np.ndarray, parents: Sequence[tuple[str, ...]], distance: np.ndarray, closest: np.ndarray
    ) -> Found:
        """As `Space.found`; a run of words that stands in a parent is not copied."""
        assert isinstance(seen, SeenDocuments)
        place = {name: i for i, name in enumerate(self.train.ids)}
        n, nearest = len(y), self.at[closest]
        share, run, of_parent = np.zeros(n), np.zeros(n), np.full(n, np.nan)
        length = np.array([*map(len, seen.codes)])
        for i, (mine, alike) in enumerate(zip(seen.sketches.found, self._index.alike(seen.sketches), strict=True)):
            own = {place[name] for name in parents[i] if name in place}
            best, share[i] = self._best(mine, alike, own)
            nearest[i] = best if best >= 0 else nearest[i]
            run[i] = self._runs.longest(seen.codes[i], own)
            if own:
                of_parent[i] = max(overlap(mine, self._sketches.found[at]) for at in own)
        order = seen.order
        # With few real documents the smallest p-value is larger: then what is worse than all of them goes.
        limit = max(DISORDER, 1 / (len(self._real_order) + 1))
        p = np.where(np.isfinite(order), conformal_p(self._real_order, -np.nan_to_num(order)), 1.0)
        copied = (run >= RUN) & (run >= self.part[y] * length)
        unusual = copied | (run >= RUN) & (run > self.run[y])
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
        members = np.flatnonzero(self._y == label)
        # Holm's smallest p-value must be able to fall below the level: 1 / (1 + B) < level / tests.
        permutations, rng = max(1000, round(2 * tests / P_VALUE)), np.random.default_rng(self.seed)
        some, drawn = (of[rng.permutation(len(of))[:MOST_ROWS]] for of in (members, at))
        real = Featured(self.real.points[some], self.train.x.take(self.at[some]), self.train.noun, METRICS)
        samples = Featured(seen.points[drawn], synthetic.x.take(drawn), self.train.noun)
        found = set_scores.set_scores(real, samples, self.seed, permutations)
        found["kid"] = replace(found["kid"], apart=set_scores.apart(self.real.points, self._y, label))
        return (*found.values(), _order_score(self._order.real[some], seen.order[drawn]))

    def detectable(self, label: int, n: int, level: float) -> float | None:
        """As `Space.detectable`, of the test of KID."""
        real = self.real.points[self._y == label]
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
        characters, scripts = counts_of(texts)
        self.scripts = {script for script, n in scripts.items() if n >= LETTERS * scripts.total()}
        self.controls = {c for c in characters if is_control(c)}

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


def counts_of(texts: Sequence[str]) -> tuple[Counter[str], Counter[str]]:
    """Return how often each character occurs in texts, and how many letters are of each script."""
    characters, scripts = Counter("".join(texts)), Counter[str]()
    for c, n in characters.items():
        scripts[script_of(c)] += n
    del scripts[""]
    return characters, scripts


@lru_cache(maxsize=100_000)
def script_of(character: str) -> str:
    """Return the script of a letter, such as `LATIN` or `ARABIC`: the first word of its name; "" of all else."""
    return unicodedata.name(character, "").split(" ")[0] if character.isalpha() else ""


def is_control(character: str) -> bool:
    """Whether a character is none that is written, white space aside: a NUL, or a mark that turns text around."""
    return unicodedata.category(character) in ("Cc", "Cf", "Co") and not character.isspace() and character != "\u200d"
