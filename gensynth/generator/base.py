"""Generator: the contract every model in `models/` fulfils. Read this page first.

A generator learns from `LabeledData` and draws examples of a label. The public methods here check and
batch; a model writes three private pieces:

    class MyModel(Generator):
        Config = MyConfig                                   # frozen dataclass, a default for every field
        def training_step(self, batch, batch_idx): ...      # one `Batch`; log `train/..._loss`
        def configure_optimizers(self): ...
        def _sample(self, labels, noise, draw): ...         # images in [-1, 1] from standard normal noise

What it can do is declared as class attributes, so nothing ever has to be probed.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gensynth.data.plain import used
from gensynth.generator.learner import Learner

BLOCK = 32
"""Noise is drawn for aligned blocks of this many samples."""


def at_once(device: torch.device) -> int:
    """Return how many samples are computed together, in aligned blocks, so that no result depends on the batch size.

    A GPU is hardly busy with 32. It rounds differently from a CPU in any case.
    """
    return BLOCK if device.type == "cpu" else 8 * BLOCK


class Batch(NamedTuple):
    """What `training_step` receives.

    Attributes:
        x: Images, uint8, shape (b, c, h, w).
        y: Labels, int64, shape (b,).
        seed: Seeds all randomness of this step: a function of (run seed, step, rank), so that a resumed run
            repeats nothing and skips nothing, and the global random state is never touched.
        progress: Share of the training that is done, in [0, 1).
        ids: Row number of each image in the training data, int64, shape (b,).
        target: Whether each image is of the target side, bool, shape (b,); the first half of a batch is of the
            source side. All True for a generator that learns every class alike (`conditional`).
    """

    x: Tensor
    y: Tensor
    seed: int
    progress: float
    ids: Tensor
    target: Tensor


@dataclass(frozen=True, eq=False)
class Drawn:
    """Images a generator drew.

    Attributes:
        x: From `sample`: uint8, shape (n, c, h, w). From `_sample`: float32 in [-1, 1] on the canvas.
        parents: Ids of the real images each was made from, length n; empty tuples where none.
        natives: Each at its parent's own size (`gensynth.kinds.image.native.Native`), length n; None where it has none.
    """

    x: Tensor
    parents: tuple[tuple[str, ...], ...]
    natives: tuple[Any, ...] | None = None


class Gradients(Protocol):
    """What a training with a privacy bound does for a model (`gensynth.generator.private.PrivateGradients`)."""

    def watch(self, model: Generator) -> None:
        """Have the layers of a model compute a gradient for each image, from here on."""

    def optimizer(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """Return an optimizer that updates with private gradients."""

    def mean_of_each(self, loss: Callable[..., Tensor], x: Tensor, y: Tensor, parameter: Tensor) -> Tensor:
        """Return the mean over the batch of a loss with a parameter that belongs to no layer."""


class Generator(Learner):
    """Learns images of several classes and draws images of a label.

    Args:
        config: An instance of the model's `Config`.
        shape: Shape (c, h, w) of the images; c in {1, 3}, h and w at least 8.
        classes: Names of the classes; a label is a position in this tuple.
    """

    Config: ClassVar[type]
    kind: ClassVar[str] = "image"
    conditional: ClassVar[bool] = True
    """Whether one model learns every class; else it is trained for one class, from the images of others."""
    needs_source: ClassVar[bool] = False
    """Whether it changes real images instead of drawing from noise alone (`SourceGenerator`)."""
    native: ClassVar[bool] = False
    """Whether what it draws is also made at the own size of the real image it is made from (`Drawn.natives`)."""
    selects: ClassVar[bool] = False
    """Whether the weights that are kept are the best ones seen in training instead of the last."""
    private: ClassVar[bool] = False
    """Whether it can be trained with a privacy bound (`gensynth.generator.private`); it then has `learn_privately`."""
    draws: tuple[str, ...] = ("prior",)
    """The ways in which it can draw a label, the default first; an instance lists those its training allows."""
    block: ClassVar[int | None] = None
    """How many samples are computed together, at most `BLOCK`; None for as many as are fast (`at_once`)."""
    remembers_all: ClassVar[bool] = False
    """Whether `remember` sees the images of the target, too, where a model is trained for one."""
    min_images_alone: ClassVar[int] = 2
    """Fewest images from which it learns one class on its own."""
    file: str = ""
    """The checkpoint it was read from; empty where it was not."""

    def __init__(self, config: Any, shape: tuple[int, int, int], classes: tuple[str, ...]) -> None:
        super().__init__()
        c, h, w = shape
        if c not in (1, 3) or min(h, w) < 8:
            raise ValueError(f"images must have 1 or 3 channels and at least 8 x 8 pixels, got shape {shape}.")
        self.config = config
        self.shape = shape
        self.classes = tuple(classes)
        self.trained_labels = self.classes
        # Networks work on a canvas whose sides are multiples of 4; the margin is cropped off again.
        self.canvas = (c, h + -h % 4, w + -w % 4)

    @property
    def stamp(self) -> str:
        """What else made the images, such as a pretrained encoder; stands beside the draw in the manifest."""
        return ""

    @classmethod
    def fetch(cls, config: Any) -> None:  # noqa: B027
        """Called before a model is built where downloads are allowed: fetch what its networks depend on."""

    def prepare(self, download: bool) -> None:  # noqa: B027
        """Called once before a new training: load pretrained parts, which may be downloaded if `download`."""

    def diagnose(self, label_agreement: float) -> tuple[str, ...]:
        """Called once after training: name what went wrong, in sentences that say which setting mends it.

        Args:
            label_agreement: Share of samples that a judge trained on real images takes for their label.
        """
        return ()

    def learn_privately(self, privacy: Gradients) -> None:
        """Called before a training with a privacy bound: take gradients from `privacy`, and keep nothing of an image.

        Raises:
            ValueError: if the settings keep something of single images.
        """
        raise NotImplementedError(f"{type(self).__name__} declares private = {self.private}.")

    @property
    @abstractmethod
    def noise_dim(self) -> int:
        """How many standard normal numbers one sample needs."""

    @abstractmethod
    def _sample(self, labels: Tensor, noise: Tensor, draw: str) -> Drawn:
        """Draw images of `labels` (n,) from `noise` (n, noise_dim); x float32 in [-1, 1] on the canvas."""

    def sample(self, label: str, index: np.ndarray, seed: int, draw: str | None = None) -> Drawn:
        """Draw the samples numbered `index` of one label.

        Sample i is a function of (weights, seed, label, i): the same number gives the same pixels,
        whatever else is drawn with it.

        Args:
            label: Name of a trained class.
            index: Sample numbers, non-negative int64, shape (n,).
            seed: Any non-negative int.
            draw: One of `draws`; None for the first.

        Returns:
            Images, uint8, shape (n, c, h, w), on the CPU, their parents, and how they look at their parents' size.

        Raises:
            ValueError: if the label was not trained, or `draw` or `seed` is not allowed.
        """
        draw = draw or self.draws[0]
        if label not in self.trained_labels:
            known = ", ".join(repr(c) for c in self.trained_labels)
            raise ValueError(f"label {label!r} was not trained; this checkpoint draws {known}.")
        if draw not in self.draws:
            raise ValueError(f"draw {draw!r} is not a way in which this model draws; allowed: {', '.join(self.draws)}.")
        if seed < 0 or (len(index) and index.min() < 0):
            raise ValueError(f"seed and sample numbers must not be negative, got seed {seed}.")
        images = torch.empty((len(index), *self.shape), dtype=torch.uint8)
        parents: list[tuple[str, ...]] = [()] * len(index)
        natives: list[Any] = [None] * len(index)
        training = self.training
        self.eval()
        try:
            size = self.block or at_once(self.device)
            for block in np.unique(index // size):
                drawn = self._block(label, int(block), size, seed, draw)
                rows = np.flatnonzero(index // size == block)
                within = index[rows] % size
                images[torch.from_numpy(rows)] = drawn.x[torch.from_numpy(within)]
                for row, at in zip(rows, within, strict=True):
                    parents[row] = drawn.parents[at]
                    natives[row] = drawn.natives[at] if drawn.natives is not None else None
        finally:
            self.train(training)
        return Drawn(images, tuple(parents), tuple(natives) if any(natives) else None)

    @torch.inference_mode()
    def _block(self, label: str, block: int, size: int, seed: int, draw: str) -> Drawn:
        # Counter-based noise (Salmon et al. 2011): the stream is keyed by seed and class name, entered at the block.
        key = np.frombuffer(hashlib.sha256(f"{seed} {label}".encode()).digest()[:16], np.uint64)
        parts = []
        first = block * size
        for at in range(first // BLOCK, (first + size - 1) // BLOCK + 1):
            philox = np.random.Philox(key=key, counter=np.array([0, 0, 0, at], np.uint64))
            parts.append(np.random.Generator(philox).standard_normal((BLOCK, self.noise_dim), dtype=np.float32))
        noise = np.concatenate(parts)[first % BLOCK :][:size]
        labels = torch.full((size,), self.classes.index(label), device=self.device)
        with used(self.file, "train it again", (MemoryError, torch.OutOfMemoryError)):
            drawn = self._sample(labels, torch.from_numpy(noise).to(self.device), draw)
        return replace(drawn, x=self.to_pixels(drawn.x))

    def remember(self, batches: Iterator[tuple[Tensor, Tensor, tuple[str, ...]]]) -> None:  # noqa: B027
        """Called once after training with all images that it may draw from (x uint8, y, ids), batch by batch.

        A model that draws from what it saw (codes of real images, say) stores it here, in buffers.
        """

    def to_canvas(self, x: Tensor) -> Tensor:
        """Scale uint8 images (b, c, h, w) to float32 in [-1, 1] and pad them to the canvas by their edge."""
        _, h, w = self.shape
        x = (x.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        margin = (0, self.canvas[2] - w, 0, self.canvas[1] - h)
        return F.pad(x, margin, mode="replicate") if any(margin) else x

    def to_pixels(self, x: Tensor) -> Tensor:
        """Undo `to_canvas`: from about [-1, 1] on the canvas to uint8 images (b, c, h, w) on the CPU."""
        _, h, w = self.shape
        x = ((x[..., :h, :w].float() + 1) * 127.5).round().clamp(0, 255)
        return x.to(torch.uint8).cpu()


class RememberingGenerator(Generator):
    """A generator that keeps more than weights, such as images or codes of images: PyTorch saves both together."""

    remembered: ClassVar[tuple[str, ...]]
    """The attributes that are kept, tensors and plain values."""

    def get_extra_state(self) -> dict[str, Any]:
        """Return what is remembered."""
        return {name: getattr(self, name) for name in self.remembered}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore what was remembered."""
        for name in self.remembered:
            setattr(self, name, state[name])
        self._set_draws()

    def _set_draws(self) -> None:
        """Set `draws` to the ways that what is remembered allows."""
