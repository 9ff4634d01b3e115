"""synthesize: a whole synthetic data set, with no real example in it, and a page that says what it is worth.

    synthetic.csv           the data set; of images a folder
    synthetic.metadata.csv  by which sampler, seed and number each example was made
    synthetic.run/          run.json, a file for each sampler tried, what was measured of it, report.html

What is measured rests on examples in the real shares of the classes, whatever shares the data set has. Every step is
skipped where its result is there, so that the same command continues a killed run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gensynth.data.files import refuse_inside, write_text
from gensynth.data.labeled import LabeledData
from gensynth.data.lock import locked
from gensynth.data.plain import MAKE_AGAIN, read_json
from gensynth.data.split import Parts
from gensynth.fidelity.checker import FidelityChecker
from gensynth.fidelity.privacy import Privacy
from gensynth.fidelity.verdict import Verdict
from gensynth.kind import Kind
from gensynth.mix.files import Files
from gensynth.mix.mix import refuse_held_out_parents, write_synthetic
from gensynth.rebalance.run import AUTO, RECORD, Run, absolute
from gensynth.sampler import SAMPLER
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic
from gensynth.synthesize.alone import Alone, alone
from gensynth.synthesize.config import SynthesizeConfig
from gensynth.synthesize.ruler import NATURAL, Measured, Ruler, best

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
        privacy: What attacks on them found.
        alone: What classifiers score that are trained on them alone; empty where there are no classes.
        counts: How many examples of each class were written.
        out: Where they are.
        folder: The folder of the run.
        natural: Whether examples may equal real ones, which equal each other as often.
        provenance: Command, versions, source and seconds, as rows of a table.
        notes: What was left out, in sentences.
    """

    parts: Parts
    one: Parts
    measured: tuple[Measured, ...]
    chosen: Measured
    drawn: Synthetic
    verdict: Verdict
    privacy: Privacy
    alone: tuple[Alone, ...]
    counts: Mapping[str, int]
    out: Path
    folder: Path
    natural: bool
    provenance: dict[str, str]
    notes: tuple[str, ...]


def synthesize(kind: Kind, asked: Asked) -> Made:
    """Make a whole synthetic data set; the same call continues a killed one.

    Raises:
        BlockingIOError: if another process writes it.
        ValueError: if the data or settings do not allow it, or something else is there.
    """
    files, out = kind.files(), asked.out
    refuse_inside(out, asked.source, asked.data.test_data)
    folder = files.run_folder(out)
    folder = folder if folder != out else out.with_name(f"{out.name}.run")
    with locked(out, folder / RECORD):
        if not (folder / RECORD).exists():
            files.refuse_existing(out)
        parts = kind.parts(asked.source, asked.data)
        counts = wanted(kind, parts.train, asked.what)
        samplers, notes = _samplers(kind, asked.what, parts.train)
        run = Run.open(folder, _settings(kind, asked, parts))
        work = _Work(asked, parts, folder, run, list(notes))
        measured = work.tried(samplers)
        chosen = best(measured)
        sampler = kind.load(_given(asked.what) or work.path(chosen.sampler))
        drawn, _ = work.ruler.draw(sampler, work.shares, asked.what.sample_seed)
        privacy = work.ruler.measured(drawn, 0.0, 0.0)[1]
        if not out.exists():
            run.step("write", lambda: _write(work, sampler, counts, files))
        if asked.what.where is not None:
            work.notes.append(
                f"Only {kind.noun}s that match {asked.what.where!r} were written; what is measured rests on all."
            )
        trained = run.step("train on synthetic alone", lambda: _alone(work, drawn))
        one = Parts(*(work.ruler.as_one(part) for part in parts.by_name.values()))
        held_out = [part for part in (one.validation, one.test) if len(part)]
        flat = work.ruler.as_one(drawn)
        verdict = run.step("check", lambda: FidelityChecker(one.train, held_out).check(flat))
        return Made(
            parts=parts,
            one=one,
            measured=measured,
            chosen=chosen,
            drawn=flat,
            verdict=verdict,
            privacy=privacy,
            alone=trained,
            counts=counts,
            out=out,
            folder=folder,
            natural=work.ruler.natural >= NATURAL,
            provenance=_provenance(folder, asked),
            notes=tuple(work.notes),
        )


def wanted(kind: Kind, train: LabeledData, what: SynthesizeConfig) -> dict[str, int]:
    """Return how many examples of each class are to be made, in the shares of the real ones that match.

    Raises:
        ValueError: if there is no such class, or no training example matches the condition.
    """
    real = train
    if what.where is not None:
        real = train.subset(kind.matching(kind.as_one(train)(train), what.where))
        if not len(real):
            raise ValueError(
                f"no training {train.noun} matches {what.where!r}; ask for what there is, for nothing else is learned."
            )
    if what.counts is not None:
        return {train.classes[train.label_of(str(name))]: n for name, n in what.counts.items()}
    return shares(real.class_counts, len(real) if what.n is None else what.n)


