"""Plan: what there is time for.

What is tried or left out is a unit: a sampler, a target and a classifier. It is charged what it takes itself in one
split, times the splits that have to be done; what units share, such as a fit, is charged once. Where not all fit into
the budget, the cheapest do: nothing is left out for what a slower one takes.

In the first split, times that are not known yet are estimated: of a training by the median of those of the same
classifier in the same way, of a draw by those of the same sampler, and of a fit by what its source says. What nothing
is known of counts as no time. What is begun is not stopped: where a fit, draw or training takes too long for its unit
to go on, the choice takes as much longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gensynth.choose.design import Design
from gensynth.choose.record import Key, Record
from gensynth.data.words import counted
from gensynth.evaluate.ways import PLUS, SYNTHETIC, way_of


class Plan:
    """Says what there is time for.

    Args:
        design: What scores rest on.
        samplers: Names of the samplers, in the order of trying them.
        targets: How many examples each class of the whole training part shall receive, by the name of the target.
        budget: Seconds that a search may take.
        record: What is known so far.

    Attributes:
        ways: Ways without synthetic examples, which are always tried, by "", "", way and classifier.
        units: What is tried with them, by sampler, target and classifier.
    """

    def __init__(
        self,
        design: Design,
        samplers: Sequence[str],
        targets: Mapping[str, Mapping[str, int]],
        budget: float,
        record: Record,
    ) -> None:
        self.design, self.targets, self.budget, self.record = design, targets, budget, record
        self.noun = design.split(0)[0].noun
        self.classifiers = {classifier.name: classifier for classifier in design.classifiers}
        self.ways: list[Key] = [("", "", way, name) for way in design.ways for name in self.classifiers]
        self.units: list[Key] = [(s, to, name) for to in targets for s in samplers for name in self.classifiers]

    @property
    def kept(self) -> list[Key]:
        """The units that are not left out."""
        return [unit for unit in self.units if not any(unit[:n] in self.record.left_out for n in (1, 2, 3))]

    def arms(self, unit: Key) -> list[Key]:
        """Return the trainings of a unit, by sampler, target, arm and classifier."""
        sampler, to, classifier = unit
        return [(sampler, to, f"{way}{PLUS}{SYNTHETIC}", classifier) for way in self.design.made]

    def is_done(self, at: int, unit: Key) -> bool:
        """Say whether all trainings of a unit are done in a split."""
        return all((str(at), *arm) in self.record.outcomes for arm in self.arms(unit))

    def wanted(self, at: int, to: str) -> dict[str, int]:
        """Return how many examples of which classes a target asks for in a split."""
        return {name: n for name, n in self.design.share(at, self.targets[to]).items() if n}

    def fitting(self, at: int) -> list[Key]:
        """Return the units, of those left to try, that there is time for as things stand in a split."""
        costs = {unit: self._costs(at, unit) for unit in self.kept}
        certain = self._certain(at)
        return cheapest(costs, certain, self._usable / self.design.least)

    def lack(self, at: int, units: Sequence[Key]) -> str:
        """Return in words how long units would take beside those that fit, and how long they may."""
        used, least = self._together(at, self.fitting(at)), self.design.least
        more = self._together(at, units)
        needs = least * sum(seconds for what, seconds in more.items() if what not in used)
        left = max(0.0, self._usable - least * sum(used.values()))
        return f"it takes about {needs:.0f} seconds or more, and {left:.0f} of the {self.budget:g} are left"

    def fits_again(self, at: int) -> bool:
        """Say whether one more split fits, after those that have to be done."""
        return sum(self.record.seconds.values()) + sum(self._certain(at).values()) <= self.budget

    def outlook(self) -> str:
        """Say, once the ways without synthetic examples are tried in the first split, how long it takes at most."""
        least = self.design.least
        ways = sum(self._mean(0, self.ways).values())
        most = max(self.budget, least * ways) - sum(self.record.seconds.values())
        everything = sum(self._together(0, self.kept).values())
        each = f" in each of {least} splits or more" * (len(self.design.weights) > 1)
        return (
            f"Choosing takes at most about {max(0.0, most):.0f} seconds more. Training takes {ways:.0f} without "
            f"synthetic {self.noun}s and about {everything:.0f} with those of all samplers{each}, and fitting these "
            "comes on top. What does not fit into --choose.budget is left out."
        )

    def overrun(self, done: int) -> str:
        """Say after `done` splits by how much the budget was exceeded, and by what; nothing if it was not."""
        spent = sum(self.record.seconds.values())
        if round(spent) <= round(self.budget):
            return ""
        out = max(0.0, spent - done * sum(self._certain(done).values()))
        return (
            f"The choice took {spent:.0f} seconds instead of {self.budget:g}: what is begun is not stopped "
            f"({out:.0f} seconds went into what is left out), and ways without synthetic {self.noun}s are tried in any "
            f"case, in {counted(self.design.least, 'split')}."
        )

    @property
    def _usable(self) -> float:
        """Seconds of the budget that did not go into what cannot be done."""
        out = self.record.left_out
        return self.budget - sum(s for key, s in self.record.seconds.items() if key[1:2] in out or key[1:3] in out)

    def _certain(self, at: int) -> dict[Key, float]:
        """Return the seconds of one split for the ways without synthetic examples and for units that are done."""
        done = [u for u in self.kept if all(self.is_done(split, u) for split in range(self.design.least))]
        found = self._mean(at, self.ways)
        for unit in done:
            found |= self._costs(at, unit)
        return found

    def _together(self, at: int, units: Sequence[Key]) -> dict[Key, float]:
        """Return the seconds of one split for what is certain and these units."""
        found = self._certain(at)
        for unit in units:
            found |= self._costs(at, unit)
        return found

    def _mean(self, at: int, keys: Sequence[Key]) -> dict[Key, float]:
        """Return the mean seconds of the splits before `at`, or those of the first."""
        splits, seconds = range(max(1, at)), self.record.seconds
        return {key: sum(seconds.get((str(s), *key), 0.0) for s in splits) / len(splits) for key in keys}

    def _costs(self, at: int, unit: Key) -> dict[Key, float]:
        """Return the seconds of a unit in one split by what they go into, which other units may share."""
        sampler, to, _ = unit
        estimate, fit, draw = (sampler, "estimate"), (sampler, "fit"), (sampler, to, "draw")
        found = self._mean(at, [estimate, fit, draw, *self.arms(unit)])
        if at:
            return found
        found[fit] = max(found[fit], self.record.estimates.get(sampler, 0.0))
        found[draw] = found[draw] or self._to_draw(sampler, to)
        for arm in self.arms(unit):
            if ("0", *arm) not in self.record.outcomes:
                found[arm] += self._to_train(arm)
        return found

    def _to_draw(self, sampler: str, to: str) -> float:
        rates = [
            spent / sum(self.wanted(0, key[2]).values())
            for key, spent in self.record.seconds.items()
            if (key[0], key[1], key[3:]) == ("0", sampler, ("draw",))
        ]
        return _median(rates) * sum(self.wanted(0, to).values())

    def _to_train(self, arm: Key) -> float:
        """Return about how long a training takes; with a fixed number of steps it does not depend on the examples."""
        _, to, name, classifier = arm
        fixed, n = self.classifiers[classifier].steps, len(self.design.split(0)[0]) + sum(self.wanted(0, to).values())
        rates = [
            self.record.seconds[key] / (1 if fixed else outcome.n_train)
            for key, outcome in self.record.outcomes.items()
            if key[4] == classifier and way_of(key[3]) == way_of(name)
        ]
        return _median(rates) * (1 if fixed else n)


def cheapest(costs: Mapping[Key, Mapping[Key, float]], certain: Mapping[Key, float], most: float) -> list[Key]:
    """Return the units that fit into `most` seconds, the cheapest first.

    Args:
        costs: Seconds of each unit, by what they go into; what several share is paid once.
        certain: Seconds that are spent in any case, likewise.
        most: What all may take.
    """
    found, waiting, paid = list[Key](), list(costs), dict(certain)

    def more(unit: Key) -> float:
        return sum(seconds for what, seconds in costs[unit].items() if what not in paid)

    while waiting:
        unit = min(waiting, key=more)
        if sum(paid.values()) + more(unit) > most:
            break
        paid |= costs[unit]
        found.append(unit)
        waiting.remove(unit)
    return found


def _median(rates: Sequence[float]) -> float:
    return float(np.median(rates)) if rates else 0.0
