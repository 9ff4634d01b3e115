"""choose: which sampler of images, and how far to fill, tried on the validation part within a time budget.

Ways to train without synthetic images come first. Then each sampler is fitted on the training part and draws as many
images that pass the gate as a target wants; networks trained with these predict the validation images.
(`rebalance` draws a quarter more and keeps those that differ most, may spread them over all classes, and its gate also
knows the test images.) Test images play no part: whether the choice helps is for them to say.

Samplers are tried in their order, as long as there is time: the smallest target first, then the first sampler; both
ways to train with what it drew side by side. The candidate with the best score is chosen, of equal ones the first. The
best of several looks better than it is, which is why only the test part says whether it helps.

Time is estimated before anything is begun: a training of networks takes as long as the longest so far (those that are
trained side by side share their time), drawing an image
likewise (of the same sampler, if it has drawn), and fitting what its source says. What is begun is not stopped: one
sampler, or one training, may overrun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gensynth.choose.results import BASELINES, ImageChoice, Record, Tried
from gensynth.choose.results import load_choice as load_choice  # who chooses also keeps the choice
from gensynth.choose.results import save_choice as save_choice
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.compare import independent_examples
from gensynth.evaluate.config import EvaluateConfig
from gensynth.evaluate.intervals import Spread, by_examples_and_seeds, least_variance_of_mean, resamples
from gensynth.evaluate.networks import Networks
from gensynth.evaluate.outcome import Probabilities
from gensynth.evaluate.side_by_side import OnStep, side_by_side
from gensynth.evaluate.task import Training
from gensynth.evaluate.ways import way_of
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.draw import draw_accepted
from gensynth.generator.config import TrainingDiverged
from gensynth.mix.targets import filled_rare
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

WITH_SYNTHETIC = ("oversampled + synthetic", "augmented + synthetic")
Key = tuple[str, str, str]
"""A way: name of the sampler and target, empty without synthetic images, and arm."""
SEEDS = 2
"""Networks for each way; the test that follows takes more."""


@dataclass(frozen=True)
class Source:
    """A sampler to try.

    Attributes:
        name: What it is called in the choice.
        fit: Returns it, fitted on the training part; may raise ValueError where the data do not suffice.
        seconds: Returns about how long `fit` takes from its start, where that can be told beforehand; an
            interrupted one is taken to go on where it stood.
    """

    name: str
    fit: Callable[[], Sampler]
    seconds: Callable[[], float] = lambda: 0.0


def choose(
    train: LabeledData,
    validation: LabeledData,
    sources: Sequence[Source],
    targets: Mapping[str, Mapping[str, int]],
    config: EvaluateConfig,
    seconds: float,
    folder: Path,
    seed: int = 0,
    quiet: bool = False,
) -> ImageChoice:
    """Choose a sampler and a target. The same call continues a killed search.

    Args:
        train: Real training images.
        validation: Real images that nothing was fitted on, and that are not for the test.
        sources: Samplers, in the order of trying them.
        targets: How many images each class shall receive, by the name of the target, the smallest first.
        config: Steps, batch size and seed of the networks.
        seconds: What would take longer is not begun (what is begun may overrun). Ways without synthetic images are
            always tried. Seconds before an interruption count.
        folder: Where `search.json` keeps what was found so far.
        seed: Seed of the samples.
        quiet: Whether to hide the progress bar (it is shown on a terminal only).

    Raises:
        ValueError: if no rare class that shall receive images has validation images.
    """
    unseen = unseen_classes(train, validation, targets)
    record = Record.open(folder / "search.json")
    if unseen and not record.predicted:
        record.notes = [f"No validation image is of {', '.join(map(repr, unseen))}: the choice is blind to that."]
    search = Search(train, validation, targets, config, seconds, seed, record)
    total = (len(BASELINES) + len(sources) * len(targets) * len(WITH_SYNTHETIC)) * config.steps_for(len(train))
    with tqdm(total=total, desc="choose", disable=True if quiet else None) as bar:
        search.train([("", "", arm) for arm in BASELINES], None, bar.update)
        for to in targets:
            for source in sources:
                search.run(source, to, bar.update)
    return _choice(record, validation, [source.name for source in sources], list(targets))


def unseen_classes(train: LabeledData, validation: LabeledData, targets: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return which of the rare classes to fill have no validation images.

    Raises:
        ValueError: if none of them has any.
    """
    rare = filled_rare(train.class_counts, _largest(targets))
    unseen = [name for name in rare if not validation.class_counts[name]]
    if len(unseen) == len(rare):
        raise ValueError(
            f"no rare class to fill ({', '.join(map(repr, rare))}) has validation images (a class of fewer than 10 "
            "images gets none), so there is nothing to choose by; name a sampler, such as --sampler generator."
        )
    return unseen