def shares(real: Mapping[str, int], n: int) -> dict[str, int]:
    """Return n examples in the shares of the real ones, by the largest remainder; a class may come out with none."""
    exact = {name: n * count / sum(real.values()) for name, count in real.items()}
    found = {name: int(x) for name, x in exact.items()}
    for name in sorted(exact, key=lambda name: found[name] - exact[name])[: n - sum(found.values())]:
        found[name] += 1
    return {name: count for name, count in found.items() if count}


def _given(what: SynthesizeConfig) -> Path | None:
    """Return the file of a sampler that was trained before, if one is named."""
    return Path(what.sampler) if Path(what.sampler).exists() else None


def _samplers(kind: Kind, what: SynthesizeConfig, train: LabeledData) -> tuple[Sequence[Any], Sequence[str]]:
    """Return the samplers in question, and why others are left out; ValueError if there is none of that name."""
    if (given := _given(what)) is not None:
        return [kind.load(given)], ()
    return kind.tried(train) if what.sampler == AUTO else ([kind.made(what.sampler, what.settings)], ())


class _Work:
    """A run before it is done."""

    def __init__(self, asked: Asked, parts: Parts, folder: Path, run: Run, notes: list[str]) -> None:
        self.asked, self.parts, self.folder, self.run, self.notes = asked, parts, folder, run, notes
        self.ruler = Ruler(parts, 0)
        self.shares = shares(parts.train.class_counts, min(len(parts.train), MOST_MEASURED))

    def path(self, name: str) -> Path:
        """Return where a sampler is kept."""
        return self.folder / f"{name}{SAMPLER}"

    def tried(self, samplers: Sequence[Any]) -> tuple[Measured, ...]:
        """Fit and measure samplers; ValueError if none can be.

        One that was trained before is taken to have learned from the same training part.
        """
        found = []
        for sampler in samplers:
            try:
                found.append(self._measured(sampler))
            except ValueError as error:
                if self.asked.what.sampler != AUTO:
                    raise
                self.notes.append(f"{sampler.name} is left out: {error}")
        if not found:
            raise ValueError(f"no sampler could be tried: {' '.join(self.notes)}")
        return tuple(found)

    def _measured(self, sampler: Any) -> Measured:
        kept = self.folder / f"{sampler.name}.json"
        if not kept.exists():
            found = self.run.step(f"measure {sampler.name}", lambda: self._measure(sampler))
            write_text(kept, json.dumps(asdict(found), indent=1))
        return read_json(kept, Measured, "what was measured of a sampler", MAKE_AGAIN)

    def _measure(self, sampler: Any) -> Measured:
        start = time.perf_counter()
        given = _given(self.asked.what)
        fitted: Sampler = sampler if given else sampler.fit(self.parts.train)
        drawn, copies = self.ruler.draw(fitted, self.shares, self.asked.what.sample_seed)
        seconds = time.perf_counter() - start
        refuse_held_out_parents(self.parts, drawn)
        if given is None:
            sampler.save(self.path(sampler.name))
        return self.ruler.measured(drawn, copies, seconds)[0]


def _alone(work: _Work, drawn: Synthetic) -> tuple[Alone, ...]:
    train = work.parts.train
    if len(train.classes) < 2:
        return ()
    try:
        return alone(train, drawn, work.ruler.held_out, work.asked.evaluate, work.asked.quiet)
    except ValueError as error:
        work.notes.append(f"What it is worth to a classifier was not measured: {error}")
        return ()


def _write(work: _Work, sampler: Sampler, counts: Mapping[str, int], files: Files) -> None:
    asked, seed = work.asked, work.asked.what.sample_seed
    drawn, _ = work.ruler.draw(sampler, counts, seed, asked.what.where)
    mixed = drawn.subset(np.random.default_rng(seed).permutation(len(drawn)))
    # What is shared says nothing of the real examples, not even their numbers.
    write_synthetic(replace(mixed, parents=((),) * len(mixed)), None, asked.out, files)


def _provenance(folder: Path, asked: Asked) -> dict[str, str]:
    record = Run.read(folder)
    seconds = {f"seconds to {name}": f"{seconds:.1f}" for name, seconds in record["seconds"].items()}
    return {"command": record["command"], "source": asked.source, "versions": record["versions"], **seconds}


def _settings(kind: Kind, asked: Asked, parts: Parts) -> dict[str, Any]:
    data = asked.data
    return {
        "kind": kind.name,
        "source": str(absolute(asked.source)),
        "out": str(asked.out.resolve()),
        "synthesize": asked.what,
        "data": replace(data, **{name: absolute(getattr(data, name)) for name in data.paths}),
        "evaluate": asdict(asked.evaluate),
        "fingerprint": parts.fingerprint,
    }
