"""NeuralTable and the tabular VAE: what mixed tables lose elsewhere survives, and a rare class borrows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from gensynth.data.labeled import LabeledData
from gensynth.generator.held_out import held_out
from gensynth.generator.registry import generator_names, get_generator
from gensynth.kinds.image.generator.train import TrainConfig, TrainingDiverged
from gensynth.kinds.table.generator import RowBatch
from gensynth.kinds.table.samplers.catalog import load_sampler
from gensynth.kinds.table.samplers.neural import NeuralTable
from gensynth.kinds.table.tables import from_frame
from gensynth.kinds.table.train_rows import LOOKS, train_rows

QUICK = TrainConfig(steps=60, batch_size=64, precision="32-true", accelerator="cpu")


def people(common: int = 1500, rare: int = 60) -> pd.DataFrame:
    """In both classes the city says the price level and the spike share is 60 %; the rare class is dearer."""
    rng, n = np.random.default_rng(0), common + rare
    is_rare = np.arange(n) >= common
    city = rng.choice(["a", "b", "c", "d"], n, p=[0.5, 0.3, 0.15, 0.05])
    level = pd.Series(city).map({"a": 0.0, "b": 3.0, "c": 6.0, "d": 9.0}).to_numpy()
    price = np.where(rng.random(n) < 0.6, 0.0, np.exp(level / 3 + rng.normal(0, 0.2, n) + is_rare))
    size = level + rng.normal(0, 0.4, n) + 2 * is_rare
    return pd.DataFrame(
        {
            "city": city,
            "price": price.round(2),
            "size": size,
            "rooms": rng.integers(1, 9, n),
            "garden": rng.random(n) < 0.3,
            "note": np.where(rng.random(n) < 0.2, None, "x"),
            "y": np.where(is_rare, "rare", "common"),
        }
    )


@pytest.fixture(scope="module")
def data() -> LabeledData:
    return from_frame(people(), "y")


@pytest.fixture(scope="module")
def fitted(data: LabeledData) -> NeuralTable:
    return NeuralTable(steps=900).fit(data)


class TestDrawn:
    def test_levels_spikes_and_missing_values_keep_their_shares(self, fitted: NeuralTable, data: LabeledData) -> None:
        new, real = fitted.sample("common", 3000, 0).x.frame, data.x.frame[data.y == 0]
        for name in ("city", "rooms", "garden"):
            shares = [x[name].value_counts(normalize=True) for x in (new, real)]
            assert (shares[0] - shares[1]).abs().max() < 0.05, name
            assert set(new[name]) == set(real[name])
        assert (new["price"] == 0).mean() == pytest.approx((real["price"] == 0).mean(), abs=0.05)
        assert new["note"].isna().mean() == pytest.approx(real["note"].isna().mean(), abs=0.05)
        pd.testing.assert_series_equal(new.dtypes, real.dtypes)

    def test_columns_go_together(self, fitted: NeuralTable, data: LabeledData) -> None:
        new, real = fitted.sample("common", 3000, 0).x.frame, data.x.frame[data.y == 0]
        for city in "abcd":
            mine, theirs = (x.loc[x["city"] == city, "size"] for x in (new, real))
            assert mine.median() == pytest.approx(theirs.median(), abs=0.5), city
        spread = (new["size"] - new.groupby("city")["size"].transform("median")).abs().median()
        assert spread < 0.4, "the size is known from the city: 0.27 among real rows, 2 if it were drawn alone"

    def test_the_rare_class_borrows_what_cities_mean_and_keeps_its_own_shift(self, fitted: NeuralTable) -> None:
        rare, common = (
            fitted.sample(name, 3000, 0).x.frame.groupby("city")["size"].mean() for name in ("rare", "common")
        )
        assert set(rare.index) == set("abcd"), "only 3 or so of the 60 rows are of d"
        assert (rare - common)[["a", "b"]].between(1.5, 2.5).all()
        assert rare["d"] > rare["a"] + 5


def test_one_network_for_each_class(data: LabeledData, tmp_path: Path) -> None:
    sampler = NeuralTable(steps=40, per_class=True).fit(data)
    assert list(sampler.history_) == ["common", "rare"] and len(sampler.weights_) == 2
    sampler.save(tmp_path / "s.sampler")
    again = load_sampler(tmp_path / "s.sampler")
    pd.testing.assert_frame_equal(again.sample("rare", 9, 1).x.frame, sampler.sample("rare", 9, 1).x.frame)


def test_curves_are_kept_and_the_seed_decides(data: LabeledData) -> None:
    one, two, other = (NeuralTable(steps=30, random_state=seed).fit(data) for seed in (0, 0, 1))
    curves = one.history_["all classes"]
    assert len(curves["step"]) == len(curves["val/loss"]) == len(curves["train/recon"]) and curves["step"][-1] == 30
    assert all(np.array_equal(a, b) for a, b in zip(one.weights_[0].values(), two.weights_[0].values(), strict=True))
    assert any(not np.array_equal(a, one.weights_[0][n]) for n, a in other.weights_[0].items())


def test_settings_and_names_are_checked(data: LabeledData) -> None:
    with pytest.raises(ValueError, match="unknown settings .*'widht'.* known: .*width"):
        NeuralTable(model={"widht": 8}).fit(data)
    with pytest.raises(ValueError, match="'vae' is for images; for tables there are tabular_vae"):
        NeuralTable(generator="vae").fit(data)
    with pytest.raises(ValueError, match="'tabular_vae' is for tables; for images there are .*vae"):
        get_generator("tabular_vae", "image")
    with pytest.raises(ValueError, match="Did you mean 'tabular_vae'"):
        get_generator("tabular_va", "table")
    assert "tabular_vae" in generator_names("table") and "tabular_vae" not in generator_names("image")
    with pytest.raises(ValueError, match="steps must be at least 1"):
        NeuralTable(steps=0).fit(data)


class TestTraining:
    def rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(0)
        y = np.repeat([0, 1], [200, 30])
        levels = np.stack([rng.integers(0, 3, 230), y], axis=1)
        return levels, rng.normal(0, 0.25, (230, 1)) * (levels[:, :1] < 2), y

    def model(self, **settings: float) -> torch.nn.Module:
        cls = get_generator("tabular_vae", "table")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return cls(cls.Config(width=16, dropout=0.0, **settings), (3, 2), (2,), 2)

    def test_it_begins_with_the_shares_of_each_class(self) -> None:
        model, (levels, _, y) = self.model(), self.rows()
        model.begin(torch.from_numpy(levels), torch.from_numpy(y))
        noise = np.random.default_rng(0).standard_normal((4000, model.noise_dim), dtype=np.float32)
        for label in (0, 1):
            drawn, _ = model.sample(label, noise)
            for j, card in enumerate((3, 2)):
                shares = np.bincount(drawn[:, j], minlength=card) / 4000
                real = np.bincount(levels[y == label, j], minlength=card) / (y == label).sum()
                smoothed = abs(real - np.bincount(levels[:, j], minlength=card) / 230).max() / 3
                assert np.abs(shares - real).max() < smoothed + 0.05

    def test_the_best_look_is_kept(self) -> None:
        model, (levels, offsets, y) = self.model(), self.rows()
        curves = train_rows(model, levels, offsets, y, QUICK, "test")
        unlearned = held_out(y, QUICK.seed, LOOKS.most)
        batch = RowBatch(
            torch.from_numpy(levels[unlearned]),
            torch.from_numpy(offsets[unlearned]).float(),
            torch.from_numpy(y[unlearned]),
            QUICK.seed,
            1.0,
        )
        with torch.no_grad():
            loss = float(model.held_out_loss(batch))
        assert loss == pytest.approx(min(curves["val/loss"]), rel=1e-5)
        assert not model.training

    def test_the_global_random_state_is_left_alone(self) -> None:
        before = torch.get_rng_state()
        train_rows(self.model(), *self.rows(), QUICK, "test")
        assert torch.equal(torch.get_rng_state(), before)

    def test_divergence_is_an_error(self) -> None:
        with pytest.raises(TrainingDiverged, match="test stopped at step .*Lower the model's lr"):
            train_rows(self.model(lr=1e30), *self.rows(), QUICK, "test")

    def test_a_column_depends_on_the_ones_before_it_only(self) -> None:
        model, z, label = self.model(), torch.zeros(1, 16), torch.eye(2)[:1]
        rows = [torch.tensor([[a, b]]) for a, b in ((0, 0), (0, 1), (1, 0))]
        offsets = [torch.tensor([[x]]) for x in (0.0, 0.0, 0.5)]
        outs = [model._decode(z, label, model._as_numbers(row, x)) for row, x in zip(rows, offsets, strict=True)]
        firsts, seconds, means = ([of[i] for of in outs] for i in (0, 0, 1))
        assert torch.equal(firsts[0][0], firsts[2][0]) and torch.equal(means[0], means[2]), "the first sees no column"
        assert torch.equal(seconds[0][1], seconds[1][1]), "the second does not see itself"
        assert not torch.equal(seconds[0][1], seconds[2][1]), "but it sees the first"

    def test_the_offset_term_is_the_normal_likelihood(self) -> None:
        model = self.model()
        levels, offsets = torch.tensor([[0, 1], [2, 0]]), torch.tensor([[0.3], [0.0]])
        batch = RowBatch(levels, offsets, torch.tensor([0, 1]), 5, 0.0)
        recon, _ = model._terms(batch)
        seen: dict[str, torch.Tensor] = {}
        decode = model._decode

        def keep(*given: torch.Tensor) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
            logits, means = decode(*given)
            seen.update(first=logits[0], second=logits[1], means=means)
            return logits, means

        model._decode = keep
        model._terms(batch)
        levels_nll = -torch.distributions.Categorical(logits=seen["first"]).log_prob(levels[:, 0])
        levels_nll = levels_nll - torch.distributions.Categorical(logits=seen["second"]).log_prob(levels[:, 1])
        normal = torch.distributions.Normal(seen["means"][0, 0], model._log_sigma()[0].exp())
        offset_nll = -normal.log_prob(offsets[0, 0]) - np.log(2 * np.pi) / 2
        assert recon.item() == pytest.approx(((levels_nll.sum() + offset_nll) / 2).item(), rel=1e-5)
