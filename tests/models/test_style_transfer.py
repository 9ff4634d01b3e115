"""Style transfer: what is drawn from whom, the Gaussian of random styles, pictures, encoders and their stamp."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from gensynth.models.style_transfer import StyleTransfer, StyleTransferConfig
from PIL import Image

from gensynth.data.labeled import LabeledData
from gensynth.generator.checkpoint import build, load_checkpoint
from gensynth.kinds.image.generator.train import TrainConfig, train
from gensynth.kinds.image.images import Pixels
from gensynth.kinds.image.samplers.neural import NeuralSampler
from gensynth.kinds.image.style import encoders
from gensynth.kinds.image.style.style import channel_stats

QUICK = TrainConfig(steps=2, batch_size=8, precision="32-true", accelerator="cpu")


def model_of(
    config: StyleTransferConfig = StyleTransferConfig(encoder="own", width=8),  # noqa: B008  # frozen
    shape: tuple[int, int, int] = (1, 8, 8),
) -> StyleTransfer:
    model = build("style_transfer", config, shape, ("1", "7", "8"), 0)
    assert isinstance(model, StyleTransfer)
    return model


def filled(tiny: LabeledData) -> StyleTransfer:
    model = model_of()
    model.remember(iter([(tiny.x[:], torch.from_numpy(tiny.y), tiny.ids)]))
    return model


def test_content_is_of_the_label_and_style_from_whom_it_says(tiny: LabeledData) -> None:
    model, label_of = filled(tiny), dict(zip(tiny.ids, tiny.y.tolist(), strict=True))
    drawn = {draw: model.sample("7", np.arange(96), 0, draw).parents for draw in ("others", "same", "random")}
    assert all(label_of[parents[0]] == 1 for each in drawn.values() for parents in each)
    lenders = [label_of[parents[1]] for parents in drawn["others"]]
    assert set(lenders) == {0, 2} and 0.3 < np.mean(np.array(lenders) == 0) < 0.7, "every other class equally often"
    assert all(label_of[lender] == 1 and lender != content for content, lender in drawn["same"])
    assert all(len(parents) == 1 for parents in drawn["random"])


def test_random_styles_have_the_mean_and_spread_of_the_real_ones(tiny: LabeledData) -> None:
    model = filled(tiny)
    noise = torch.randn(20_000, model.noise_dim - 3, generator=torch.Generator().manual_seed(0))
    styles = model.style_mean + noise @ model.style_factor
    assert torch.allclose(styles.mean(0), model.source_styles.mean(0), atol=0.02)
    real, drawn = (torch.cov(s.T, correction=0) for s in (model.source_styles, styles))
    assert torch.allclose(drawn, real, atol=0.05 * float(real.diagonal().max()))


def test_a_trained_decoder_gives_the_content_back_and_lends_style(tiny: LabeledData, tmp_path: Path) -> None:
    config = StyleTransferConfig(encoder="own", width=16)
    settings = TrainConfig(steps=300, batch_size=32, precision="32-true", accelerator="cpu")
    model = load_checkpoint(train(tiny, "style_transfer", config, settings, tmp_path / "s.ckpt", quiet=True)).model
    assert isinstance(model, StyleTransfer)
    x = model.to_canvas(tiny.x[:8])
    content, style = x[:1], x[4:5]
    same = model.stylize(content, [style], [1.0], alpha=0.0)
    full = model.stylize(content, [style], [1.0], alpha=1.0)
    assert (same - content).abs().mean() < 0.25, "alpha 0 gives the content back"

    def distance(a: torch.Tensor, b: torch.Tensor) -> float:
        with torch.inference_mode():
            mean_a, std_a = channel_stats(model.encoder(a)[-1])
            mean_b, std_b = channel_stats(model.encoder(b)[-1])
        return float((mean_a - mean_b).abs().mean() + (std_a - std_b).abs().mean())

    assert distance(full, style) < distance(same, style), "alpha 1 comes nearer to the style"
    large = torch.nn.functional.interpolate(content, size=(21, 30))
    assert model.stylize(large, [style, content], [3.0, 1.0], 0.5).shape == large.shape
    with pytest.raises(ValueError, match="must have 1 channels"):
        model.stylize(content.expand(-1, 3, -1, -1), [style], [1.0], 0.5)


def test_preserve_color_changes_brightness_only() -> None:
    model = model_of(StyleTransferConfig(encoder="own", width=8, preserve_color=True), (3, 8, 8))
    x = torch.randint(0, 256, (12, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)) // 2 + 64
    model.remember(iter([(x, torch.arange(12) % 3, tuple(map(str, range(12))))]))
    drawn = model.sample("7", np.arange(6), 0)
    before = torch.stack([x[int(parents[0])] for parents in drawn.parents]).float()
    change = drawn.x[:].float() - before
    inside = ((drawn.x[:] > 0) & (drawn.x[:] < 255)).all(1)
    steps = (change - change[:, :1]).abs().amax(1)
    assert inside.any() and steps[inside].max() <= 2, "the same step in red, green and blue, up to rounding"


def test_pictures_lend_their_looks_and_are_marked(tiny: LabeledData, tmp_path: Path) -> None:
    folder = tmp_path / "looks"
    folder.mkdir()
    for name, level in (("dark.png", 30), ("light.png", 220)):
        Image.fromarray(np.full((16, 16), level, np.uint8)).save(folder / name)
    config = StyleTransferConfig(encoder="own", width=8, styles=str(folder))
    path = train(tiny, "style_transfer", config, QUICK, tmp_path / "s.ckpt", quiet=True)
    for file in folder.iterdir():
        file.unlink()  # the checkpoint has what it needs
    samples = NeuralSampler(path, draw="pictures").sample("8", 20, 0)
    assert {parents[1] for parents in samples.parents} == {"styles: dark.png", "styles: light.png"}
    assert samples.how[0] == "pictures (encoder own)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (None, "does not exist"),
        ("empty", "holds no images"),
        ("broken", "broken.png"),
        ("colour", "colour"),
    ],
)
def test_bad_style_folders_are_refused_before_training(
    tiny: LabeledData, tmp_path: Path, make: str | None, message: str
) -> None:
    folder = tmp_path / "looks"
    if make:
        folder.mkdir()
    if make == "broken":
        (folder / "broken.png").write_bytes(b"no image")
    if make == "colour":
        Image.fromarray(np.full((16, 16, 3), (200, 30, 30), np.uint8)).save(folder / "red.png")
    config = StyleTransferConfig(encoder="own", width=8, styles=str(folder))
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        train(tiny, "style_transfer", config, QUICK, tmp_path / "s.ckpt", quiet=True)
    assert not (tmp_path / "s.ckpt").exists()


def test_a_vgg_checkpoint_needs_no_weight_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(encoder: encoders.Encoder, download: bool) -> str:
        torch.nn.init.constant_(encoder.stages[0][0].bias, 0.5)  # type: ignore[index,arg-type]
        return "vgg16 test 0123"

    monkeypatch.setattr("gensynth.models.style_transfer.load_pretrained", fill)
    x = torch.randint(0, 256, (12, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    data = LabeledData(Pixels(x), np.arange(12) % 2, ("a", "b"), tuple(map(str, range(12))))
    config = StyleTransferConfig(encoder="vgg16")
    path = train(data, "style_transfer", config, QUICK, tmp_path / "s.ckpt", quiet=True)
    monkeypatch.setattr(encoders, "_at_hand", lambda name: False)
    model = load_checkpoint(path).model
    assert isinstance(model, StyleTransfer) and model.stamp == "encoder vgg16 test 0123"
    assert (model.encoder.stages[0][0].bias == 0.5).all()  # type: ignore[index]
    assert not any(p.requires_grad for p in model.encoder.parameters()), "a pretrained encoder stays as it is"


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"alpha": 1.5}, "alpha in"), ({"lr": 0.0}, "must be positive"), ({"style_weight": -1.0}, "not be negative")],
)
def test_bad_settings_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StyleTransferConfig(**settings)  # type: ignore[arg-type]
