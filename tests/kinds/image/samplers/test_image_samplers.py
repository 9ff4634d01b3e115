"""Samplers of images as imbalanced-learn samplers: its own checks, arrays of all kinds, pipelines under validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import Pipeline
from imblearn.utils import estimator_checks
from scipy import sparse
from sklearn.datasets import make_blobs, make_classification
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from gensynth.data.labeled import LabeledData
from gensynth.kinds.image.generator.train import TrainConfig, train
from gensynth.kinds.image.samplers.neural import NeuralSampler
from gensynth.kinds.image.samplers.recipes import Recipes
from gensynth.kinds.image.samplers.smote import SmoteSampler
from gensynth.sampler.base import Sampler

SHAPE = (1, 8, 8)
QUICK = TrainConfig(steps=2, batch_size=8, precision="32-true", accelerator="cpu")
ROWS = [SmoteSampler(), Recipes("contrast+noise"), Recipes("mixup")]
"""They look at no neighbouring pixels: any row of numbers is an image to them."""
PICTURES = [
    Recipes("affine", image_shape=SHAPE),
    Recipes("cutmix", image_shape=SHAPE),
    NeuralSampler(train=QUICK, image_shape=SHAPE),
]


def checks_of(samplers: list[Sampler], expected_failed_checks: Any = None) -> pytest.MarkDecorator:
    # It gives pytest a generator, which pytest 9 warns about.
    mark = estimator_checks.parametrize_with_checks(samplers, expected_failed_checks=expected_failed_checks).mark
    return pytest.mark.parametrize(mark.args[0], list(mark.args[1]), **mark.kwargs)


@checks_of(ROWS)
def test_imbalanced_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@checks_of(PICTURES, lambda _: {"check_samplers_fit": "its rows have two columns, which are no image of 8 x 8"})
def test_imbalanced_learns_own_checks_on_pictures(estimator: Any, check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same checks, with 64 columns in the data that they generate."""

    def classes(**given: Any) -> Any:
        return make_classification(**(given | {"n_samples": 120, "n_features": 64}))

    def blobs(**given: Any) -> Any:
        return make_blobs(**(given | {"centers": np.eye(2, 64)}))

    monkeypatch.setattr(estimator_checks, "make_classification", classes)
    monkeypatch.setattr(estimator_checks, "make_blobs", blobs)
    check(estimator)


class Spy(KNeighborsClassifier):
    """Learns from 40 real images, untouched, and synthetic ones after them; scores real images that it has not seen."""

    def __init__(self, real: frozenset[bytes] = frozenset(), n_neighbors: int = 3) -> None:
        super().__init__(n_neighbors)
        self.real = real

    def fit(self, X: np.ndarray, y: np.ndarray) -> Spy:  # noqa: N803
        assert np.unique(y, return_counts=True)[1].tolist() == [16, 16, 16]
        self.seen = {row.tobytes() for row in X[:40]}
        assert self.seen <= self.real and not {row.tobytes() for row in X[40:]} <= self.real
        return super().fit(X, y)

    def predict(self, X: np.ndarray) -> np.ndarray:  # noqa: N803
        assert len(X) == 20 and {row.tobytes() for row in X} <= self.real - self.seen
        return super().predict(X)


