"""Is what `auto` chose ever worse than the best model without synthetic examples? For any kind of data.

The metric is average precision on examples that `auto` never saw. What it chose (sampler, share, way, classifier) is
compared with

- its own base: the model without synthetic examples that the same cross-validation found best;
- the single model and way without that is best in the mean over all data sets, told in hindsight;
- the best model and way of each data set, told in hindsight by the examples that are scored: nobody can choose it.

Goal: not below the first two by more than 0.3 points in the mean, and nowhere clearly below its base. Clear is a
difference whose p-value (paired bootstrap of what is scored), corrected by Holm over all data sets, is below 0.05; wins
are held to the same.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from table_report import markdown
from threadpoolctl import threadpool_limits

from gensynth.choose.samplers import choose_samplers
from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import draw
from gensynth.evaluate.intervals import LEVEL, by_examples_and_seeds, resamples
from gensynth.evaluate.ways import REAL, THRESHOLD, way_of
from gensynth.fidelity.metrics import holm
from gensynth.kind import kinds
from gensynth.mix.targets import target_counts

CLOSE = -0.003
"""Mean difference down to which a goal is held."""


def measure(train: LabeledData, test: LabeledData, seconds: float) -> dict[str, Any]:
    """Return the scores of every model without synthetic examples and of what `auto` chose, and how sure they differ.

    Args:
        train: All that `auto` sees.
        test: What is scored.
        seconds: Limit of its choice.
    """
    kind, before = kinds()[train.kind], time.process_time()
    choice = choose_samplers(train, None, kind.config("ChooseConfig")(budget=f"{seconds}s"), quiet=True)
    spent = time.process_time() - before
    config, times = kind.config("EvaluateConfig")(), resamples(test.y, np.random.default_rng(0))
    models = {model.name: model for model in kind.classifiers(train, config)}

    def precision(model: str, way: str, added: Any = None) -> np.ndarray:
        outcome = models[model].untuned().try_way(way, train, added, test, lambda _: None)
        return outcome.score(times, times.shape[1])["average_precision"]

    def ranked(way: str) -> str:
        return REAL if way == THRESHOLD else way  # a threshold changes no rank

    with threadpool_limits(1):
        ways = [way for way in config.ways if way != THRESHOLD]
        found = {(model, way): precision(model, way) for model in models for way in ways}
        base = found[choice.base.classifier, ranked(choice.baseline)]
        if choice.sampler:
            sampler = kind.made(choice.sampler, None).fit(train)
            added = draw(sampler, target_counts(train.class_counts, choice.to), 0)
            chosen = precision(choice.classifier, way_of(choice.arm), added)
        else:
            chosen = found[choice.classifier, ranked(choice.arm)]
    return {
        "n": len(train),
        "rare": min(train.class_counts.values()),
        "chose": choice.chosen,
        "added": sum(choice.adds.values()) if choice.sampler else 0,
        "auto": float(chosen[0, 0]),
        "base": float(base[0, 0]),
        "base_called": choice.base.called,
        "p": by_examples_and_seeds(chosen - base, 0.0).p_value,
        "without": {f"{model}, {way}": float(scores[0, 0]) for (model, way), scores in found.items()},
        "seconds": spent,
        "notes": [note for note in choice.notes if "left out" in note],
    }


def report(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the answers, then a row for each data set, as Markdown; `found` is what `measure` returns, by name."""
    by_model: dict[str, list[float]] = defaultdict(list)
    for line in found.values():
        for model, value in line["without"].items():
            by_model[model].append(value)
    usual = max(by_model, key=lambda model: float(np.mean(by_model[model])))
    auto = np.array([line["auto"] for line in found.values()])
    p = holm(np.array([line["p"] for line in found.values()]))
    against = {
        "its own base": np.array([line["base"] for line in found.values()]),
        f"{usual}, the best in the mean": np.array([line["without"][usual] for line in found.values()]),
        "the best of each, in hindsight": np.array([max(line["without"].values()) for line in found.values()]),
    }
    head = ["`auto` against", "mean difference in points (s.e.)", "goal"]
    rows = [[name, _mean(auto - other), _held(name, auto - other)] for name, other in against.items()]
    clear = [
        f"{name} ({100 * (line['auto'] - line['base']):+.1f}, p {value:.2g})"
        for (name, line), value in zip(found.items(), p, strict=True)
        if value < LEVEL and line["auto"] != line["base"]
    ]
    wins = sum(line["added"] > 0 for line in found.values())
    told = f"It added synthetic examples to {wins} of {len(found)}. Clear differences from its base: "
    told += f"{', '.join(clear) or 'none'}."
    each = ["data", "examples", "rarest", "`auto` chose", "average precision", "its base", "best in hindsight", "CPU s"]
    listed = [
        [
            name,
            f"{line['n']:,}",
            str(line["rare"]),
            line["chose"],
            f"{100 * line['auto']:.1f}",
            f"{100 * line['base']:.1f} ({line['base_called']})",
            f"{100 * max(line['without'].values()):.1f} ({max(line['without'], key=line['without'].__getitem__)})",
            f"{line['seconds']:.0f}",
        ]
        for name, line in found.items()
    ]
    return "\n\n".join([markdown(head, rows), told, markdown(each, listed)])


def _mean(gaps: np.ndarray) -> str:
    return f"{100 * gaps.mean():+.2f} ({100 * gaps.std(ddof=1) / len(gaps) ** 0.5:.2f})"


def _held(name: str, gaps: np.ndarray) -> str:
    if "hindsight" in name:
        return "none"
    return "held" if gaps.mean() >= CLOSE else "MISSED"
