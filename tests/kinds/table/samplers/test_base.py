"""One contract for every sampler of tables that the catalogue finds, and what is particular to the two baselines."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import parametrize_with_checks
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_validate

from gensynth.data.labeled import LabeledData
from gensynth.kinds.table.detect import detect_schema
from gensynth.kinds.table.rules import Rule
from gensynth.kinds.table.samplers.base import TableSampler
from gensynth.kinds.table.samplers.bootstrap import SmoothedBootstrap
from gensynth.kinds.table.samplers.catalog import get_table_sampler, load_sampler, table_sampler_names
from gensynth.kinds.table.samplers.random_rows import RandomRows
from gensynth.kinds.table.schema import Schema
from gensynth.kinds.table.tables import from_frame, to_frame
from gensynth.sampler.synthetic import Synthetic

NAMES = table_sampler_names()
QUICK: dict[str, dict[str, Any]] = {"tabular_vae": {"steps": 2, "model": {"width": 16}}}
COMMON, RARE = 120, 40
IDS = ["key", "code"]


def made(name: str, **settings: Any) -> TableSampler:
    return get_table_sampler(name)(**QUICK.get(name, {}), **settings)


def mixed() -> pd.DataFrame:
    """Two classes and every kind of column, most of them with missing values."""
    rng, n = np.random.default_rng(0), COMMON + RARE
    rare = np.arange(n) >= COMMON
    z = rng.normal(size=n) + rare
    time = pd.Series(pd.Timestamp("2024-01-01").as_unit("us") + pd.to_timedelta(rng.integers(0, 10**5, n), "min"))
    columns = {
        "amount": np.where(rng.random(n) < 0.6, 0.0, np.exp(z)).round(2),
        "small": z.astype(np.float32),
        "age": np.clip(40 + 10 * z, 18, 90).astype(np.int64),
        "byte": rng.integers(0, 200, n).astype(np.uint8),
        "visits": pd.array(rng.integers(0, 60, n), dtype="Int64"),
        "score": pd.array(z.round(1), dtype="Float64"),
        "claim": np.where(rare, "rare", "common"),
        "loose": pd.Series(z.round(3)).astype(object),
        "flag": rng.random(n) < 0.4,
        "member": pd.array(rng.random(n) < 0.4, dtype="boolean"),
        "job": rng.choice(np.array(["cook", "nurse", "clerk"], dtype=object), n),
        "word": pd.array(rng.choice(["a", "b"], n), dtype="string"),
        "size": pd.Categorical(rng.choice(["s", "m", "l"], n), ["s", "m", "l", "xl"], ordered=True),
        "zip": [f"z{i}" for i in rng.integers(0, 90, n)],
        "day": time.dt.floor("D"),
        "seen": time.dt.tz_localize("UTC").dt.tz_convert("Europe/Vienna"),
        "written": time.dt.strftime("%d.%m.%Y"),
        "key": np.arange(n) + 500,
        "code": [f"c{i}" for i in range(n)],
        "always": "same",
        "nothing": None,
        7: rng.integers(0, 5, n),
    }
    frame = pd.DataFrame(columns)
    for name in ("visits", "score", "loose", "member", "job", "size", "day", "seen", "written"):
        frame[name] = frame[name].mask(rng.random(n) < 0.15)
    return frame


FRAME = mixed()
X, Y = FRAME.drop(columns="claim"), FRAME["claim"]


def equal(a: Synthetic, b: Synthetic) -> None:
    pd.testing.assert_frame_equal(a.x.frame, b.x.frame, check_exact=True)
    assert np.array_equal(a.y, b.y) and np.array_equal(a.index, b.index)
    assert a.classes == b.classes and a.parents == b.parents and a.how == b.how


@pytest.fixture(scope="module")
def data() -> LabeledData:
    return from_frame(FRAME, "claim")


@pytest.fixture(scope="module", params=NAMES)
def sampler(request: pytest.FixtureRequest, data: LabeledData) -> Any:
    settings = {"steps": 600} if request.param == "tabular_vae" else {}
    return get_table_sampler(request.param)(**settings).fit(data)


class TestEverySampler:
    def test_new_rows_are_rows_of_the_table(self, sampler: TableSampler, data: LabeledData) -> None:
        drawn = sampler.sample("rare", 300, seed=0)
        assert len(drawn) == 300 and list(drawn.x.frame.index) == list(range(300))
        assert [drawn.classes[label] for label in drawn.y] == ["rare"] * 300
        pd.testing.assert_series_equal(drawn.x.frame.dtypes, data.x.frame.dtypes)
        assert list(to_frame(drawn, data).columns) == list(FRAME.columns)
        for name in ("job", "word", "size", "zip", "flag", "member", "always", "nothing"):
            assert set(drawn.x.frame[name].dropna()) <= set(FRAME[name].dropna())
        for name in ("amount", "small", "age", "byte", "visits", "score", "loose", "day", "seen", 7):
            assert drawn.x.frame[name].dropna().between(FRAME[name].min(), FRAME[name].max()).all()
        assert pd.to_datetime(drawn.x.frame["written"].dropna(), format="%d.%m.%Y").dt.year.eq(2024).all()
        for name in IDS:
            assert drawn.x.frame[name].is_unique and not set(drawn.x.frame[name]) & set(FRAME[name])

    def test_shares_survive(self, sampler: TableSampler) -> None:
        x, real = sampler.sample("rare", 2000, seed=0).x.frame, X[Y == "rare"]
        # Of 40 rows a share is known to within 0.08; samplers may smooth it, but neither lose it nor make it up.
        for name in ("visits", "job", "seen", "amount"):
            share, wanted = (f[name].isin([0]).mean() if name == "amount" else f[name].isna().mean() for f in (x, real))
            assert abs(share - wanted) < 0.15 and (share > 0) == (wanted > 0), name
        assert x["age"].notna().all() and x["zip"].notna().all()

    def test_sample_i_depends_on_its_number_only(self, sampler: TableSampler) -> None:
        whole = sampler.sample("rare", 600, seed=7)
        equal(whole, Synthetic.concat([sampler.sample("rare", 300, 7), sampler.sample("rare", 300, 7, start=300)]))
        equal(whole.subset(np.arange(255, 259)), sampler.sample("rare", 4, 7, start=255))

    def test_the_seed_and_the_class_matter(self, sampler: TableSampler) -> None:
        first = sampler.sample("rare", 20, 0).x.frame
        assert not first.equals(sampler.sample("rare", 20, 1).x.frame)
        assert not first.equals(sampler.sample("common", 20, 0).x.frame)

    def test_leaves_the_global_random_state_alone(self, sampler: TableSampler, data: LabeledData) -> None:
        before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
        made(sampler.name).fit(data).sample("rare", 40, 0)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert np.array_equal(np.random.get_state()[1], before[1])  # type: ignore[index]

    def test_parents_are_training_rows_of_the_class(self, sampler: TableSampler, data: LabeledData) -> None:
        drawn = sampler.sample("rare", 20, 0)
        assert len(drawn.parents) == 20
        assert {parent for each in drawn.parents for parent in each} <= set(data.subset(data.y == 1).ids)

    def test_saves_and_loads(self, sampler: TableSampler, tmp_path: Path) -> None:
        sampler.save(tmp_path / "sampler.npz")
        again = load_sampler(tmp_path / "sampler.npz")
        assert type(again) is type(sampler) and again.labels == sampler.labels
        equal(again.sample("rare", 300, 3), sampler.sample("rare", 300, 3))
        assert len(again.sample("rare", 1, 0).checkpoint_sha256[0]) == 64

    def test_says_what_is_wrong(self, sampler: TableSampler) -> None:
        with pytest.raises(ValueError, match="'rar' is not one of the classes .* Did you mean 'rare'"):
            sampler.sample("rar", 3, 0)
        for n, seed, start in ((0, 0, 0), (1, -1, 0), (1, 0, -1)):
            with pytest.raises(ValueError, match="(n|seed|start) must be at least"):
                sampler.sample("rare", n, seed, start)
        with pytest.raises(ValueError, match=f"'{sampler.name}' was not fitted"):
            made(sampler.name).sample("rare", 1, 0)

    def test_rules_hold(self, sampler: TableSampler) -> None:
        frame = FRAME[["amount", "age", "job", "claim", "size"]].copy()
        frame["limit"] = frame["amount"] + np.arange(len(frame)) % 9
        frame["land"] = frame["job"].map({"cook": "AT", "nurse": "DE"})
        rules = (
            Rule("inequality", ("amount", "limit")),
            Rule("fixed_combinations", ("job", "land")),
            Rule("predicate", expression="age >= 25 or size != 's'"),
        )
        frame = frame[rules[2].obeyed(frame, frame)]
        schema = Schema("claim", detect_schema(frame, "claim").columns, rules)
        fitted = made(sampler.name, schema=schema).fit(from_frame(frame, "claim"))
        whole = fitted.sample("rare", 300, 0)
        assert schema.obeyed(whole.x.frame, frame).all()
        assert fitted.rejected_["rare"] < 0.9
        equal(whole.subset(np.arange(200, 300)), fitted.sample("rare", 100, 0, start=200))

    @pytest.mark.parametrize("n", [2, 1])
    def test_a_tiny_class_works_or_gets_a_sentence(self, sampler: TableSampler, n: int) -> None:
        frame = FRAME.iloc[: COMMON + n]
        try:
            x, y = made(sampler.name).fit_resample(frame.drop(columns="claim"), frame["claim"])
        except ValueError as error:
            assert "'rare'" in str(error) and "'random'" in str(error) and n == 1
        else:
            assert y.value_counts().to_dict() == {"common": COMMON, "rare": COMMON}
            pd.testing.assert_series_equal(x.dtypes, X.dtypes)

    @pytest.mark.parametrize(
        ("strategy", "counts"),
        [
            ("auto", (COMMON, COMMON)),
            ("minority", (COMMON, COMMON)),
            ("all", (COMMON, COMMON)),
            ("not minority", (COMMON, RARE)),
            (0.5, (COMMON, 60)),
            ({"rare": 300, "common": 130}, (130, 300)),
            (lambda y: {"rare": 41}, (COMMON, 41)),
        ],
    )
    def test_fit_resample(self, sampler: TableSampler, strategy: Any, counts: tuple[int, int]) -> None:
        fresh = made(sampler.name, sampling_strategy=strategy, random_state=5)
        x, y = fresh.fit_resample(X, Y)
        assert (y == "common").sum() == counts[0] and (y == "rare").sum() == counts[1]
        pd.testing.assert_frame_equal(x.iloc[: len(X)], X)
        pd.testing.assert_series_equal(y.iloc[: len(Y)], Y)
        pd.testing.assert_series_equal(x.dtypes, X.dtypes)
        assert list(x.index) == list(y.index) == list(range(len(x)))

    def test_in_a_pipeline_under_cross_validation(self, sampler: TableSampler) -> None:
        steps = made(sampler.name), HistGradientBoostingClassifier(max_iter=3)
        scores = cross_validate(
            make_pipeline(*steps), X[["amount", "age", "visits", "flag"]], Y, cv=2, error_score="raise"
        )
        assert np.isfinite(scores["test_score"]).all()


def test_bytes_are_equal_in_another_process_with_more_threads(tmp_path: Path) -> None:
    FRAME.to_pickle(tmp_path / "frame.pkl")
    code = f"""