@pytest.mark.parametrize(
    "sampler",
    [
        SmoteSampler(image_shape=SHAPE),
        *(Recipes(recipe, image_shape=SHAPE) for recipe in ("affine", "elastic+noise", "mixup", "auto")),
        *(NeuralSampler(generator=name, train=QUICK, image_shape=SHAPE) for name in ("vae", "deformation")),
    ],
    ids=lambda sampler: getattr(sampler, "recipe", None) or getattr(sampler, "generator", "smote"),
)
def test_synthetic_images_stay_out_of_the_scoring_folds(sampler: Sampler, tiny: LabeledData) -> None:
    keep = np.r_[0:24, 24:48, 48:60]
    x = (tiny.x[:].numpy()[keep].reshape(60, -1) / 255).astype(np.float32)
    y = np.array(tiny.classes)[tiny.y[keep]]
    real = frozenset(row.tobytes() for row in x)
    model = Pipeline([("sampler", sampler), ("classifier", Spy(real))])
    scores = cross_val_score(model, x, y, cv=3, scoring="balanced_accuracy", error_score="raise")
    assert scores.mean() > 0.8


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Bytes, shape (30, 64), from 0 to 255, and labels, 20 and 10."""
    x = np.random.default_rng(0).integers(0, 256, (30, 64), dtype=np.uint8)
    x[0, :2] = 0, 255
    x.flags.writeable = False  # as pandas gives them out
    return x, np.arange(30) % 3 // 2


@pytest.mark.parametrize("sampler", [SmoteSampler(), Recipes("affine", image_shape=SHAPE)], ids=["smote", "recipes"])
class TestForms:
    def test_scaled_images_get_the_same_synthetic_ones(self, sampler: Sampler) -> None:
        x, y = pictures()
        drawn, labels = sampler.fit_resample(x, y)
        assert drawn.dtype == np.uint8 and drawn.shape == (40, 64) and np.array_equal(drawn[:30], x)
        for low, high, dtype in ((0, 1, "f4"), (-1, 1, "f8"), (-2.5, 2, "f2"), (0, 255, "i8"), (-510, 510, "i2")):
            levels = np.linspace(low, high, 256).astype(dtype)
            more, same = sampler.fit_resample(levels[x], y)
            assert more.dtype == levels.dtype and np.array_equal(same, labels)
            assert np.array_equal(more[:30], levels[x])
            assert np.allclose(more[30:], levels[drawn[30:]], atol=1e-6)

    def test_values_between_levels_are_kept_in_real_images_only(self, sampler: Sampler) -> None:
        x = np.random.default_rng(1).normal(size=(30, 64))
        more, _ = sampler.fit_resample(x, pictures()[1])
        assert np.array_equal(more[:30], x)
        number = (more[30:] - x.min()) * 255 / (x.max() - x.min())
        assert np.allclose(number, number.round(), atol=1e-9) and number.min() >= 0 and number.max() <= 255

    def test_few_whole_numbers_stay_whole(self, sampler: Sampler) -> None:
        x = pictures()[0] // 15  # 0 to 17
        for dtype in (np.int64, np.uint16):
            more, _ = sampler.fit_resample(x.astype(dtype), pictures()[1])
            assert more.dtype == dtype and set(np.unique(more)) <= set(range(18)) and np.array_equal(more[:30], x)

    def test_image_axes_lists_frames_and_sparse_matrices(self, sampler: Sampler) -> None:
        x, y = pictures()
        x = x / 255
        flat, _ = sampler.fit_resample(x, y)
        for shape in ((30, 8, 8), (30, 1, 8, 8)):
            more, _ = sampler.set_params(image_shape=None).fit_resample(x.reshape(shape), y)
            assert more.shape[1:] == shape[1:] and np.array_equal(more.reshape(40, 64), flat)
        sampler.set_params(image_shape=SHAPE)
        frame = pd.DataFrame(x, columns=[f"pixel{i}" for i in range(64)])
        more, labels = sampler.fit_resample(frame, pd.Series(y, name="digit"))
        assert list(more.columns) == list(frame.columns) == list(sampler.feature_names_in_)
        assert labels.name == "digit" and np.array_equal(more.to_numpy(), flat)
        assert np.array_equal(sampler.fit_resample(x.tolist(), y.tolist())[0], flat)
        assert np.array_equal(sampler.fit_resample(sparse.csc_array(x), y)[0].toarray(), flat)

    def test_colours_and_images_of_one_value(self, sampler: Sampler) -> None:
        x, y = np.full((30, 3, 8, 8), 0.5, dtype=np.float32), pictures()[1]
        more, _ = sampler.set_params(image_shape=None).fit_resample(x, y)
        assert more.shape == (40, 3, 8, 8) and more.dtype == np.float32 and (more == 0.5).all()

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"X": np.full((30, 64), np.nan)}, "contains NaN"),
            ({"X": np.full((30, 64), np.inf)}, "contains infinity"),
            ({"X": np.zeros(30)}, "Expected 2D array"),
            ({"X": np.zeros((30, 65))}, r"X has shape \(30, 65\) and image_shape is \(1, 8, 8\); images have shape"),
            ({"X": np.zeros((30, 8, 8, 3)), "image_shape": (3, 8, 8)}, r"X has shape \(30, 8, 8, 3\)"),
            ({"X": np.zeros((30, 8, 8, 3)), "image_shape": None}, "with 1 or 3 channels"),
            ({"X": np.zeros((29, 64))}, "inconsistent numbers of samples"),
            ({"y": np.zeros(30)}, "more than 1 class"),
            ({"y": np.linspace(0, 1, 30)}, "Unknown label type"),
            ({"random_state": None}, "random_state must be a whole number of at least 0, got None"),
            ({"sampling_strategy": "most"}, "sampling_strategy"),
            ({"sampling_strategy": {1: 3}}, "greater or equal"),
        ],
    )
    def test_errors(self, sampler: Sampler, change: dict[str, Any], message: str) -> None:
        given = dict(zip("Xy", pictures(), strict=True)) | change
        settings: dict[str, Any] = {"image_shape": SHAPE, "random_state": 0, "sampling_strategy": "auto"}
        sampler.set_params(**{name: change.get(name, value) for name, value in settings.items()})
        with pytest.raises(ValueError, match=message):
            sampler.fit_resample(given["X"], given["y"])


def test_what_needs_neighbours_refuses_rows() -> None:
    x, y = pictures()
    for recipe in ("affine", "noise+erase", "auto"):
        with pytest.raises(ValueError, match=r"needs pixels above each other, and .* rows of 64; set image_shape="):
            Recipes(recipe).fit_resample(x, y)
    with pytest.raises(ValueError, match="at least 8 x 8 pixels"):
        NeuralSampler(train=QUICK).fit_resample(x, y)


def test_a_checkpoint_draws_its_own_shape_only(tiny: LabeledData, tmp_path: Any) -> None:
    from gensynth.generator.registry import get_generator

    path = train(tiny, "vae", get_generator("vae", "image").Config(), QUICK, tmp_path / "vae.ckpt", quiet=True)
    x, y = np.random.default_rng(0).random((30, 1, 10, 8)), np.array(["1", "1", "8"] * 10)
    more, _ = NeuralSampler(path).fit_resample(x[:, :, :8], y)
    assert more.shape == (40, 1, 8, 8) and more.dtype == np.float64 and more.min() >= 0 and more.max() <= 1
    with pytest.raises(ValueError, match=r"draws images of shape \(1, 8, 8\), and these have shape \(1, 10, 8\)"):
        NeuralSampler(path).fit_resample(x, y)
