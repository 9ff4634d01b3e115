"""evaluate: one contract for all kinds of data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from two_kinds import CASES, drawn

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import evaluate, evaluate_splits
from gensynth.evaluate.results import load_evaluation, save_evaluation
from gensynth.report.printed import print_evaluation

both = pytest.mark.parametrize("kind", list(CASES))


def parts(kind: str) -> tuple[LabeledData, LabeledData, LabeledData]:
    """Real training and test examples of two classes, and as many more of the rare one as may be wanted."""
    make = CASES[kind].make
    return make((60, 16), 0), make((40, 30), 1), make((60, 40), 2)


@both
def test_an_answer_is_determined_by_its_seed_and_survives_json(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (train, test, more), case = parts(kind), CASES[kind]
    made, state = {"mine": drawn(more, "b")}, (torch.get_rng_state().tolist(), np.random.get_state()[1].tolist())
    first = evaluate(train, made, test, case.config, quiet=True)
    assert (torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()) == state
    assert evaluate(train, made, test, case.config, quiet=True) == first
    assert evaluate(train, made, test, replace(case.config, seed=1), quiet=True) != first
    arms = {a.name: a for a in first.arms}
    assert tuple(arms)[: len(case.baselines)] == case.baselines and {a.model for a in first.arms} == {
        "small" if kind == "image" else "logistic"
    }
    assert all(a.n_train == (116 if "+" in name else 76) for name, a in arms.items())
    assert {c.arm for c in first.comparisons} == {name for name in arms if "+" in name}
    assert first.headline.arm.endswith(" + mine") and first.why == first.headline.why
    assert (first.positive, first.rare, first.noun) == ("b", ("b",), train.noun)
    assert first.n_test == {"a": 40, "b": 30} and first.metric in first.arms[0].scores
    assert (first.splits, first.seeds, first.steps) == ((1, 2, 20) if kind == "image" else (1, 1, 0))
    save_evaluation(first, tmp_path / "sub" / "evaluation.json")
    assert load_evaluation(tmp_path / "sub" / "evaluation.json") == first
    fields = json.loads((tmp_path / "sub" / "evaluation.json").read_text())
    for wrong in (fields | {"schema": 1}, {k: v for k, v in fields.items() if k != "schema"}, []):
        (tmp_path / "old.json").write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match=r"old.json' is not an evaluation of this version.*; delete it"):
            load_evaluation(tmp_path / "old.json")
    print_evaluation(first)
    said = capsys.readouterr().out
    assert all(name in said for name in arms) and f"did it help: {first.verdict}. {first.why}" in said


@both
def test_several_splits_and_several_sets_of_synthetic_examples_are_compared(kind: str) -> None:
    (train, _, more), case = parts(kind), CASES[kind]
    rng, splits = np.random.default_rng(0), []
    given = {"mine": drawn(more, "b"), "all of both": drawn(more)}
    for _ in range(3):
        test = np.sort(np.concatenate([rng.permutation(np.flatnonzero(train.y == k))[:5] for k in range(2)]))
        splits.append((train.subset(np.setdiff1d(np.arange(76), test)), given, train.subset(test)))
    config = replace(case.config, arms=("real", "real + synthetic"))
    found = evaluate_splits(splits, config, quiet=True)
    assert [(a.name, a.n_train) for a in found.arms] == [
        ("real", 66),
        ("real + mine", 106),
        ("real + all of both", 166),
    ]
    assert found.splits == 3 and 5 <= found.n_test["b"] <= 15 and found.headline.arm == "real + mine"
    assert found.rare == ("b", "a") and "Nadeau and Bengio" in found.intervals
    assert evaluate_splits(splits[:2], config, quiet=True, rare=["b"]).rare == ("b",)


@both
def test_what_the_gate_rejects_is_compared_and_never_gives_or_changes_the_verdict(kind: str) -> None:
    (train, test, more), case = parts(kind), CASES[kind]
    config = replace(case.config, arms=("real", "real + synthetic", "real + ungated"))
    good, wrong = drawn(more, "b"), replace(drawn(more, "a").subset(np.arange(40)), y=np.ones(40, dtype=np.int64))
    for passes, raw in ((good, wrong), (wrong, good)):
        found = evaluate(train, {"synthetic": passes, "ungated": raw}, test, config, quiet=True)
        value = {arm.name: arm.scores[config.metric].value for arm in found.arms}
        better, worse = ("synthetic", "ungated") if passes is good else ("ungated", "synthetic")
        assert value[f"real + {better}"] > value[f"real + {worse}"]
        assert found.headline.arm == "real + synthetic"
        alone = evaluate(train, passes, test, replace(config, arms=config.arms[:2]), quiet=True)
        assert [c for c in found.comparisons if c.arm != "real + ungated"] == list(alone.comparisons)
    with pytest.raises(ValueError, match=r"'real \+ ungated' need .*s as they were drawn; give ungated"):
        evaluate(train, good, test, config)


@both
def test_wrong_inputs_are_refused(kind: str) -> None:
    (train, test, more), config = parts(kind), CASES[kind].config
    synthetic, noun = drawn(more, "b"), train.noun
    for message, given in (
        (f"no synthetic {noun}s were given", (train, {}, test)),
        (f"no synthetic {noun}s were given", (train, {"ungated": synthetic}, test)),
        (f"mine has no {noun}s", (train, {"mine": synthetic.subset([])}, test)),
        (f"test has no {noun}s", (train, synthetic, test.subset([]))),
        ("classes of test", (train, synthetic, replace(test, classes=("a", "d")))),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate(*given, config)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="splits is empty"):
        evaluate_splits([], config)
    other = CASES["table" if kind == "image" else "image"].config
    with pytest.raises(TypeError, match="are tested .* EvaluateConfig"):
        evaluate(train, synthetic, test, other)
    for settings, message in (
        ({"metric": "accuracy"}, "metric 'accuracy' is unknown; allowed: "),
        ({"rope": 1.0}, "rope must be at least 0 and less than 1"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"arms": ("real", "resampled")}, "'resampled' are unknown; allowed: real, "),
        ({"arms": ("class weights + synthetic",)}, "at least one of real, .*, to compare synthetic examples with"),
        ({"arms": ("real", "class weights")}, "at least one of real \\+ synthetic, .*, to compare"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(config, **settings)
