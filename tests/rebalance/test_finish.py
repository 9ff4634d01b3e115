"""What is said where nothing was added."""

from __future__ import annotations

from dataclasses import replace

from pages import choice_of, evaluation_of

from gensynth.evaluate.intervals import Estimate
from gensynth.rebalance.finish import advice_of


def test_the_advice_names_the_classifier_that_was_best_without_rows_and_what_it_reached() -> None:
    choice, tested = choice_of("table"), evaluation_of("table")
    tried = [replace(choice.candidates[0], classifier="boosting")]
    plain = choice.candidates[1]
    tried += [replace(plain, classifier="logistic", score=0.6), replace(plain, classifier="forest")]
    choice = replace(choice, candidates=tuple(tried), classifier="boosting")
    reached = {"boosting": Estimate(0.11, 0.1, 0.12), "logistic": Estimate(0.22, 0.2, 0.24)}
    arms = [replace(arm, scores={tested.metric: reached[arm.model]}) for arm in tested.arms]
    said = advice_of(choice, replace(tested, arms=tuple(arms)))
    assert "Instead, train on the real rows as they are, with logistic: of the ways" in said
    assert said.endswith("on the test rows it has 22.0% (20.0% to 24.0%).")
    alone = replace(choice, candidates=choice_of("table").candidates, classifier="")
    assert "as they are: of the ways" in advice_of(alone, None)
