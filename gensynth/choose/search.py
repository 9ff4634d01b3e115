"""Search: tries samplers and targets, the simplest first, as long as there is time.

Time is estimated before anything is begun in the first split: a training takes as long as the longest so far (those
that run side by side share their time), drawing an example likewise (of the same sampler, if it has drawn), and
fitting what its source says. What is begun is not stopped: one sampler, or one training, may overrun. Where several
splits have to be done, the slowest samplers are left out until these fit; where they may be, none is begun that does
not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from gensynth.choose.design import Design
from gensynth.choose.record import Key, Record
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.classifier import Classifier
from gensynth.evaluate.side_by_side import OnStep, side_by_side
from gensynth.evaluate.ways import PLUS, SYNTHETIC, way_of
from gensynth.generator.config import TrainingDiverged
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic


@dataclass(frozen=True)
class Source:
    """A sampler to try.

    Attributes:
        name: What it is called in the choice.
        fit: Returns it, fitted to training examples; may raise ValueError where these do not suffice.
        seconds: Returns about how long `fit` takes from its start, where that can be told beforehand; an
            interrupted one is taken to go on where it stood.
    """

    name: str
    fit: Callable[[LabeledData], Sampler]
    seconds: Callable[[], float] = lambda: 0.0


class Search:
    """Tries ways to train.

    Args:
        design: What scores rest on.
        sources: Samplers, in the order of trying them.
        targets: How many examples each class of the whole training part shall receive, by the name of the target.
        budget: What would take longer, in seconds, is not begun.
        record: What is known so far.
    """

    def __init__(
        self,
        design: Design,
        sources: Sequence[Source],
        targets: Mapping[str, Mapping[str, int]],
        budget: float,
        record: Record,
    ) -> None:
        self.design, self.sources, self.targets = design, sources, targets
        self.budget, self.record = budget, record
        self.arms = tuple(f"{way}{PLUS}{SYNTHETIC}" for way in design.made)
        self.ways: list[Key] = [("", "", way) for way in design.ways]
        self.fitted: dict[str, Sampler] = {}

    @property
    def keys(self) -> list[Key]:
        """All ways by sampler, target and arm, the simplest first."""
        return [*self.ways, *((s.name, to, arm) for to in self.targets for s in self.sources for arm in self.arms)]

    def run(self, on_step: OnStep) -> int:
        """Try what is left to try; return the number of splits that are done."""
        for at in range(len(self.design.weights)):
            if not all(self.knows(at, key) for key in self.ways) and not self._goes_on(at):
                return at
            self._train(at, self.ways, None, on_step)
            for to in self.targets:
                for source in self.sources:
                    self._try(at, source, to, on_step)
            self.fitted.clear()
        return len(self.design.weights)

    def knows(self, at: int, key: Key) -> bool:
        """Whether a way is trained in a split."""
        return all((str(at), *key, c.name) in self.record.outcomes for c in self.design.classifiers)

    def _goes_on(self, at: int) -> bool:
        """Say whether split `at` is begun; leave out the samplers that are too slow for those that have to be done."""
        record, least = self.record, self.design.least
        if at >= least and self._left() < sum(record.seconds.values()) / at:
            record.note(f"{at} of {len(self.design.weights)} splits fitted into {self.budget:g} seconds.")
            return False
        if 0 < at < least:
            spent = dict.fromkeys(("", *(source.name for source in self.sources)), 0.0)
            for key, seconds in record.seconds.items():
                if key[0] == str(at - 1) and key[1:2] not in record.left_out:
                    spent[key[1]] += seconds
            for name in slow(spent, self._left() / (least - at)):
                record.leave_out((name,), why=f"{name} is left out: it is too slow for {self.budget:g} seconds.")
        return True

    def _try(self, at: int, source: Source, to: str, on_step: OnStep) -> None:
        """Try what is left to try of one sampler and target in a split."""
        name, left_out = source.name, self.record.left_out
        waiting: list[Key] = [key for arm in self.arms if not self.knows(at, key := (name, to, arm))]
        if not waiting or (name,) in left_out or (name, to) in left_out:
            return
        drawn = self._draw(at, source, to, len(waiting))
        if drawn is not None and (at or self._has_time(source, to, len(waiting))):
            self._train(at, waiting, drawn, on_step)

    def _draw(self, at: int, source: Source, to: str, n_arms: int) -> Synthetic | None:
        """Return as many samples as a target wants, or None where there are none, or no other than before.

        Not begun in the first split where there is no time for this and `n_arms` trainings.
        """
        record, design, name, split = self.record, self.design, source.name, str(at)
        train, _ = design.split(at)
        wanted = self._wanted(at, to)
        what: Key = (name,)  # is left out, should it fail
        try:
            if not at and not self._has_time(source, to, n_arms, to_draw=True):
                return None
            if name not in self.fitted:
                with record.counting((split, name, "fit")):
                    self.fitted[name] = source.fit(train)
            what = (name, to)
            with record.counting((split, name, to, "draw")):
                found = design.drawn(at, self.fitted[name], wanted)
        except (ValueError, TrainingDiverged) as error:
            record.leave_out(what, why=f"{' to '.join(what)} is left out: {error}")
            return None
        if not len(found):
            record.leave_out((name,), why=f"{name} is left out: none of its {train.noun}s passes the check.")
            return None
        before = (o for key, o in record.outcomes.items() if key[:2] == (split, name) and key[2] != to)
        if any(len(train) + len(found) == outcome.n_train for outcome in before):
            record.leave_out((name, to))  # where the gate lets few through, targets come to the same
            return None
        got = dict(zip(found.classes, np.bincount(found.y, minlength=len(found.classes)).tolist(), strict=True))
        if short := [f"{got[c]} of {n} of {c!r}" for c, n in wanted.items() if got[c] < n]:
            record.note(f"{name} to {to}: fewer {train.noun}s pass the check than are wanted: {', '.join(short)}.")
        return found

    def _train(self, at: int, keys: Sequence[Key], added: Synthetic | None, on_step: OnStep) -> None:
        """Train arms and keep what they say of the test side, those of which that is not known yet."""
        train, test = self.design.split(at)

        def job(key: Key, classifier: Classifier, on_step: OnStep) -> None:
            outcome = classifier.try_way(way_of(key[2]), train, added, test, on_step)
            self.record.keep((str(at), *key, classifier.name), outcome)

        waiting = [key for key in keys if not self.knows(at, key)]
        jobs = [partial(job, key, classifier) for key in waiting for classifier in self.design.classifiers]
        if not jobs:
            return
        with self.record.counting(*((str(at), *key) for key in waiting)):
            side_by_side(jobs, on_step, all(c.runs_side_by_side for c in self.design.classifiers))

    def _has_time(self, source: Source, to: str, n_arms: int, to_draw: bool = False) -> bool:
        """Say whether there is time to train arms, and before it to fit and draw; if not, leave their sampler out."""
        seconds, name = self.record.seconds, source.name
        needs = n_arms * max(seconds[key[:4]] for key in self.record.outcomes)
        if to_draw:
            rates = {
                key[1:3]: spent / sum(self._wanted(0, key[2]).values())
                for key, spent in seconds.items()
                if key[3:] == ("draw",)
            }
            own = [rate for (sampler, _), rate in rates.items() if sampler == name]
            needs += max(own or rates.values(), default=0.0) * sum(self._wanted(0, to).values())
        if to_draw and name not in self.fitted and self._left() >= needs:
            needs += max(0.0, self._whole_fit(source) - seconds.get(("0", name, "fit"), 0.0))
        if (left := self._left()) >= needs:
            return True
        names = list(self.targets)
        where = f" from {to} on" if any(key[1] == name for key in self.record.outcomes) else ""
        self.record.leave_out(
            *((name, later) for later in names[names.index(to) :]),
            why=f"{name} is left out{where}: it takes about {needs:.0f} seconds or more, and {max(0.0, left):.0f} of "
            f"the {self.budget:.0f} are left; a longer --choose.budget (with another --out) tries it.",
        )
        return False

    def _wanted(self, at: int, to: str) -> dict[str, int]:
        return {name: n for name, n in self.design.share(at, self.targets[to]).items() if n}

    def _left(self) -> float:
        return self.budget - sum(self.record.seconds.values())

    def _whole_fit(self, source: Source) -> float:
        """Return about how long a fit takes from its start, estimated once."""
        if source.name not in self.record.estimates:
            with self.record.counting(("0", source.name, "estimate")):
                found = source.seconds()
            self.record.estimates[source.name] = found
            self.record.save()
        return self.record.estimates[source.name]


def slow(seconds: Mapping[str, float], most: float) -> list[str]:
    """Return the slowest samplers, without which the others take at most `most` seconds.

    Args:
        seconds: Seconds by sampler, "" for none, which is never returned.
        most: What all may take.
    """
    total, found = sum(seconds.values()), list[str]()
    for name in sorted(seconds.keys() - {""}, key=lambda name: -seconds[name]):
        if total > most:
            found.append(name)
            total -= seconds[name]
    return found