class Search:
    """Tries samplers and targets, the simplest first, as long as there is time.

    Args:
        train: Real training images.
        validation: Real images that nothing was fitted on.
        targets: How many images each class shall receive, by the name of the target.
        config: Steps, batch size and seed of the networks.
        budget: What would take longer, in seconds, is not begun.
        seed: Seed of the samples.
        record: What is known so far.
    """

    def __init__(
        self,
        train: LabeledData,
        validation: LabeledData,
        targets: Mapping[str, Mapping[str, int]],
        config: EvaluateConfig,
        budget: float,
        seed: int,
        record: Record,
    ) -> None:
        self.real, self.validation, self.targets, self.budget = train, validation, targets, budget
        self.seed, self.record = seed, record
        # A stream of its own: these networks are not the ones that are tested later.
        seeds = np.random.SeedSequence([config.seed, 1]).generate_state(SEEDS).tolist()
        self.networks = Networks(Training(seeds, config.steps_for(len(train)), config.batch_size))
        self.checker: FidelityChecker | None = None
        self.fitted: dict[str, Sampler] = {}

    def run(self, source: Source, to: str, on_step: OnStep) -> None:
        """Try what is left to try of one sampler and target."""
        record, name = self.record, source.name
        waiting = [key for arm in WITH_SYNTHETIC if (key := (name, to, arm)) not in record.predicted]
        if not waiting or (name,) in record.left_out or (name, to) in record.left_out:
            return
        drawn = self._draw(source, to, len(waiting))
        if drawn is not None and self._has_time(source, to, len(waiting)):
            self.train(waiting, drawn, on_step)

    def _draw(self, source: Source, to: str, n_arms: int) -> Synthetic | None:
        """Return as many accepted samples as a target wants, or None where there are none, or no other than before.

        Not begun where there is no time for this and `n_arms` trainings.
        """
        record, name = self.record, source.name
        wanted = self.targets[to]
        what: tuple[str, ...] = (name,)  # is left out, should it fail
        try:
            if not self._has_time(source, to, n_arms, to_draw=True):
                return None
            if name not in self.fitted:
                with record.counting((name, "fit")):
                    self.fitted[name] = source.fit()
            if self.checker is None:
                with record.counting(("checker",)):
                    self.checker = FidelityChecker(self.real, (self.validation,))
            what = (name, to)
            with record.counting((name, to, "draw")):
                drawn = [draw_accepted(self.fitted[name], self.checker, c, n, self.seed) for c, n in wanted.items()]
                good = [samples.subset(self.checker.gate(samples).accepted) for samples in drawn]
        except (ValueError, TrainingDiverged) as error:
            record.leave_out(what, f"{' to '.join(what)} is left out: {error}")
            return None
        accepted = Synthetic.concat(good).relabel(self.real.classes)
        if not len(accepted):
            record.leave_out((name,), f"{name} is left out: none of its images passes the check.")
            return None
        if len(accepted) in [n for (other, at), n in record.accepted.items() if other == name and at != to]:
            record.leave_out((name, to))  # where the gate lets few through, targets come to the same
            return None
        record.accepted[name, to] = len(accepted)
        if short := [f"{len(s)} of {n} of {c!r}" for s, (c, n) in zip(good, wanted.items(), strict=True) if len(s) < n]:
            record.note(f"{name} to {to}: fewer images pass the check than are wanted: {', '.join(short)}.")
        return accepted

    def train(self, keys: Sequence[Key], synthetic: Synthetic | None, on_step: OnStep) -> None:
        """Train arms and keep what they say of the validation images, those of which that is not known yet."""

        def job(key: Key, on_step: OnStep) -> None:
            outcome = self.networks.try_way(way_of(key[2]), self.real, synthetic, self.validation, on_step)
            self.record.predicted[key] = outcome.raw.argmax(-1)

        waiting = [key for key in keys if key not in self.record.predicted]
        if waiting:
            with self.record.counting(*waiting):
                side_by_side([partial(job, key) for key in waiting], on_step)

    def _has_time(self, source: Source, to: str, n_arms: int, to_draw: bool = False) -> bool:
        """Say whether there is time to train arms, and before it to fit and draw; if not, leave their sampler out."""
        seconds, name = self.record.seconds, source.name
        needs = n_arms * max(seconds[key] for key in self.record.predicted)
        if to_draw:
            rates = {key[:2]: spent / self._wanted(key[1]) for key, spent in seconds.items() if key[2:] == ("draw",)}
            own = [rate for (sampler, _), rate in rates.items() if sampler == name]
            needs += max(own or rates.values(), default=0.0) * self._wanted(to)
        if to_draw and name not in self.fitted and self._left() >= needs:
            needs += max(0.0, self._whole_fit(source) - seconds.get((name, "fit"), 0.0))
        if (left := self._left()) >= needs:
            return True
        began = any(name == other for other, *_ in self.record.predicted)
        where = f" from {to} on" if began else ""
        self.record.leave_out(
            (name,),
            f"{name} is left out{where}: it takes about {needs:.0f} seconds or more, and {max(0.0, left):.0f} of the "
            f"budget of {self.budget:.0f} are left; a longer --budget (with another --out) tries it.",
        )
        return False

    def _wanted(self, to: str) -> int:
        return sum(self.targets[to].values())

    def _left(self) -> float:
        return self.budget - sum(self.record.seconds.values())

    def _whole_fit(self, source: Source) -> float:
        """Return about how long a fit takes from its start, estimated once."""
        if source.name not in self.record.estimates:
            with self.record.counting((source.name, "estimate")):
                found = source.seconds()
            self.record.estimates[source.name] = found
            self.record.save()
        return self.record.estimates[source.name]


