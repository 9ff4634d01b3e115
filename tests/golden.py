"""What fixed seeds gave before the house was rebuilt. `python tests/golden.py > tests/golden.json` writes it anew.

A changed value means that users get other results: say so in the change log, and why.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from gensynth import DataConfig, EvaluateConfig, FidelityChecker, TableConfig, TableEvaluateConfig
from gensynth.choose.choose import choose
from gensynth.choose.samplers import choose_samplers
from gensynth.choose.search import Source
from gensynth.evaluate.evaluate import evaluate
from gensynth.fidelity.verdict import Verdict
from gensynth.kinds.image.config import ImageChooseConfig
from gensynth.kinds.image.read import Parts, read_parts
from gensynth.kinds.image.samplers.recipes import Recipes
from gensynth.kinds.image.samplers.smote import SmoteSampler
from gensynth.kinds.image.samplers.trained import TrainedSampler
from gensynth.kinds.table.config import TableChooseConfig
from gensynth.kinds.table.read import read_table_parts
from gensynth.kinds.table.samplers.catalog import get_table_sampler
from gensynth.sampler.base import Sampler
from gensynth.sampler.synthetic import Synthetic

CHECKPOINT = Path(__file__).parents[1] / "checkpoints" / "digits_vae.ckpt"


RARE = {"digits": "8", "mnist5k": "8", "adult": ">50K", "breast_cancer": "malignant"}


@cache
def parts_of(name: str) -> Parts:
    """Two or three classes, the rare one cut to 40 training examples."""
    keep = {RARE[name]: 40}
    if name in ("adult", "breast_cancer"):
        parts = read_table_parts(f"builtin:{name}", TableConfig(keep=keep))
        wanted = range(len(parts.train.classes))
    else:
        parts, wanted = read_parts(f"builtin:{name}", DataConfig(keep=keep)), (1, 3, 8)
    return Parts(
        *(
            part.subset(np.concatenate([np.flatnonzero(part.y == c)[:most] for c in wanted]))
            for part, most in ((parts.train, 200), (parts.validation, 50), (parts.test, 100))
        )
    )


def drawn(name: str, sampler: Sampler) -> Synthetic:
    """60 of the rare class."""
    return sampler.sample(RARE[name], 60, seed=3)


def samplers(name: str) -> dict[str, Sampler]:
    train = parts_of(name).train
    if train.kind == "table":
        return {s: get_table_sampler(s)().fit(train) for s in ("smote", "copula", "cart", "mixture", "bootstrap")}
    made: dict[str, Sampler] = {"smote": SmoteSampler().fit(train), "affine": Recipes("affine").fit(train)}
    return made | ({"vae": TrainedSampler.load(CHECKPOINT)} if name == "digits" else {})


def content(x: Any) -> Any:
    """Return means of ten images, or means and counts of each column: last bits differ between processors."""
    x = x[:]
    if not isinstance(x, pd.DataFrame):
        return x[:10].double().mean(dim=(1, 2, 3)).tolist()
    numbers = {str(name): float(x[name].mean()) for name in x.select_dtypes("number")}
    levels = {str(name): {str(k): int(n) for k, n in x[name].value_counts().sort_index().items()} for name in x}
    return numbers | {name: counts for name, counts in levels.items() if name not in numbers}


def verdict(found: Verdict) -> dict[str, Any]:
    scores = {s.name: s.value for c in found.classes for s in c.scores}
    return {
        "status": found.status,
        "classes": {c.label: c.status for c in found.classes},
        "reasons": dict(sorted(Counter(found.samples.reason).items())),
        "false_reject": found.false_reject,
        "contamination": found.contamination,
        "scores": scores,
    }


def of_sampler(name: str, sampler: str) -> dict[str, Any]:
    """What a sampler draws, and what the checker says of it."""
    parts, of = parts_of(name), samplers(name)[sampler]
    checker = FidelityChecker(parts.train, [parts.test])
    synthetic = drawn(name, of)
    return {"content": content(synthetic.x), "verdict": verdict(checker.check(synthetic))}


def of_evaluation(name: str) -> dict[str, Any]:
    """Whether SMOTE helps."""
    parts = parts_of(name)
    synthetic = drawn(name, samplers(name)["smote"])
    if parts.train.kind == "table":
        quick = TableEvaluateConfig(classifiers=("logistic",), folds=3)
        found: Any = evaluate(parts.train, {"smote": synthetic}, parts.test, quick, quiet=True)
        arms = {f"{a.name}, {a.model}": a.scores["average_precision"].value for a in found.arms}
    else:
        quick_images = EvaluateConfig(
            classifiers=("small",), seeds=2, steps=10, arms=("real", "oversampled", "oversampled + synthetic")
        )
        own = LogisticRegression(C=0.01)
        found = evaluate(parts.train, synthetic, parts.test, quick_images, quiet=True, classifier=own)
        arms = {a.name: a.scores["balanced_accuracy"].value for a in found.arms}
    c = found.comparisons[0]
    return {
        "arms": arms,
        "verdict": found.verdict,
        "baseline": c.baseline,
        "difference": [c.difference.value, c.difference.low, c.difference.high],
        "p_value": c.p_value,
        "rare": list(found.rare),
        "n_test": found.n_test,
    }


def of_choice(name: str, folder: Path) -> dict[str, Any]:
    """What `auto` would take."""
    parts = parts_of(name)
    if parts.train.kind == "table":
        config = TableChooseConfig(classifiers=("logistic",), folds=3, repeats=2, budget="1h")
        rows = choose_samplers(parts.train, ["smote", "copula"], config, quiet=True)
        tried = {f"{c.sampler or c.arm}, {float(c.to or 0):.3g}": c.score for c in rows.candidates}
        chosen = [rows.sampler or rows.arm, float(rows.to) if rows.to else None]
        return {"chosen": chosen, "adds": rows.adds, "tried": tried}
    sources = [Source(s, lambda _, s=s: samplers(name)[s]) for s in ("affine", "smote")]
    config_images = ImageChooseConfig(classifiers=("small",), steps=30, budget="1h")
    choice = choose(parts.train, parts.validation, sources, {"5x": {"8": 160}}, config_images, folder, quiet=True)
    return {"tried": {f"{t.sampler}, {t.to}, {t.arm}": t.score for t in sorted(choice.candidates, key=str)}}


def compute(name: str, folder: Path) -> dict[str, Any]:
    """Return everything about one data set."""
    found = {sampler: of_sampler(name, sampler) for sampler in samplers(name)}
    return found | {"evaluate": of_evaluation(name), "choose": of_choice(name, folder)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps({name: compute(name, Path(temporary) / name) for name in RARE}, indent=1))