import pandas as pd
from gensynth.data.frames import write_frame
from gensynth.kinds.table.samplers.catalog import get_table_sampler
frame = pd.read_pickle(r"{tmp_path / "frame.pkl"}")
for name in {NAMES}:
    sampler = get_table_sampler(name)(random_state=3, **{QUICK}.get(name, {{}}))
    x, y = sampler.fit_resample(frame.drop(columns="claim"), frame["claim"])
    write_frame(x.assign(claim=y), r"{tmp_path}/RUN-" + name + ".csv")
"""
    threads = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", code.replace("RUN", "one")], check=True, env=os.environ | threads)
    exec(code.replace("RUN", "two"))
    for name in NAMES:
        assert (tmp_path / f"one-{name}.csv").read_bytes() == (tmp_path / f"two-{name}.csv").read_bytes(), name


# parametrize_with_checks gives pytest a generator, which pytest 9 warns about.
CHECKS = parametrize_with_checks([made(name) for name in NAMES]).mark


@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_imbalanced_learns_own_checks(estimator: Any, check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "gensynth.kinds.table.modes.MOST_MODES", 1
    )  # fitting mixtures to many columns is most of the time
    check(estimator)


class TestForms:
    """What goes in comes out in the same form; shown with the quickest sampler, since the base class does it."""

    def test_arrays_lists_sparse_and_labels_of_all_kinds(self) -> None:
        x = np.round(np.random.default_rng(0).random((30, 3)) * (np.arange(3) > 0), 2)
        codes = np.arange(30) % 3 // 2  # 20 and 10
        for rows in (x, x.astype(np.float32), x.tolist(), sparse.csr_matrix(x), sparse.csc_matrix(x), x.astype(object)):
            more, _ = RandomRows().fit_resample(rows, codes)
            assert type(more) is type(rows) and (len(more) if isinstance(more, list) else more.shape[0]) == 40
            assert isinstance(rows, list) or more.dtype == rows.dtype
        names = np.array(["no", "yes"])[codes]
        for y in (codes, names, names.tolist(), names.astype(object), codes == 1, codes.astype(np.float64)):
            _, more_y = RandomRows().fit_resample(x, y)
            assert type(more_y) is type(y) and list(more_y[:30]) == list(y) and list(more_y[30:]) == [y[2]] * 10
        for series in (pd.Series(names, name="k"), pd.Series(names, dtype="category"), pd.Series(codes, dtype="Int8")):
            _, more_y = RandomRows().fit_resample(x, series)
            pd.testing.assert_series_equal(more_y.iloc[:30], series)

    def test_text_and_numbers_in_one_array(self) -> None:
        x = np.array([[1.5, "a", None], [2.5, "b", "x"], [3.25, "a", "x"]] * 5, dtype=object)
        more, _ = SmoothedBootstrap().fit_resample(x, [0, 1, 1] * 5)
        assert more.dtype == object and more.shape == (20, 3)
        assert all(isinstance(value, float) for value in more[:, 0]) and set(more[15:, 1]) == {"a"}

    def test_a_label_column_may_be_called_like_another(self) -> None:
        frame = pd.DataFrame({"y": [1.5, 2.5, 3.5], "label": ["a", "b", "a"]})
        more, labels = RandomRows().fit_resample(frame, pd.Series([0, 0, 1], name="y"))
        assert list(more.columns) == ["y", "label"] and labels.name == "y" and len(more) == 4

    def test_the_nearest_whole_number_of_rows(self) -> None:
        y = np.repeat([0, 1], [100, 28])
        x = np.arange(256).reshape(128, 2) * 1.0
        assert (RandomRows(sampling_strategy=0.29).fit_resample(x, y)[1] == 1).sum() == 29

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"y": np.linspace(0, 1, 30)}, "looks like a quantity: only classes can be rebalanced"),
            ({"y": np.zeros(30)}, "one class only"),
            ({"y": np.zeros(29)}, "X has 30 rows and y has 29 labels"),
            ({"y": [None, *[0, 1] * 14, 1]}, "1 row has no"),
            ({"y": np.ones((30, 2))}, "y has 2 columns; give one"),
            ({"X": np.zeros((30, 2, 2))}, "two dimensions"),
            ({"X": np.zeros(30)}, "two dimensions"),
            ({"X": [1.0] * 30}, "two dimensions"),
            ({"random_state": None}, "random_state must be a whole number"),
            ({"sampling_strategy": "most"}, "sampling_strategy"),
            ({"sampling_strategy": {0: 3}}, "greater or equal"),
            ({"sampling_strategy": {"0": 30}}, "not present in the data"),
        ],
    )
    def test_errors(self, change: dict[str, Any], message: str) -> None:
        given = {"X": np.random.default_rng(0).random((30, 2)), "y": np.arange(30) % 3 // 2} | change
        settings = {k: v for k, v in change.items() if k not in ("X", "y")}
        with pytest.raises(ValueError, match=message):
            RandomRows(**settings).fit_resample(given["X"], given["y"])

    def test_images_are_refused(self, tiny: LabeledData) -> None:
        with pytest.raises(TypeError, match="rows of a table are wanted, and these data are of kind 'image'"):
            RandomRows().fit(tiny)


class TestFiles:
    def test_no_code_of_a_stranger_runs(self, tmp_path: Path, data: LabeledData) -> None:
        np.savez(tmp_path / "a.npz", json=np.array([print], dtype=object))
        (tmp_path / "b.npz").write_bytes(b"no such thing")
        RandomRows().fit(data).save(tmp_path / "c.npz")
        whole = (tmp_path / "c.npz").read_bytes()
        (tmp_path / "d.npz").write_bytes(whole[:-200])
        (tmp_path / "e.npz").write_bytes(whole[:200] + bytes(9) + whole[209:])
        for name in "abde":
            with pytest.raises(ValueError, match="is not a saved sampler|holds objects of Python"):
                load_sampler(tmp_path / f"{name}.npz")

    def test_dtypes_of_all_kinds_are_kept(self, tmp_path: Path) -> None:
        x = np.arange(12) % 5 - 1.5
        frame = pd.DataFrame({"cut": pd.cut(x, [-2, 0, 3]), "sparse": pd.arrays.SparseArray(x), "y": np.arange(12) % 2})
        if importlib.util.find_spec("pyarrow"):
            frame = frame.assign(
                word=pd.Series(["a", None, "b"] * 4, dtype=pd.ArrowDtype(pytest.importorskip("pyarrow").string()))
            )
            frame["time"] = pd.Series(pd.date_range("2024-01-01", periods=12)).astype("timestamp[us][pyarrow]")
        RandomRows().fit(from_frame(frame, "y")).save(tmp_path / "a.npz")
        drawn = load_sampler(tmp_path / "a.npz").sample("1", 9, 0).x.frame
        pd.testing.assert_series_equal(drawn.dtypes, frame.drop(columns="y").dtypes)

    def test_settings_that_are_no_plain_values(self, tmp_path: Path, data: LabeledData) -> None:
        with pytest.raises(TypeError, match="a sampler with a function cannot be saved"):
            RandomRows(sampling_strategy=lambda y: {}).fit(data).save(tmp_path / "a.npz")

    def test_the_catalogue_names_the_nearest(self) -> None:
        assert {"random", "bootstrap"} <= set(NAMES)
        with pytest.raises(ValueError, match="unknown sampler 'randon'; known: .*random.* Did you mean 'random'"):
            get_table_sampler("randon")


def test_rules_that_cannot_hold_say_so(data: LabeledData) -> None:
    schema = Schema("claim", detect_schema(FRAME, "claim").columns, (Rule("predicate", expression="age > 200"),))
    with pytest.raises(ValueError, match="10 of 10 rows of class 'rare' broke a rule .* age > 200; loosen the rules"):
        RandomRows(schema=schema).fit(data).sample("rare", 10, 0)


def test_random_rows_are_real_rows(data: LabeledData) -> None:
    drawn = RandomRows().fit(data).sample("rare", 200, 0)
    parents = data.x.frame.iloc[[int(row) for (row,) in drawn.parents]].reset_index(drop=True)
    pd.testing.assert_frame_equal(drawn.x.frame.drop(columns=IDS), parents.drop(columns=IDS), check_exact=True)
    assert drawn.x.frame["zip"].nunique() > 20


class TestSmoothedBootstrap:
    def test_only_numbers_move_and_spikes_do_not(self, data: LabeledData) -> None:
        drawn = SmoothedBootstrap().fit(data).sample("rare", 200, 0)
        parents = data.x.frame.iloc[[int(row) for (row,) in drawn.parents]].reset_index(drop=True)
        still = ["flag", "member", "job", "word", "size", "zip", "always", "nothing"]
        pd.testing.assert_frame_equal(drawn.x.frame[still], parents[still])
        assert ((drawn.x.frame["amount"] == 0) == (parents["amount"] == 0)).mean() > 0.97
        assert (drawn.x.frame["small"] != parents["small"]).all()
        pd.testing.assert_frame_equal(drawn.x.frame.isna(), parents.isna())

    def test_the_width_is_that_of_the_paper(self) -> None:
        rng = np.random.default_rng(0)
        x = np.concatenate([rng.normal([0, 0], [1, 50], (400, 2)), rng.normal(99, 1, (30, 2))])
        sampler = SmoothedBootstrap().fit(from_frame(pd.DataFrame(x).assign(y=[0] * 400 + [1] * 30), "y"))
        drawn = sampler.sample("0", 4000, 0)
        noise = drawn.x.frame.to_numpy() - x[[int(row) for (row,) in drawn.parents]]
        wanted = x[:400].std(axis=0, ddof=1) * (4 / (4 * 400)) ** (1 / 6)
        assert np.allclose(noise.std(axis=0) / wanted, 1, atol=0.05)

    def test_numbers_do_not_pile_up_at_a_bound(self) -> None:
        x = np.random.default_rng(0).exponential(size=200)
        drawn = SmoothedBootstrap().fit(from_frame(pd.DataFrame({"x": x, "y": np.arange(200) % 2}), "y"))
        new = drawn.sample("0", 2000, 0).x.frame["x"]
        assert (new >= x.min()).all() and (new == x.min()).mean() < 0.01
