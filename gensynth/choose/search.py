"""Search: tries samplers, targets and classifiers, the simplest first, as long as there is time (`Plan`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from gensynth.choose.design import Design
from gensynth.choose.plan import Plan
from gensynth.choose.record import Key, Record
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.side_by_side import OnStep, side_by_side
from gensynth.evaluate.ways import way_of
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
        budget: Seconds that it may take, as `Plan` says.
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
        self.design, self.sources, self.record = design, sources, record
        self.plan = Plan(design, [source.name for source in sources], targets, budget, record)
        self.fitted: dict[str, Sampler] = {}

    @property
    def keys(self) -> list[Key]:
        """All ways by sampler, target, arm and classifier, the simplest first."""
        return [*self.plan.ways, *(arm for unit in self.plan.units for arm in self.plan.arms(unit))]

    def begin(self, on_step: OnStep) -> None:
        """Try the ways without synthetic examples in the first split."""
        self._train(0, self.plan.ways, None, on_step)

    def run(self, on_step: OnStep) -> int:
        """Try what is left to try; return the number of splits that are done."""
        splits = range(len(self.design.weights))
        done = next((at for at in splits if not self._split(at, on_step)), len(splits))
        if done < len(splits):
            self.record.note(f"{done} of {len(splits)} splits fitted into {self.plan.budget:g} seconds.")
        if sentence := self.plan.overrun(done):
            self.record.note(sentence)
        return done

    def knows(self, at: int, key: Key) -> bool:
        """Whether a way is trained in a split."""
        return (str(at), *key) in self.record.outcomes

    def _split(self, at: int, on_step: OnStep) -> bool:
        """Try what is left to try in a split; say whether there was time for it."""
        begun = all(self.knows(at, key) for key in self.plan.ways)
        if at >= self.design.least and not begun and not self.plan.fits_again(at):
            return False
        self._train(at, self.plan.ways, None, on_step)
        for to in self.plan.targets:
            for source in self.sources:
                self._try(at, source, to, on_step)
        self.fitted.clear()
        return True

    def _try(self, at: int, source: Source, to: str, on_step: OnStep) -> None:
        """Try what is left to try of one sampler and target in a split."""
        drawn = self._draw(at, source, to) if self._waiting(at, source, to) else None
        while drawn is not None and (waiting := self._waiting(at, source, to)):
            self._train(at, self.plan.arms(waiting[0]), drawn, on_step)

    def _waiting(self, at: int, source: Source, to: str) -> list[Key]:
        """Return what is left to try of one sampler and target in a split; leave out what there is no time for."""
        mine = [unit for unit in self.plan.kept if unit[:2] == (source.name, to) and not self.plan.is_done(at, unit)]
        if not mine or at >= self.design.least:
            return mine
        fitting = self.plan.fitting(at)
        if slow := [unit for unit in mine if unit not in fitting]:
            self._leave_out(at, slow)
        return [unit for unit in mine if unit in fitting]

    def _leave_out(self, at: int, units: Sequence[Key]) -> None:
        """Leave out units of one sampler and target, and of all later targets, for want of time."""
        name, to, _ = units[0]
        targets, classifiers = list(self.plan.targets), [unit[2] for unit in units]
        where = f" from {to} on" if to != targets[0] else ""
        under = f" with {' and '.join(classifiers)}" if len(classifiers) < len(self.design.classifiers) else ""
        self.record.leave_out(
            *((name, later, classifier) for later in targets[targets.index(to) :] for classifier in classifiers),
            why=f"{name} is left out{where}{under}: {self.plan.lack(at, units)}; a longer --choose.budget (with "
            "another --out) tries it.",
        )

    def _draw(self, at: int, source: Source, to: str) -> Synthetic | None:
        """Return as many samples as a target wants, or None where there are none, no other than before, or no time."""
        record, design, name, split = self.record, self.design, source.name, str(at)
        train, _ = design.split(at)
        wanted = self.plan.wanted(at, to)
        what: Key = (name,)  # is left out, should it fail
        try:
            if name not in self.fitted and not self._fit(at, source, to):
                return None
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

    def _fit(self, at: int, source: Source, to: str) -> bool:
        """Fit a sampler; say whether there was time for it and is for what follows."""
        record, name, train = self.record, source.name, self.design.split(at)[0]
        if name not in record.estimates:
            with record.counting((str(at), name, "estimate")):
                record.estimates[name] = source.seconds()
        if not self._waiting(at, source, to):
            return False
        with record.counting((str(at), name, "fit")):
            self.fitted[name] = source.fit(train)
            record.estimates[name] = 0.0  # it is known now
        return bool(self._waiting(at, source, to))

    def _train(self, at: int, keys: Sequence[Key], added: Synthetic | None, on_step: OnStep) -> None:
        """Train arms and keep what they say of the test side, those of which that is not known yet."""
        train, test = self.design.split(at)
        together = all(classifier.runs_side_by_side for classifier in self.design.classifiers)

        def job(key: Key, on_step: OnStep) -> None:
            outcome = self.plan.classifiers[key[3]].try_way(way_of(key[2]), train, added, test, on_step)
            self.record.keep((str(at), *key), outcome)

        waiting = [key for key in keys if not self.knows(at, key)]
        if not waiting:
            return
        for group in [waiting] if together else [[key] for key in waiting]:  # a group shares its time
            with self.record.counting(*((str(at), *key) for key in group)):
                side_by_side([partial(job, key) for key in group], on_step, together)
