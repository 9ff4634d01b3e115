"""gensynth synthesize: a whole data set from the command line, killed runs, refusals, and what it is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import refused, run

from gensynth.evaluate.intervals import Estimate
from gensynth.kind import kinds
from gensynth.kinds.table.config import TableEvaluateConfig
from gensynth.kinds.table.tables import from_frame
from gensynth.sampler.synthetic import Synthetic
from gensynth.synthesize import synthesize as steps
from gensynth.synthesize.alone import alone, strongest
from gensynth.synthesize.written import WrittenFile

QUICK = ("--evaluate.classifiers", "logistic", "--quiet")
TABLE = kinds()["table"]


def visits(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng, at = np.random.default_rng(seed), np.arange(n)
    ill = at % 4 == 0
    frame = pd.DataFrame(
        {
            "visit": at + 1000,
            "day": pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "pulse": rng.normal(70 + 25 * ill, 9).round(1),
            "ward": rng.choice(["A", "B", None], n, p=[0.5, 0.3, 0.2]),
            "ill": np.where(ill, "yes", "no"),
            "weight": rng.normal(75, 12, n).round(1),
        }
    )
    return frame.mask(rng.random(frame.shape) < np.array([0, 0, 0, 0, 0, 0.1]))


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    visits().to_csv("clinic.csv", index=False)
    return tmp_path


def synthetic(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    code, out, err = run(capsys, "synthesize", "clinic.csv", *argv, *QUICK)
    assert code == ("\nLeakage detected" in out), err
    return out


def test_a_table_comes_out_like_the_real_one_and_holds_none_of_its_rows(
    clinic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = synthetic(capsys, "--out", "new.csv", "--target", "ill", "--n", 300)
    real, new = pd.read_csv("clinic.csv"), pd.read_csv("new.csv")
    assert [*new.columns] == [*real.columns] and len(new) == 300
    assert new.dtypes.to_dict() == real.dtypes.to_dict() and new["weight"].isna().mean() == pytest.approx(0.1, abs=0.06)
    assert new["ill"].value_counts().to_dict() == {"no": 225, "yes": 75}
    assert not {*new["visit"]} & {*real["visit"]} and not new.duplicated().any()
    content = [c for c in real if c != "visit"]
    assert len(new.merge(real, on=content)) == 0
    rows = pd.read_csv("new.metadata.csv")
    assert (rows["parents"] == "[]").all() and not np.array_equal(rows["index"], np.sort(rows["index"]))
    taken = next(line for line in told.splitlines() if "(taken)" in line).split()[0]
    assert f"300 rows (no 225, yes 75) by {taken}." in told and "Trained on them alone, logistic reaches" in told
    page = Path("new.run/report.html").read_text(encoding="utf-8")
    assert "Which sampler?" in page and "In place of real data" in page and "tabular_vae" in page
    files = {path: path.read_bytes() for path in clinic.rglob("*") if path.is_file() and path.suffix != ".html"}
    assert synthetic(capsys, "--out", "new.csv", "--target", "ill", "--n", 300) == told
    assert files.keys() == {path for path in clinic.rglob("*") if path.is_file() and path.suffix != ".html"}
    assert all(path.read_bytes() == content for path, content in files.items() if path.name != "run.json")


def test_without_a_target_a_table_has_no_classes(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = synthetic(capsys, "--out", "new.csv", "--sampler", "copula")
    new = pd.read_csv("new.csv")
    assert [*new.columns] == [*visits().columns] and f"{len(new)} rows by copula." in told and "alone" not in told
    assert new["ill"].value_counts(normalize=True)["yes"] == pytest.approx(0.25, abs=0.08)
    assert "no classes" in Path("new.run/report.html").read_text(encoding="utf-8")


def test_counts_of_classes_are_as_they_are_asked_for(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthetic(capsys, "--out", "new.csv", "--target", "ill", "--sampler", "copula", "--counts", "yes=50,no=20")
    assert pd.read_csv("new.csv")["ill"].value_counts().to_dict() == {"yes": 50, "no": 20}


def test_rows_match_a_condition(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = "pulse > 90 and ward == 'B' and ill == 'yes'"
    argv = ("--target", "ill", "--sampler", "copula", "--n", 40)
    told = synthetic(capsys, "--out", "new.csv", *argv, "--where", where)
    new = pd.read_csv("new.csv")
    assert len(new) == 40 and (new["pulse"] > 90).all() and {*new["ward"]} == {"B"} and {*new["ill"]} == {"yes"}
    assert "of the rows drawn match" in told
    rare = refused(capsys, "synthesize", "clinic.csv", "--out", "b.csv", *argv, "--where", "pulse > 500", *QUICK)
    assert "there is no training row that matches 'pulse > 500'" in rare
    blank = refused(capsys, "synthesize", "clinic.csv", "--out", "b.csv", *argv, "--where", "heart rate > 5", *QUICK)
    assert "stand in backquotes" in blank
    rare = refused(capsys, "synthesize", "clinic.csv", "--out", "b.csv", *argv, "--where", "puls > 5", *QUICK)
    assert "Did you mean pulse" in rare.replace("'", "") and not Path("b.run").exists()


def test_rows_are_made_around_given_cells(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = visits(200, seed=5)[["ill", "ward", "visit"]]
    given.to_csv("given.csv", index=False)
    argv = ("--target", "ill", "--given", "given.csv")
    told = synthetic(capsys, "--out", "new.csv", *argv)
    new = pd.read_csv("new.csv")
    pd.testing.assert_frame_equal(new[[*given]], pd.read_csv("given.csv"))
    assert "200 rows (no 150, yes 50) by " in told and "What was given of the rows stands in them as it was" in told
    assert "copula, smote, tabular_vae cannot draw around what is given" in told
    pulse = new.groupby("ill")["pulse"].mean()
    assert pulse["yes"] - pulse["no"] > 15 and len(new.merge(pd.read_csv("clinic.csv"), on=[*new][1:])) == 0
    before = Path("new.csv").read_bytes()
    assert synthetic(capsys, "--out", "new.csv", *argv) == told and Path("new.csv").read_bytes() == before
    given.head(9).to_csv("given.csv", index=False)
    other = refused(capsys, "synthesize", "clinic.csv", "--out", "new.csv", *argv, *QUICK)
    assert "was asked for otherwise (given: " in other
    assert "9 rows by " in synthetic(capsys, "--out", "all.csv", "--given", "given.csv"), "the label is a column"
    assert (pd.read_csv("all.csv")["ill"] == given["ill"].head(9)).all()
    for more, says in (
        (("--sampler", "copula"), "copula draws whole rows only; with --given take cart or mixture."),
        (("--n", 5), "--n would change nothing here: --given says how many rows are made"),
        (("--where", "pulse > 80"), "--where would change nothing here"),
    ):
        assert says in refused(capsys, "synthesize", "clinic.csv", "--out", "b.csv", *argv, *more, *QUICK)
    given.assign(ward="C").to_csv("given.csv", index=False)
    told = refused(capsys, "synthesize", "clinic.csv", "--out", "b.csv", *argv, *QUICK)
    assert "given column 'ward' holds 'C' in row 0" in told and not Path("b.run").exists()
    with pytest.raises(ValueError, match="--given is for tables, not for images"):
        kinds()["image"].given("given.csv", from_frame(visits(), "ill"))


def test_a_killed_run_goes_on_and_comes_to_the_same(
    clinic: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*args: Any) -> None:
        raise KeyboardInterrupt

    argv = ("--target", "ill", "--sampler", "cart")
    with monkeypatch.context() as patched:
        patched.setattr(steps, "write_synthetic", killed)
        run(capsys, "synthesize", "clinic.csv", "--out", "new.csv", *argv, *QUICK)
    assert not Path("new.csv").exists() and Path("new.run/measured cart.json").exists()
    with monkeypatch.context() as patched:
        patched.setattr(steps._Work, "_measure", killed)
        synthetic(capsys, "--out", "new.csv", *argv)
    with monkeypatch.context() as patched:
        patched.setattr(WrittenFile, "finish", killed)
        run(capsys, "synthesize", "clinic.csv", "--out", "again.csv", *argv, *QUICK)
    assert Path("again.csv").exists(), "killed after it had written"
    synthetic(capsys, "--out", "again.csv", *argv)
    assert Path("new.csv").read_bytes() == Path("again.csv").read_bytes()
    assert json.loads(Path("again.run/written.json").read_text())["sha256"]


def test_a_sampler_that_was_trained_before_draws(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "train", "cart", "--data", "clinic.csv", "--target", "ill", "--out", ".")[0] == 0
    argv = ("--target", "ill", "--sampler", "cart.sampler")
    assert "by cart" in synthetic(capsys, "--out", "new.csv", *argv)
    code, _, said = run(capsys, "synthesize", "clinic.csv", *argv, "--out", "b.csv", "--split_seed", 1, *QUICK)
    assert code == 2 and "belong to the validation or test part" in said


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--n", 0), "n must be at least 1, got 0"),
        (("--n", 5, "--counts", "yes=5"), "give one of the two"),
        (("--counts", "yes"), "--counts NAME=N,NAME=N"),
        (("--counts", "ill=5"), "label 'ill' is not one of the classes 'no', 'yes'"),
        (("--sampler", "copla"), "Did you mean 'copula'?"),
        (("--sampler", "random"), "are copies of real ones"),
        (("--settings", '{"k": 3}'), "settings are those of a named sampler"),
        (("--target", "sick"), "there is no column 'sick'"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    clinic: Path, capsys: pytest.CaptureFixture[str], argv: tuple[object, ...], says: str
) -> None:
    target = () if "--target" in argv else ("--target", "ill")
    assert says in refused(capsys, "synthesize", "clinic.csv", "--out", "new.csv", *target, *argv, *QUICK)
    assert {path.name for path in clinic.iterdir()} == {"clinic.csv"}


def test_another_request_or_another_file_is_refused(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthetic(capsys, "--out", "new.csv", "--sampler", "copula")
    argv = ("synthesize", "clinic.csv", "--sampler", "copula", *QUICK)
    assert "was asked for otherwise" in refused(capsys, *argv, "--out", "new.csv", "--n", 5)
    assert "other settings" in refused(capsys, *argv, "--out", "new.tsv")
    Path("new.csv").write_text("something else")
    assert "is not what was written there" in refused(capsys, *argv, "--out", "new.csv")
    Path("new.csv").unlink()
    assert "5 rows by copula" in synthetic(capsys, "--sampler", "copula", "--out", "new.csv", "--n", 5)
    assert "its own command" in refused(capsys, "report", "new.run")
    Path("copula").mkdir()
    assert "by copula" in synthetic(capsys, "--sampler", "copula", "--out", "b.csv")
    again = refused(capsys, "synthesize", "clinic.csv", "--out", "b.csv", "--sampler", "cart", *QUICK)
    assert "holds a run with other settings" in again
    assert "exists" in refused(capsys, "synthesize", "clinic.csv", "--out", "clinic.csv", *QUICK)


def test_wrong_labels_cost_what_is_trained_on_them_alone() -> None:
    frame, fresh = visits(600), visits(600, seed=1)
    train, test = (from_frame(each.drop(columns="visit"), "ill") for each in (frame, fresh))
    sampler = TABLE.made("copula", None).fit(train)
    drawn = Synthetic.concat([sampler.sample(name, n, 0) for name, n in train.class_counts.items()])
    config = TableEvaluateConfig(classifiers=("logistic",))
    good, bad = (
        alone(train, samples, test, config, quiet=True)[0]
        for samples in (drawn, steps.replace(drawn, y=np.random.default_rng(0).permutation(drawn.y)))
    )
    assert good.real == bad.real and good.difference.low < 0.02 and bad.difference.high < -0.2
    assert good.recalls.keys() == {"no", "yes"} and strongest([good]) == good
    assert isinstance(good.synthetic, Estimate) and good.synthetic.value > bad.synthetic.value + 0.2


def as_schema(capsys: pytest.CaptureFixture[str]) -> tuple[object, ...]:
    assert run(capsys, "explore", "clinic.csv", "--target", "ill", "--out", "schema.json")[0] == 0
    return ("--target", "ill", "--schema", "schema.json", "--epsilon", "20")


def test_under_a_bound_rows_are_drawn_from_noisy_counts_of_all_rows(
    clinic: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("opendp", reason="the extra 'dp' is not installed")
    argv = as_schema(capsys)
    told = synthetic(capsys, "--out", "new.csv", *argv)
    real, new = pd.read_csv("clinic.csv"), pd.read_csv("new.csv")
    assert [*new.columns] == [*real.columns] and 370 < len(new) < 430
    assert new["ill"].value_counts(normalize=True)["yes"] == pytest.approx(0.25, abs=0.06)
    assert new["pulse"].groupby(new["ill"]).mean().diff().iloc[1] > 12
    assert "by mst. epsilon = 20, delta = 1e-06, for ONE row added or removed" in told
    assert "None was left out for being equal" in told and "the bound does not cover it" in told
    page = Path("new.run/report.html").read_text(encoding="utf-8")
    assert "It covers what was learned and all that is drawn from it" in page
    kept = kinds()["table"].load(Path("new.run/mst of all.sampler"))
    assert sum(kept.class_counts.values()) == len(new)
    monkeypatch.setattr(steps._Work, "_measure", lambda *_: pytest.fail("it is fitted again"))
    assert synthetic(capsys, "--out", "new.csv", *argv) == told, "the budget is not spent again"
    before = Path("new.csv").read_bytes()
    Path("new.csv").unlink()
    synthetic(capsys, "--out", "new.csv", *argv)
    assert Path("new.csv").read_bytes() == before


def test_copies_of_real_rows_stay_under_a_bound(clinic: Path) -> None:
    """Their absence would tell of the real rows."""
    data = from_frame(visits().drop(columns="visit"), "ill")
    parts = TABLE.parts("clinic.csv", TABLE.config("WholeConfig")(target="ill"))
    ruler = steps.Ruler(parts, 0)

    class Copies(type(TABLE.made("copula", None))):  # type: ignore[misc]
        private = True

        def _sample(self, label: str, index: np.ndarray, seed: int) -> Synthetic:
            found = super()._sample(label, index, seed)
            real = parts.train.subset(parts.train.y == parts.train.label_of(label)).x
            return steps.replace(found, x=real.take(index % len(real)))

    assert len(data) and ruler.draw(Copies().fit(parts.train), {"no": 30}, 0).copies == 1
    open_ = Copies().fit(parts.train)
    open_.private = False
    with pytest.raises(ValueError, match="are copies of real ones"):
        ruler.draw(open_, {"no": 30}, 0)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--epsilon", "3"), "--epsilon needs --schema FILE, whose levels and ranges count as public"),
        (("--schema", "schema.json", "--epsilon", "0"), "epsilon must lie between 0.01 and 100"),
        (("--delta", "1e-5"), "--delta would change nothing here: it belongs to --epsilon"),
        (("--schema", "schema.json", "--epsilon", "3", "--sampler", "cart"), "leave --sampler out"),
        (("--schema", "schema.json", "--epsilon", "3", "--delta", "0.01"), "delta must be below 1 / (number of rows)"),
        (
            ("--schema", "schema.json", "--epsilon", "3", "--where", "pulse > 80"),
            "--where would look at further real rows",
        ),
        (("--schema", "schema.json", "--epsilon", "3", "--keep", "no=100"), "--keep would look at further real rows"),
        (("--schema", "schema.json", "--epsilon", "3", "--group", "visit"), "--epsilon is for one row"),
        (("--by", "wart"), "--by 'wart' is not one of the columns beside the label"),
        (("--by", "pulse"), "different values; name a column of at most 20"),
    ],
)
def test_what_a_bound_or_a_subgroup_cannot_be_is_refused(
    clinic: Path, capsys: pytest.CaptureFixture[str], more: tuple[object, ...], says: str
) -> None:
    as_schema(capsys)
    assert says in refused(capsys, "synthesize", "clinic.csv", "--out", "new.csv", "--target", "ill", *more, *QUICK)
    assert not Path("new.csv").exists()
    for named, option in (("private", "--epsilon"), ("levels", "--by")):
        with pytest.raises(ValueError, match=f"{option} is for tables, not for images"):
            getattr(kinds()["image"], named)(*(None,) * (3 if named == "private" else 2))


def test_worth_is_told_by_level(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = synthetic(capsys, "--out", "new.csv", "--target", "ill", "--sampler", "copula", "--by", "ward")
    said = next(line for line in told.splitlines() if "The difference by level: " in line)
    assert "(missing) (n = " in said and "too few to tell" in said and "points (" in said and " A (n = " in said
    assert "too few to tell" in Path("new.run/report.html").read_text(encoding="utf-8")
    none = refused(capsys, "synthesize", "clinic.csv", "--out", "b.csv", "--sampler", "copula", "--by", "ward", *QUICK)
    assert "the data have no classes; name --target, too" in none


def test_a_level_in_which_synthetic_rows_mislead_shows() -> None:
    frame, fresh = visits(900), visits(900, seed=1)
    train, test = (from_frame(each.drop(columns="visit"), "ill") for each in (frame, fresh))
    flipped = np.where(train.x.frame["ward"].eq("A"), 1 - train.y, train.y)
    drawn = Synthetic.concat([TABLE.made("random", None).fit(train).sample("no", 1, 0)])
    drawn = steps.replace(
        drawn,
        x=train.x,
        y=flipped,
        **{name: getattr(drawn, name) * len(train) for name in ("how", "parents", "checkpoint_sha256")},
        index=np.arange(len(train)),
    )
    config = TableEvaluateConfig(classifiers=("boosting",))
    found = alone(train, drawn, test, config, by="ward", quiet=True)[0]
    levels = {level.name: level for level in found.levels}
    assert levels.keys() == {"A", "B", "(missing)"} and sum(level.n for level in levels.values()) == 900
    assert levels["A"].scores.difference.high < -0.3 < -0.1 < levels["B"].scores.difference.value
