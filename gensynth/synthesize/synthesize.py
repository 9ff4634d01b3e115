"""synthesize: a whole synthetic data set, with no real example in it, and a page that says what it is worth.

    synthetic.csv           the data set; of images a folder
    synthetic.metadata.csv  by which sampler, seed and number each example was made
    synthetic.run/          run.json, each sampler tried and what was measured of it, written.json (what the data set
                            is), verdict.json, report.html

What is measured rests on examples in the real shares of the classes, whatever shares the data set has. Every step is
skipped where its result is there, so that the same command continues a killed run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gensynth.data.files import RECORD, refuse_inside, write_text
from gensynth.data.labeled import LabeledData
from gensynth.data.lock import locked
from gensynth.data.plain import MAKE_AGAIN, read_json
from gensynth.data.settings import given as given_of
from gensynth.data.split import Parts
from gensynth.data.words import some
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.verdict import Verdict, load_verdict, save_verdict
from gensynth.kind import Kind
from gensynth.mix.mix import refuse_held_out_parents, write_synthetic
from gensynth.mix.targets import shares
from gensynth.rebalance.run import AUTO, Run, absolute
from gensynth.sampler import SAMPLER
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic
from gensynth.synthesize.alone import Alone, alone, levels_of
from gensynth.synthesize.config import SynthesizeConfig
from gensynth.synthesize.ruler import Measured, Ruler, best
from gensynth.synthesize.written import Written, WrittenFile, hash_of

MOST_MEASURED = 10_000
"""Examples that are drawn to be measured, at most."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked for.

    Attributes:
        source: Real data.
        out: What to write.
        what: A `SynthesizeConfig`.
        data: A `WholeConfig` of the kind.
        evaluate: An `EvaluateConfig` of the kind.
        quiet: Show no progress bars.
    """

    source: str
    out: Path
    what: SynthesizeConfig
    data: Any
    evaluate: Any
    quiet: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Made:
    """What was made, and what it is worth.

    Attributes:
        parts: The real data.
        one: The same with all examples of one class.
        measured: What was found of each sampler that was tried.
        chosen: That of the sampler that was taken.
        drawn: Examples in the real shares of the classes, which were measured.
        verdict: The fidelity checker's answer for them, as of one class.
        alone: What classifiers score that are trained on them alone; empty where there are no classes.
        counts: How many examples of each class were written.
        out: Where they are.
        folder: The folder of the run.
        written: What was left out of the data set.
        provenance: Command, versions, source and seconds, as rows of a table.
        notes: What was left out, in sentences.
        bound: What a privacy bound promises of what was written, as `Sampler.bound`; "" without one.
    """

    parts: Parts
    one: Parts
    measured: tuple[Measured, ...]
    chosen: Measured
    drawn: Synthetic
    verdict: Verdict
    alone: tuple[Alone, ...]
    counts: Mapping[str, int]
    out: Path
    folder: Path
    written: Written
    provenance: dict[str, str]
    notes: tuple[str, ...]
    bound: str


def synthesize(kind: Kind, asked: Asked) -> Made:
    """Make a whole synthetic data set; the same call continues a killed one.

    Raises:
        BlockingIOError: if another process writes it.
        ValueError: if the data or settings do not allow it, or something else is there.
    """
    files, out = kind.files(), asked.out
    refuse_inside(out, asked.source, asked.data.test_data, asked.what.given)
    folder = files.run_folder(out)
    folder = folder if folder != out else out.with_name(f"{out.name}.run")
    with locked(out, folder / RECORD):
        parts = kind.parts(asked.source, asked.data)
        given = asked.what.given
        cells, counts = (None, wanted(kind, parts, asked.what)) if given is None else kind.given(given, parts.train)
        samplers, notes = _samplers(kind, asked, parts.train)
        ruler = Ruler(parts, 0)
        if asked.what.by is not None:
            levels_of(ruler.held_out, asked.what.by)
        written = WrittenFile(folder / "written.json", out, asked.what, files)
        written.refuse_others()
        run = Run.open(folder, _settings(kind, asked, parts))
        work = _Work(asked, parts, ruler, folder, run, list(notes))
        measured = work.tried(samplers)
        chosen = best(measured)
        sampler = kind.load(_trained(kind, asked.what) or work.path(chosen.sampler))
        published = work.published(kind, samplers[0]) if sampler.private else sampler
        if sampler.private and asked.what.counts is None:  # its bound does not cover the real shares, nor their sum
            counts = shares(published.class_counts, asked.what.n or sum(published.class_counts.values()))
        if not out.exists():
            run.step("write", lambda: _write(work, published, counts, cells=cells, written=written))
        written.finish()
        drawn = ruler.draw(sampler, work.shares, asked.what.sample_seed).examples
        trained = work.alone(drawn)
        one = Parts(*(ruler.as_one(part) for part in parts.by_name.values()))
        return Made(
            parts=parts,
            one=one,
            measured=measured,
            chosen=chosen,
            drawn=ruler.as_one(drawn),
            verdict=work.verdict(one, ruler.as_one(drawn)),
            alone=trained,
            counts=counts,
            out=out,
            folder=folder,
            written=written.read(),
            provenance=_provenance(folder, asked),
            notes=tuple(work.notes),
            bound=published.bound,
        )


def wanted(kind: Kind, parts: Parts, what: SynthesizeConfig) -> dict[str, int]:
    """Return how many examples of each class are to be made, in the shares of the training examples that match.

    Raises:
        ValueError: if there is no such class, or no training example of one matches the condition.
    """
    train = parts.train
    real, like = train, ""
    if what.where is not None:
        real, like = train.subset(kind.matching(kind.as_one(train)(train), what.where)), f" that matches {what.where!r}"
    n = sum(map(len, parts.by_name.values())) if what.where is None else len(real)
    if what.counts is None:
        found = shares(real.class_counts, what.n or n) if len(real) else {}
    else:
        found = {train.classes[train.label_of(str(name))]: n for name, n in what.counts.items()}
    if not found or (empty := [name for name in found if not real.class_counts[name]]):
        of = f" of {empty[0]!r}" if found else ""
        raise ValueError(f"there is no training {train.noun}{of}{like}, and nothing else is learned; ask for others.")
    return found


def _trained(kind: Kind, what: SynthesizeConfig) -> Path | None:
    """Return the file of a sampler that was trained before, if one is named."""
    if what.sampler in (AUTO, *kind.samplers()) or not Path(what.sampler).exists():
        return None
    return Path(what.sampler)


def _samplers(kind: Kind, asked: Asked, train: LabeledData) -> tuple[Sequence[Any], Sequence[str]]:
    """Return the samplers in question, and what to know of them; ValueError if there is none that can do it."""
    found, notes, what = [], [], asked.what
    if what.epsilon is not None:
        found.append(kind.private(what.epsilon, what.delta, asked.data))
    elif (trained := _trained(kind, what)) is not None:
        found.append(kind.load(trained))
        noun = train.noun
        notes.append(
            f"{trained} was trained before: if it learned from held-out {noun}s, attacks find less than there is."
        )
    elif what.sampler != AUTO:
        found.append(kind.made(what.sampler, what.settings))
    else:
        found, notes = map(list, kind.tried(train))
    if found[0].private and (chosen := given_of(what, ("where",)) + given_of(asked.data, ("keep", "test_data"))):
        raise ValueError(
            f"{chosen[0]} would look at further real {train.noun}s, and no privacy bound would cover that; leave it "
            "out, and cut what goes in or comes out yourself."
        )
    able = [sampler for sampler in found if what.given is None or sampler.conditions]
    if not able:
        known = [sampler.name for sampler in kind.tried(train)[0] if sampler.conditions]
        raise ValueError(f"{found[0].name} draws whole {train.noun}s only; with --given take {' or '.join(known)}.")
    if len(able) < len(found):
        notes.append(f"{some(s.name for s in found if s not in able)} cannot draw around what is given.")
    return able, notes


class _Work:
    """A run before it is done."""

    def __init__(self, asked: Asked, parts: Parts, ruler: Ruler, folder: Path, run: Run, notes: list[str]) -> None:
        self.asked, self.parts, self.ruler, self.folder, self.run = asked, parts, ruler, folder, run
        self.notes = notes
        self.shares = shares(parts.train.class_counts, min(len(parts.train), MOST_MEASURED))
        self.trained = "sampler_sha256" in Run.read(folder)["settings"]

    def path(self, name: str) -> Path:
        """Return where a sampler is kept."""
        return self.folder / f"{name}{SAMPLER}"

    def tried(self, samplers: Sequence[Any]) -> tuple[Measured, ...]:
        """Fit and measure samplers; ValueError if none can be."""
        found = []
        for sampler in samplers:
            try:
                found.append(self._kept(f"measured {sampler.name}", Measured, partial(self._measure, sampler)))
            except ValueError as error:
                if self.asked.what.sampler != AUTO:
                    raise
                self.notes.append(f"{sampler.name} is left out: {error}")
        if not found:
            raise ValueError(f"no sampler could be tried: {' '.join(self.notes)}")
        return tuple(found)

    def published(self, kind: Kind, sampler: Any) -> Sampler:
        """Return the private sampler of what is written: it learns from all examples of the source.

        Which of them are the training part depends on all, so that one more or less would change many of those that
        were learned, and the bound would not hold. What is measured rests on another one, of the training part alone.
        """
        if self.trained:
            return sampler
        path = self.path(f"{sampler.name} of all")
        if not path.exists():
            everything = self.parts.train.join([self.parts.validation, self.parts.test])
            self.run.step(f"fit {sampler.name} to all", lambda: sampler.fit(everything).save(path))
        return kind.load(path)

    def alone(self, drawn: Synthetic) -> tuple[Alone, ...]:
        """Return what classifiers score that are trained on examples alone; nothing where there are no classes."""
        train, asked = self.parts.train, self.asked
        if len(train.classes) < 2:
            return ()
        try:
            held, by = self.ruler.held_out, asked.what.by
            work = partial(alone, train, drawn, held, asked.evaluate, by=by, quiet=asked.quiet)
            found: tuple[Alone, ...] = self._kept("trained on them alone", tuple[Alone, ...], work)
        except ValueError as error:
            self.notes.append(f"What it is worth to a classifier was not measured: {error}")
            return ()
        return found

    def verdict(self, one: Parts, drawn: Synthetic) -> Verdict:
        """Return the fidelity checker's answer for examples as one class."""
        path = self.folder / "verdict.json"
        if not path.exists():
            held_out = [part for part in (one.validation, one.test) if len(part)]
            self.run.step("check", lambda: save_verdict(FidelityChecker(one.train, held_out).check(drawn), path))
        return load_verdict(path)

    def _kept(self, name: str, hint: Any, work: Callable[[], Any]) -> Any:
        """Return what was found before, or do the work and keep it."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            found = self.run.step(name, work)
            plain = [asdict(each) for each in found] if isinstance(found, tuple) else asdict(found)
            write_text(path, json.dumps(plain, indent=1))
        return read_json(path, hint, "what was measured of a synthetic data set", MAKE_AGAIN)

    def _measure(self, sampler: Any) -> Measured:
        start = time.perf_counter()
        fitted: Sampler = sampler if self.trained else sampler.fit(self.parts.train)
        drawn = self.ruler.draw(fitted, self.shares, self.asked.what.sample_seed)
        seconds = time.perf_counter() - start
        refuse_held_out_parents(self.parts, drawn.examples)
        if not self.trained:
            sampler.save(self.path(sampler.name))
        return self.ruler.measured(drawn, seconds)


def _write(work: _Work, sampler: Sampler, counts: Mapping[str, int], cells: Any, written: WrittenFile) -> None:
    """Write the data set, around what is given of its examples (in that order), or in the counts of the classes."""
    asked, seed = work.asked, work.asked.what.sample_seed
    if cells is not None:
        drawn = work.ruler.draw_given(sampler, cells, seed)
        found = drawn.examples
    else:
        drawn = work.ruler.draw(sampler, counts, seed, asked.what.where)
        found = drawn.examples.subset(np.random.default_rng(seed).permutation(len(drawn.examples)))
    # What is shared says nothing of the real examples, not even their numbers.
    written.begin(drawn)
    write_synthetic(replace(found, parents=((),) * len(found)), None, asked.out, written.files)


def _provenance(folder: Path, asked: Asked) -> dict[str, str]:
    record = Run.read(folder)
    seconds = {f"seconds to {name}": f"{seconds:.1f}" for name, seconds in record["seconds"].items()}
    return {"command": record["command"], "source": asked.source, "versions": record["versions"], **seconds}


def _settings(kind: Kind, asked: Asked, parts: Parts) -> dict[str, Any]:
    """Return all that what is measured depends on; how many examples are written changes nothing of it."""
    data, what = asked.data, replace(asked.what, n=None, counts=None, where=None, given=None)
    trained = _trained(kind, asked.what)
    return {
        "kind": kind.name,
        "source": str(absolute(asked.source)),
        "name": asked.out.name,
        "synthesize": what,
        "data": replace(data, **{name: absolute(getattr(data, name)) for name in data.paths}),
        "evaluate": asdict(asked.evaluate),
        "fingerprint": parts.fingerprint,
        **({} if trained is None else {"sampler_sha256": hash_of(trained)}),
    }
