"""Rows of a group (a patient, a device) stay together wherever rows are parted, and count as one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gensynth.evaluate.evaluate import evaluate
from gensynth.evaluate.folds import Folds
from gensynth.kinds.table.config import TableConfig, TableEvaluateConfig
from gensynth.kinds.table.read import read_table_parts
from gensynth.kinds.table.samplers.catalog import get_table_sampler

PATIENTS, VISITS = 60, 5


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patients with several visits each; what a patient has, he has at every visit."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(PATIENTS), VISITS)
    ill = np.arange(PATIENTS) % 4 == 0
    frame = pd.DataFrame(
        {
            "patient": [f"p{i}" for i in patient],
            "level": rng.normal(size=PATIENTS)[patient] + ill[patient] + 0.1 * rng.normal(size=len(patient)),
            "age": rng.integers(20, 90, PATIENTS)[patient],
            "ill": np.where(ill[patient], "yes", "no"),
        }
    )
    path = tmp_path_factory.mktemp("data") / "visits.csv"
    frame.to_csv(path, index=False)
    return path


def test_a_group_stays_in_one_part_and_one_fold(visits: Path) -> None:
    parts = read_table_parts(visits, TableConfig(target="ill", group="patient"))
    of_parts = [set(part.groups or ()) for part in (parts.train, parts.validation, parts.test)]
    assert all(of_parts) and len(set.union(*of_parts)) == sum(map(len, of_parts)) == PATIENTS
    groups = np.array(parts.train.groups)
    splits = Folds(parts.train, folds=3, repeats=2, seed=0).splits
    assert len(splits) == 6 and all(np.sort(np.concatenate(splits[:3])) == np.arange(len(groups)))
    for rows in splits:
        assert not set(groups[rows]) & set(np.delete(groups, rows))
        assert len(np.unique(parts.train.y[rows])) == 2


def test_nothing_is_learned_from_the_column(visits: Path) -> None:
    parts = read_table_parts(visits, TableConfig(target="ill", group="patient"))
    schema = parts.train.x.schema
    assert schema.column("patient").kind == "ignore" and any("'patient' is ignored" in n for n in parts.train.notes)
    drawn = get_table_sampler("smote")().fit(parts.train).sample("yes", 5, 0)
    assert drawn.x.frame["patient"].isna().all()


def test_groups_make_intervals_wider(visits: Path) -> None:
    """Five visits of one patient are no five witnesses."""
    config = TableEvaluateConfig(classifiers=("logistic",), folds=3)
    widths = []
    for group in ("patient", None):
        parts = read_table_parts(visits, TableConfig(target="ill", group="patient", test=0.5))
        train, test = parts.train, parts.test
        if group is None:
            test = test.__class__(**{**vars(test), "groups": None})
        synthetic = get_table_sampler("smote")().fit(train).sample("yes", 40, 0)
        found = evaluate(train, {"smote": synthetic}, test, config, quiet=True)
        arm = next(a for a in found.arms if a.name == "real")
        precision = arm.scores["average_precision"]
        widths.append(precision.high - precision.low)
        assert ("of whole groups" in found.intervals) == (group is not None)
    assert widths[0] > 1.3 * widths[1]


def test_a_column_that_says_no_group_is_refused(visits: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="group 'patien' is not one of the columns .* Did you mean 'patient'"):
        read_table_parts(visits, TableConfig(target="ill", group="patien"))
    frame = pd.read_csv(visits)
    frame.loc[:1, "patient"] = None
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    with pytest.raises(ValueError, match="2 rows have no 'patient'"):
        read_table_parts(tmp_path / "gaps.csv", TableConfig(target="ill", group="patient"))
