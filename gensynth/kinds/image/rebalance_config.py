"""RebalanceConfig: what a run for images is to make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gensynth.data.words import some_counts
from gensynth.kind import unknown
from gensynth.mix.targets import RARE, check_target, target_counts
from gensynth.rebalance.run import AUTO

SMOTE, RECIPES, GENERATOR = SAMPLERS = ("smote", "recipes", "generator")


@dataclass(frozen=True)
class RebalanceConfig:
    """What to make."""

    sampler: str = GENERATOR
    """What draws: `generator`, the one that --generator names; `recipes`, classical augmentation by what is measured to
    keep the class; `smote`; or `auto`: the best on validation images, mixed only if it helps on test images."""
    force: bool = False
    """For the sampler auto: mix even where the images do not help."""
    to: str | None = None
    """How far to fill: `rare`, classes with less than half the images of the largest one, up to that one; `balance`,
    all classes; `5x`, rare ones up to 5 times their real images, which is the better choice for vae and dcgan; `200`,
    all up to that many; `0.29`, all up to that share of the largest one. If not given, rare; the sampler auto then
    tries 5x, rare and, where one model draws all classes, twice the largest for every class."""
    draw: str | None = None
    """How the generator draws, such as `borrow` or `smote` for the vae; by default its own first choice."""
    spread: Literal["auto", "rare", "all"] = "auto"
    """Which classes receive synthetic images: `rare`, those that are filled; `all`, so that being synthetic gives no
    class away; `auto`: all if a classifier learns 'changed = rare class' and the images are made from real ones."""
    sample_seed: int = 0
    """Seed of the samples."""
    per_class: bool = False
    """Train one generator per class that is filled, instead of one for all classes; cyclegan and diffusion always
    do."""
    source: str = "auto"
    """For cyclegan and diffusion: the classes they make images from, separated by commas; auto takes the nearest."""

    allow_small: bool = False
    """Whether synthetic images of less than half the size of the real ones may be mixed with them."""

    def __post_init__(self) -> None:
        if self.to is not None:
            check_target(self.to)
        if self.sampler not in (*SAMPLERS, AUTO):
            raise unknown("sampler", self.sampler, [*SAMPLERS, AUTO], "image")
        if self.sampler in (RECIPES, SMOTE) and (self.draw is not None or self.per_class or self.source != "auto"):
            raise ValueError(
                f"draw, per_class and source are settings of a generator, and the sampler is {self.sampler!r}; leave "
                "them out."
            )
        if self.sampler != AUTO and self.force:
            raise ValueError(
                f"force is a setting of the sampler auto, and the sampler is {self.sampler!r}; leave it out, or give "
                "--sampler auto."
            )

    def targets(self, class_counts: Mapping[str, int], tried: Sequence[str] = ()) -> dict[str, dict[str, int]]:
        """Return how many images each class shall receive, by the name of the target; those that differ.

        Args:
            class_counts: Real training images by class.
            tried: The targets that the sampler auto tries; none for those that suit images.

        Raises:
            ValueError: if none adds anything, or there is one target too many.
        """
        if self.to is not None and tried:
            raise ValueError("--to names one target and --choose.targets several; give one of the two.")
        several = self.sampler == AUTO and self.to is None and not tried
        found: dict[str, dict[str, int]] = {}
        for to in ("5x", RARE) if several else (tried or (self.to or RARE,)):
            adds = {name: n for name, n in target_counts(class_counts, to).items() if n}
            if adds and adds not in found.values():
                found[to] = adds
        if found and several and not self.per_class:
            # With more than any class has, being synthetic is no sign of a rare one.
            to = str(2 * max(class_counts.values()))
            found[to] = target_counts(class_counts, to)
        if not found:
            given = ", ".join(tried) or self.to or RARE
            raise ValueError(
                f"to={given!r} adds nothing to {some_counts(class_counts)}; give more, such as 'balance' or a number "
                "of images."
            )
        return found