def scored(predicted: np.ndarray, validation: LabeledData, n_without: int) -> tuple[list[float], int, list[Spread]]:
    """Score all ways, and compare each with the best one without synthetic images.

    Images, or the groups they come in, are resampled as `evaluate` does with test images, the same for all ways.

    Args:
        predicted: Labels by way, shape (ways, seeds, n).
        validation: The n images.
        n_without: Number of ways without synthetic images; they come first.

    Returns:
        Balanced accuracy of each way, which way is the best without, and by how much each one is above that.
    """
    y, sure = validation.y, np.eye(len(validation.classes))
    weights = resamples(y, np.random.default_rng(0), groups=validation.groups)
    found = [Probabilities(y, sure[labels], 0).score(weights, 1)["balanced_accuracy"] for labels in predicted]
    scores = [of_way[0].mean().item() for of_way in found]
    base = scores.index(max(scores[:n_without]))
    floor = least_variance_of_mean(independent_examples([validation]))
    return scores, base, [by_examples_and_seeds(of_way - found[base], floor) for of_way in found]


def _choice(record: Record, validation: LabeledData, samplers: Sequence[str], targets: Sequence[str]) -> ImageChoice:
    order: list[Key] = [("", "", arm) for arm in BASELINES]
    order += [(sampler, to, arm) for to in targets for sampler in samplers for arm in WITH_SYNTHETIC]
    keys = [key for key in order if key in record.predicted]
    scores, best, gains = scored(np.stack([record.predicted[key] for key in keys]), validation, len(BASELINES))
    tried = [
        Tried(*key, score, of.value, float(np.sqrt(of.variance)) * (key != keys[best]), record.seconds[key])
        for key, score, of in zip(keys, scores, gains, strict=True)
    ]
    base, made = tried[best], tried[len(BASELINES) :]
    way, why = (
        ("", "", ""),
        f"No sampler could be tried; best without is '{base.arm}', {base.score:.1%} on {len(validation)} validation "
        "images.",
    )
    if made:
        chosen = max(made, key=lambda t: t.score)  # of equal ones the first
        way, why = (
            (chosen.sampler, chosen.to, chosen.arm),
            f"Filling with '{chosen.sampler}' to {chosen.to}, trained as '{chosen.arm}', is chosen: balanced accuracy "
            f"{chosen.score:.1%} on {len(validation)} validation images, against {base.score:.1%} of the best way "
            f"without synthetic images, '{base.arm}' "
            f"({100 * chosen.gain:+.1f} points, standard error {100 * chosen.standard_error:.1f}).",
        )
    tried.sort(key=lambda t: -t.score)
    return ImageChoice(*way, base.arm, why, tuple(tried), len(validation), tuple(record.notes))


def _largest(targets: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return the most images that any target wants of each class."""
    names = dict.fromkeys(name for adds in targets.values() for name, n in adds.items() if n)
    return {name: max(adds.get(name, 0) for adds in targets.values()) for name in names}
