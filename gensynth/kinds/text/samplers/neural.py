"""NeuralText: draws documents from a network of `models/` that learns them, such as the small language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from math import ceil
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from sklearn.base import clone

from gensynth.kinds.text.documents import plain
from gensynth.kinds.text.pieces import BYTES, Pieces
from gensynth.kinds.text.samplers.base import TextSampler
from gensynth.sampler.in_turn import Made

if TYPE_CHECKING:
    from gensynth.data.labeled import LabeledData
    from gensynth.kinds.text.generator import TextGenerator

BALANCE = 0.75
"""Classes are seen in proportion to (documents of the class)^BALANCE, so that rare ones are seen more often."""
BLOCK = 64
"""Documents that are drawn together; aligned blocks make sample i independent of the rest."""
MOST_PIECES, LONGEST = 50_000, 2_000
"""Different pieces at most, and pieces of a drawn document: one of the real ones may have millions."""
PAYS_FROM = 20_000
"""Training documents from which on it is tried by itself: more than those of which `ngram` was ahead."""
TIMED = 1_000
"""Documents that tell how long a fit takes."""
TRIES = 5
"""How often a document is drawn until it is no copy of a real one."""


@final
class NeuralText(TextSampler):
    """Trains one network on the documents of all classes, so that a rare class speaks the language of the others.

    The settings of the network, and the paper, stand in the model's file. Documents are learned in pieces of words
    (`gensynth.kinds.text.pieces`); training stops when documents that are held out of it no longer become more likely.
    Each is drawn piece after piece from the likeliest ones (`gensynth.kinds.text.generator.nucleus`), is at most as
    long as the longest real one of its class and has no parents. A copy of a real document is drawn again.

    It takes many documents. On text messages (spam) and on sentences on films (plots), of 256 documents the gate let
    through, and the judge found of the class, with the perplexity per character of held-out documents:

        learned from              perplexity  accepted (ngram)  of the class (ngram)  trained
        1,000 messages, 77 rare   8.1         80 % (96 %)       67 % (93 %)           39 s (15 epochs)
        4,395 messages, 447 rare  5.8         93 % (96 %)       90 % (91 %)           136 s (12 epochs)
        13,231 films, 1,035 rare  4.5         77 % (84 %)       80 % (86 %)           189 s (4 epochs)

    KID was worse than that of `ngram` in all three, too, which is fitted at once; so a choice tries it from 20,000
    documents on, where nothing has been measured, and if its time allows. Seconds are of a core that others used, too.

    Args:
        generator: Name of a model for documents in `models/`.
        model: Its settings, only what differs from the defaults.
        pieces: Different pieces at most, from 257 on: each byte is one, and the end.
        epochs: How often each document is learned at most, on average.
        batch_size: Documents of a training step.
        top_p: Each piece is one of the likeliest, which have together this probability, in (0, 1].
        sampling_strategy: As in `TextSampler`.
        random_state: As in `TextSampler`; also seeds the training.

    Attributes:
        history_: Loss curves of the training: `"step"`, `"train/..."` and `"val/loss"`; not in a loaded one.
    """

    learned: ClassVar[dict[str, Any]] = {"pieces_": Pieces}
    arrays: ClassVar[tuple[str, ...]] = ("weights_",)

    def __init__(
        self,
        generator: str = "text_lm",
        model: Mapping[str, Any] | None = None,
        pieces: int = 1000,
        epochs: int = 10,
        batch_size: int = 64,
        top_p: float = 0.95,
        sampling_strategy: Any = "auto",
        random_state: int = 0,
    ) -> None:
        super().__init__(sampling_strategy, random_state)
        self.generator, self.model, self.pieces = generator, model, pieces
        self.epochs, self.batch_size, self.top_p = epochs, batch_size, top_p

    @property
    def name(self) -> str:
        """Name of the model, such as `text_lm`."""
        return self.generator

    def unsuited(self, data: LabeledData) -> str:
        """As `Sampler.unsuited`."""
        if len(data) < PAYS_FROM:
            return f"it takes {PAYS_FROM} documents to learn from, and there are {len(data)}"
        return "" if find_spec("tokenizers") else "it needs tokenizers; run 'pip install gensynth[text-lm]'"

    def seconds_to_fit(self, data: LabeledData) -> float:
        """As `Sampler.seconds_to_fit`: told from one epoch of some documents."""
        from gensynth.kinds.text import train_documents  # noqa: F401  # takes seconds itself, but once

        some = data.subset(np.random.default_rng(0).permutation(len(data))[:TIMED])
        begun = perf_counter()
        clone(self).set_params(epochs=1).fit(some)
        return (perf_counter() - begun) * self.epochs * len(data) / len(some)

    def _check(self) -> None:
        super()._check()
        if not isinstance(self.pieces, int | np.integer) or not BYTES < self.pieces <= MOST_PIECES:
            raise ValueError(f"pieces must be a whole number from {BYTES + 1} to {MOST_PIECES}, got {self.pieces!r}.")
        if not isinstance(self.top_p, int | float) or not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be a number above 0, at most 1; got {self.top_p!r}.")
        for name, value in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}.")
        self._settings()

    def _settings(self) -> tuple[type[TextGenerator], Any]:
        """Return the class of the network and its settings."""
        from gensynth.generator.checkpoint import config_from
        from gensynth.generator.registry import get_generator

        cls = get_generator(self.generator, self.kind)
        return cls, config_from(cls.Config, dict(self.model or {}))

    def _learn(self) -> None:
        from gensynth.generator.config import TrainConfig

        # Lightning takes seconds to import, and most samplers do without.
        from gensynth.kinds.text.train_documents import train_documents

        texts = list(self.data_.x.texts)
        steps = ceil(self.epochs * len(texts) / self.batch_size)
        train = TrainConfig(steps=steps, batch_size=self.batch_size, seed=self.random_state, balance=BALANCE)
        self.pieces_ = Pieces.learn(texts, self.pieces)
        model = self._built()
        documents = [self.pieces_.numbers(text) for text in texts]
        self.history_ = train_documents(model, documents, self.data_.y, train, self.generator)
        self.weights_ = {name: tensor.numpy() for name, tensor in model.state_dict().items()}

    def _built(self) -> TextGenerator:
        """Return a network to train."""
        import torch

        cls, config = self._settings()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            return cls(config, len(self.pieces_), len(self.data_.classes)).eval()

    def _prepare(self) -> None:
        """As `KeptSampler._prepare`: the network with its weights, which may be from a file."""
        import torch

        from gensynth.generator.checkpoint import check_size

        weights = {name: torch.from_numpy(array) for name, array in self.weights_.items()}
        check_size(self._built, weights.values())
        self._network = self._built()
        try:
            self._network.load_state_dict(weights)
        except RuntimeError as error:  # torch tells it in many lines
            raise ValueError(f"its weights are not those of {self.generator} with its settings") from error
        self._real = frozenset(map(plain, ("", *self.data_.x.texts)))

    def _made_at(self, label: int, index: np.ndarray, seed: int) -> Sequence[Made]:
        real = max(self.data_.x.texts[self.data_.y == label], key=len)
        longest = min(LONGEST, len(self.pieces_.numbers(real)))
        blocks = {block: self._block(label, block, longest, seed) for block in np.unique(index // BLOCK).tolist()}
        return [(blocks[i // BLOCK][i % BLOCK], f"top {self.top_p:g}", ()) for i in index.tolist()]

    def _block(self, label: int, block: int, longest: int, seed: int) -> list[str]:
        """Return the texts of an aligned block, whose copies of real documents are drawn again."""
        from gensynth.generator.threads import one_thread

        texts, left = [""] * BLOCK, [*range(BLOCK)]
        for attempt in range(TRIES):
            rngs = [np.random.default_rng([seed, label, block * BLOCK + i, attempt]) for i in left]
            with one_thread():
                drawn = self._network.sample(label, rngs, longest, self.top_p)
            for i, numbers in zip(left, drawn, strict=True):
                texts[i] = self.pieces_.text(numbers).replace("\ufffd", "")  # bytes that are no character
            left = [i for i in left if plain(texts[i]) in self._real]
            if not left:
                break
        return texts
