"""Whether filling the tail of a number helps: regressors that never see it, and the answer of `evaluate`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gensynth.data.labeled import LabeledData
from gensynth.evaluate.evaluate import draw, evaluate
from gensynth.evaluate.intervals import HELPS
from gensynth.evaluate.ways import REAL, WEIGHTS
from gensynth.kind import kinds
from gensynth.kinds.table.config import (
    CLASSIFIERS,
    TableChooseConfig,
    TableEvaluateConfig,
    TailChooseConfig,
    TailEvaluateConfig,
    of_a_number,
)
from gensynth.kinds.table.encoder import Encoder
from gensynth.kinds.table.read import with_tail
from gensynth.kinds.table.regressors import TableRegressor
from gensynth.kinds.table.rules import Rule
from gensynth.kinds.table.samplers.catalog import get_table_sampler
from gensynth.kinds.table.tables import from_frame
from gensynth.kinds.table.tail import Tail
from gensynth.sampler.synthetic import Synthetic

CUT = 1.0
QUICK = TableEvaluateConfig(classifiers=("forest",), arms=(REAL, WEIGHTS, "real + synthetic"))


def two_laws(n: int, seed: int, noise: float = 0.0) -> LabeledData:
    """Numbers below 1 that `a` says; in a tenth of the rows `b` says numbers above, unless all of it is noise."""
    rng = np.random.default_rng(seed)
    a, b = rng.random(n), rng.uniform(-1, 1, n)
    price = np.where(a < 0.9, a, 5 + 3.9 * b)
    price = np.where(rng.random(n) < noise, rng.permutation(price), price)
    frame = pd.DataFrame({"a": a, "price": price, "b": b, "level": rng.choice(["x", "y", None], n)})
    return with_tail(from_frame(frame, None), Tail("price", high=CUT))


def as_synthetic(data: LabeledData) -> Synthetic:
    """Rows as if a sampler had drawn them, those of the tail alone."""
    rows = data.subset(np.flatnonzero(data.y == 1))
    n = len(rows)
    return Synthetic(
        x=rows.x,
        y=rows.y,
        classes=rows.classes,
        index=np.arange(n),
        sampler="truth",
        seed=0,
        how=("row",) * n,
        parents=((),) * n,
        checkpoint_sha256=("",) * n,
    )


@pytest.mark.parametrize(("model", "way"), [*((model, REAL) for model in CLASSIFIERS), ("logistic", WEIGHTS)])
def test_every_regressor_predicts_a_number_it_has_not_seen(model: str, way: str) -> None:
    train, test = two_laws(120, 0), two_laws(60, 1)
    extra = draw(get_table_sampler("smote")().fit(train), {train.classes[1]: 20}, 0)
    regressor = TableRegressor(model, Encoder(train), train.x.schema.tail, 0, 1)
    said = regressor.try_way(way, train, extra, test, lambda done: None)
    blank = replace(test, x=replace(test.x, frame=test.x.frame.assign(price=0.0)))
    without = regressor.try_way(way, train, extra, blank, lambda done: None)
    np.testing.assert_array_equal(said.said, without.said)
    assert said.n_train == 140 and said.true.tolist() == test.x.frame["price"].tolist()
    assert said.median == np.median(train.x.frame["price"]) and said.tail == (1,)
    assert said.score(np.ones((60, 1)), 1)["balanced_skill"] > 0.2


def test_neither_the_number_nor_a_rule_on_it_is_among_what_is_read() -> None:
    train = two_laws(60, 0)
    tied = Rule("fixed_combinations", ("price", "level"))
    schema = replace(train.x.schema, rules=(tied, Rule("predicate", expression="a >= 0")))
    encoder = Encoder(replace(train, x=replace(train.x, schema=schema)))
    assert [c.name for c in (*encoder.codec.number_columns, *encoder.codec.code_columns)] == ["a", "b", "level"]
    assert schema.predictors.rules == schema.rules[1:]


def test_rows_that_show_the_law_of_the_tail_help_and_copies_do_not() -> None:
    train, test = two_laws(100, 0), two_laws(400, 1)
    truth, copies = (
        as_synthetic(two_laws(1500, 2)),
        draw(get_table_sampler("random")().fit(train), {"price >= 1": 90}, 0),
    )
    found = {
        name: evaluate(train, {name: rows}, test, QUICK, True) for name, rows in (("truth", truth), ("copies", copies))
    }
    arms = {arm.name: arm for arm in found["truth"].arms}
    assert found["truth"].verdict == HELPS and found["copies"].verdict != HELPS
    assert found["truth"].metric == "balanced_skill" and "balanced skill" in found["truth"].why.lower()
    assert list(arms) == [REAL, WEIGHTS, "real + truth", "real + smote"]
    assert arms["real + truth"].scores["tail_error"].value < 0.6 * arms[REAL].scores["tail_error"].value
    assert set(arms[REAL].recall) == {"price < 1", "price >= 1"} and found["truth"].rare == ("price >= 1",)


def test_what_columns_do_not_tell_no_row_teaches() -> None:
    train, test = two_laws(150, 0, noise=1.0), two_laws(400, 1, noise=1.0)
    rows = draw(get_table_sampler("bootstrap")().fit(train), {"price >= 1": 100}, 0)
    linear = replace(QUICK, classifiers=("logistic",))
    found = evaluate(train, {"rows": rows}, test, linear, quiet=True)
    assert found.verdict != HELPS and found.models == ["ridge"] and "square roots" in found.notes[0]


def test_settings_are_those_of_numbers_where_one_is_predicted() -> None:
    assert of_a_number(TableEvaluateConfig(seed=3)) == TailEvaluateConfig(seed=3)
    assert of_a_number(TableChooseConfig(repeats=2)) == TailChooseConfig(repeats=2)
    asked = of_a_number(QUICK)
    assert asked.arms == QUICK.arms and of_a_number(asked) == asked
    for wrong, text in (
        (TableEvaluateConfig(metric="roc_auc"), "--metric would change nothing here: what counts .* balanced_skill"),
        (TableEvaluateConfig(arms=("threshold", "real + synthetic")), "'threshold' are unknown; allowed: real, class"),
    ):
        with pytest.raises(ValueError, match=text):
            of_a_number(wrong)
    kind, train = kinds()["table"], two_laws(60, 0)
    assert kind.suited(QUICK, train) == asked
    design = kind.design(train, None, kind.suited(TableChooseConfig(folds=2, repeats=1), train))
    assert design.ways == design.made == (REAL, WEIGHTS)
    assert [c.name for c in design.classifiers] == ["boosting", "ridge"]
