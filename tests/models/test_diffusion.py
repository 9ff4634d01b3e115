"""Diffusion on a tiny random pipeline: what is learned and kept, where pictures start, which folders are refused."""

from __future__ import annotations

import ast
import dataclasses
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command_line import picture, refused, run
from gensynth.models import diffusion
from gensynth.models.diffusion import Diffusion, DiffusionConfig, Forecast, duration

import gensynth
from gensynth.data.labeled import LabeledData
from gensynth.generator.checkpoint import build, load_checkpoint
from gensynth.generator.config import TrainConfig
from gensynth.kinds.image.generator.scope import scope_of
from gensynth.kinds.image.generator.train import train
from gensynth.kinds.image.generator.weights import find_weights

pytest.importorskip("diffusers")
pytest.importorskip("peft")

from tiny_pipeline import shared_pipeline, tiny_pipeline  # noqa: E402

QUICK = TrainConfig(steps=2, batch_size=4, precision="32-true", accelerator="cpu")


def model_of(data: LabeledData | None = None, shape: tuple[int, int, int] = (1, 8, 8), **settings: Any) -> Diffusion:
    """One for '8' out of '1' and '7'; with `data`, it has seen them."""
    config = DiffusionConfig(**{"weights": str(shared_pipeline()), "draw_steps": 4} | settings)
    model = build("diffusion", config, shape, ("8", "1", "7"), 0)
    assert isinstance(model, Diffusion)
    if data is not None:
        y = torch.tensor([(1, 2, 0)[label] for label in data.y])
        model.remember(iter([(data.x[:], y, data.ids)]))
    return model


def learned(data: LabeledData, path: Path, config: TrainConfig = QUICK, **settings: Any) -> Path:
    model = DiffusionConfig(**{"weights": str(shared_pipeline()), "draw_steps": 4} | settings)
    return train(data, "diffusion", model, config, path, label="8", source=("1", "7"), quiet=True)


def own_pipeline(folder: Path) -> Path:
    return shutil.copytree(shared_pipeline(), folder)


def rewrite(path: Path, **entries: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


class TestDraws:
    def test_start_from_the_class_from_another_or_from_noise(self, tiny: LabeledData) -> None:
        model, label_of = model_of(tiny, draw_steps=1), dict(zip(tiny.ids, tiny.y.tolist(), strict=True))
        for label, own in (("8", 2), ("7", 1)):
            starts = {draw: model.sample(label, np.arange(24), 0, draw).parents for draw in model.draws}
            assert {label_of[parent] for (parent,) in starts["img2img"]} == {own}
            assert {label_of[parent] for (parent,) in starts["inter"]} == {0, 1, 2} - {own}
            assert set(starts["text"]) == {()}

    @pytest.mark.parametrize("strength", [0.1, 0.5, 1.0])
    def test_noise_that_is_predicted_right_is_removed(
        self, tiny: LabeledData, monkeypatch: pytest.MonkeyPatch, strength: float
    ) -> None:
        model, calls = model_of(tiny, draw_steps=10, strength=strength), []
        start, noise = model._to_picture(model.sources[:1]), torch.randn(1, model.noise_dim - 1)

        def predict(latents: torch.Tensor, t: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
            calls.append(int(t))
            return noise.view_as(latents[:1]).expand_as(latents)

        monkeypatch.setattr(model, "_predict", predict)
        with torch.inference_mode():
            same = model.pipeline.decode(model.pipeline.encode(start))
            assert torch.allclose(model._picture(0, noise, start), same, atol=1e-3)
        assert len(calls) == 10 * strength and calls == sorted(calls, reverse=True)

    def test_pictures_have_the_size_of_the_pipeline_and_the_proportions_of_the_images(self, tiny: LabeledData) -> None:
        model = model_of(tiny)
        noise = torch.randn(2, model.noise_dim, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            whole = list(model._pictures(0, noise, "img2img"))
        assert [(tuple(x.shape), len(parents)) for x, parents in whole] == [((1, 3, 16, 16), 1)] * 2
        assert model_of(shape=(3, 20, 30)).sides == (12, 20)

    def test_the_word_and_the_lora_are_what_is_drawn_by(self, tiny: LabeledData) -> None:
        before = model_of(tiny).sample("8", np.arange(2), 0, "text").x[:].int()
        for changed in ("words", "lora"):
            model = model_of(tiny)
            for name, weight in model.named_parameters():
                if name.startswith(changed):
                    torch.nn.init.normal_(weight, generator=torch.Generator().manual_seed(1))
            assert (model.sample("8", np.arange(2), 0, "text").x[:].int() - before).abs().max() > 0, changed

    def test_without_images_to_start_from_says_so(self, tiny: LabeledData) -> None:
        with pytest.raises(ValueError, match="keeps no source images"):
            model_of(tiny, max_sources=0).sample("8", np.arange(1), 0)

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    def test_half_precision_draws_nearly_the_same(
        self, tiny: LabeledData, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = model_of(tiny).sample("8", np.arange(3), 0).x[:].int()
        diffusion.load_pipeline.cache_clear()
        monkeypatch.setattr(diffusion, "half", lambda device: dtype)
        model = model_of(tiny)
        rounded = model.sample("8", np.arange(3), 0).x[:].int()
        assert model.pipeline.unet.dtype == dtype and model.pipeline.vae.dtype == torch.float32
        diffusion.load_pipeline.cache_clear()
        assert 0 < (rounded - whole).abs().max() < 10


class TestTraining:
    def test_keeps_words_lora_and_sources_and_nothing_of_the_weights(self, tiny: LabeledData, tmp_path: Path) -> None:
        path = learned(tiny, tmp_path / "d.ckpt", max_sources=5)
        contents = torch.load(path, weights_only=True)
        assert {name.split(".")[0] for name in contents["state"]} == {"words", "lora", "_extra_state"}
        assert contents["state"]["words"].shape == (3, 8)
        model = load_checkpoint(path).model
        assert isinstance(model, Diffusion) and [int(n) for n in model.source_labels.bincount()] == [5, 5, 5]
        sha256 = find_weights(str(shared_pipeline())).sha256
        assert contents["provenance"]["model"]["sha256"] == sha256 and sha256[:12] in model.stamp
        assert len(pickle.dumps(model)) < 100_000

    def test_learns_to_predict_the_noise(self, tiny: LabeledData, tmp_path: Path) -> None:
        def error(model: Diffusion) -> float:
            rng = torch.Generator().manual_seed(5)
            with torch.no_grad():
                return float(np.mean([float(model._loss(model.sources[:1], 0, rng)) for _ in range(20)]))

        config = dataclasses.replace(QUICK, steps=60, batch_size=2)
        trained = load_checkpoint(learned(tiny, tmp_path / "d.ckpt", config, lr=0.05, word_lr=0.05)).model
        assert isinstance(trained, Diffusion)
        assert error(trained) < 0.95 * error(model_of(tiny))

    @pytest.mark.parametrize("kind", ["v_prediction", "epsilon"])
    def test_learns_on_other_schedules(self, tiny: LabeledData, tmp_path: Path, kind: str) -> None:
        folder = own_pipeline(tmp_path / "weights")
        rewrite(folder / "scheduler/scheduler_config.json", _class_name="PNDMScheduler", prediction_type=kind)
        rewrite(folder / "scheduler/scheduler_config.json", skip_prk_steps=True, steps_offset=1, set_alpha_to_one=False)
        losses = load_checkpoint(learned(tiny, tmp_path / "d.ckpt", weights=str(folder))).history["train/noise_loss"]
        assert len(losses) == 2 and np.isfinite(losses).all()

    def test_a_word_begins_as_the_name_of_its_class(self) -> None:
        model = model_of()
        model.prepare(download=False)
        ids = model.pipeline.tokenizer("8", add_special_tokens=False).input_ids
        assert torch.equal(model.words[0], model.pipeline.text_encoder.get_input_embeddings().weight[ids[0]])

    def test_the_prompt_holds_the_word_once_and_fits(self) -> None:
        ids = model_of(prompt="a photo of a {}, up close").pipeline.tokens("a photo of a {}, up close")
        assert len(ids) == 32 and ids.count(-1) == 1
        for prompt in ("a photo", "{} and {}"):
            with pytest.raises(ValueError, match="prompt must hold {} once"):
                DiffusionConfig(prompt=prompt)
        with pytest.raises(ValueError, match="has 36 tokens and the model reads 32; shorten it"):
            model_of().pipeline.tokens("a" * 33 + " {}")

    def test_settings_out_of_range(self) -> None:
        for settings in ({"strength": 0.0}, {"guidance": 0.5}, {"draw_steps": 0}, {"rank": 257}, {"lr": 0.0}):
            with pytest.raises(ValueError, match=next(iter(settings))):
                DiffusionConfig(**settings)

    def test_domains_are_not_its_business(self, tiny: LabeledData) -> None:
        with pytest.raises(ValueError, match="diffusion does not translate from one domain to another"):
            scope_of(tiny, "diffusion", domains=("day", "night"))


class TestForecast:
    def test_tells_once_from_a_few_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = iter(range(0, 1000, 60))
        monkeypatch.setattr(diffusion, "perf_counter", lambda: next(clock))
        forecast = Forecast()
        assert [forecast.seconds(at / 500) for at in range(6)] == [None, None, 30_000.0, None, None, None]
        assert [duration(t) for t in (30_000, 90, 0.24)] == ["8.3 hours", "1.5 minutes", "0.2 seconds"]

    def test_training_and_drawing_say_how_long(
        self, tiny: LabeledData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = learned(tiny, tmp_path / "d.ckpt", dataclasses.replace(QUICK, steps=5))
        assert capsys.readouterr().err.count("diffusion: the rest of the training takes about ") == 1
        load_checkpoint(path).model.sample("8", np.arange(3), 0, "text")
        assert capsys.readouterr().err.count("diffusion: a picture takes about 0.") == 1


def no_safetensors(folder: Path) -> None:
    (folder / "unet/diffusion_pytorch_model.safetensors").rename(folder / "unet/diffusion_pytorch_model.bin")


def other_class(folder: Path) -> None:
    rewrite(folder / "model_index.json", _class_name="StableDiffusionXLPipeline")


def own_code(folder: Path) -> None:
    rewrite(folder / "model_index.json", _class_name=["pipeline", "Evil"])
    (folder / "pipeline.py").write_text("raise SystemExit('run')")


def own_part(folder: Path) -> None:
    rewrite(folder / "model_index.json", unet=["my_unet", "MyUNet"])


def no_index(folder: Path) -> None:
    (folder / "model_index.json").unlink()


def broken(folder: Path) -> None:
    (folder / "unet/diffusion_pytorch_model.safetensors").write_bytes(b"\x80\x04nonsense")


def broken_text(folder: Path) -> None:
    (folder / "text_encoder/model.safetensors").write_bytes(b"\x80\x04nonsense")


def quantised(folder: Path) -> None:
    rewrite(folder / "vae/config.json", quantization_config={"quant_method": "evil"})


def inpainting(folder: Path) -> None:
    rewrite(folder / "unet/config.json", in_channels=9)


def no_vocabulary(folder: Path) -> None:
    (folder / "tokenizer/merges.txt").unlink()


def other_target(folder: Path) -> None:
    rewrite(folder / "scheduler/scheduler_config.json", prediction_type="sample")


def incomplete(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "text_encoder/model.safetensors"
    save_file(dict(list(load_file(path).items())[1:]), path)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (no_safetensors, "holds no unet/diffusion_pytorch_model.safetensors; .* other formats can run code"),
        (other_class, "holds a pipeline of the class 'StableDiffusionXLPipeline'; diffusion takes"),
        (own_code, r"holds a pipeline of the class \['pipeline', 'Evil'\]; diffusion takes"),
        (own_part, r"the unet in .* is \['my_unet', 'MyUNet'\], and must be a UNet2DConditionModel"),
        (no_index, "holds no model_index.json; diffusion takes"),
        (no_vocabulary, "holds no tokenizer/vocab.json and tokenizer/merges.txt or tokenizer/tokenizer.json"),
        (broken, "is no safetensors file"),
        (broken_text, "do not fit together"),
        (quantised, "are quantised"),
        (inpainting, "does not take the latents of its autoencoder"),
        (incomplete, "there are no weights"),
        (other_target, "its prediction_type is 'sample', and must be epsilon or v_prediction"),
    ],
)
def test_folders_that_are_refused(tiny: LabeledData, tmp_path: Path, spoil: Callable[[Path], None], says: str) -> None:
    folder = own_pipeline(tmp_path / "weights")
    spoil(folder)
    with pytest.raises((ValueError, FileNotFoundError), match=says) as caught:
        learned(tiny, tmp_path / "d.ckpt", weights=str(folder))
    assert "\n" not in str(caught.value) and not (tmp_path / "d.ckpt").exists()


def test_names_of_older_files_are_known(tmp_path: Path, tiny: LabeledData) -> None:
    """Stable Diffusion 1.5's text encoder has another prefix, and a buffer more."""
    from safetensors.torch import load_file, save_file

    folder = own_pipeline(tmp_path / "weights")
    path = folder / "text_encoder/model.safetensors"
    old = {f"text_model.{name}": weight for name, weight in load_file(path).items()}
    save_file(old | {"text_model.embeddings.position_ids": torch.arange(32)[None]}, path, {"format": "pt"})
    drawn = [model_of(tiny, weights=str(w)).sample("8", np.arange(2), 0).x[:] for w in (folder, shared_pipeline())]
    assert torch.equal(*drawn)


def test_a_vocabulary_in_one_file_is_the_same(tmp_path: Path, tiny: LabeledData) -> None:
    from transformers import CLIPTokenizer

    folder = own_pipeline(tmp_path / "weights")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    shutil.rmtree(folder / "tokenizer")
    tokenizer.save_pretrained(folder / "tokenizer")
    assert not (folder / "tokenizer/vocab.json").exists()
    drawn = [model_of(tiny, weights=str(w)).sample("8", np.arange(2), 0).x[:] for w in (folder, shared_pipeline())]
    assert torch.equal(*drawn)


def test_weights_in_half_precision_are_computed_with_in_whole_on_a_cpu(tmp_path: Path, tiny: LabeledData) -> None:
    from safetensors.torch import load_file, save_file

    folder = own_pipeline(tmp_path / "weights")
    for path in folder.rglob("*.safetensors"):
        save_file({name: weight.half() for name, weight in load_file(path).items()}, path, {"format": "pt"})
    pipeline = model_of(tiny, weights=str(folder)).pipeline
    for network in (pipeline.unet, pipeline.vae, pipeline.text_encoder):
        assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_moved_and_changed_weights_are_named_with_their_hash(tiny: LabeledData, tmp_path: Path) -> None:
    folder = own_pipeline(tmp_path / "weights")
    path = learned(tiny, tmp_path / "d.ckpt", weights=str(folder))
    sha256 = find_weights(str(folder)).sha256
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(
        FileNotFoundError, match=f"no folder '{folder}', which should hold the weights with sha256 {sha256}"
    ):
        load_checkpoint(path)
    tiny_pipeline(folder, seed=1)
    with pytest.raises(FileNotFoundError, match=f"should hold the weights with sha256 {sha256}, and holds others"):
        load_checkpoint(path)


def test_a_model_on_the_hub_needs_permission(
    tiny: LabeledData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def snapshot_download(name: str, local_files_only: bool = False, allow_patterns: Any = None) -> str:
        if local_files_only and not asked:
            raise FileNotFoundError(name)
        asked.append(allow_patterns)
        return str(shared_pipeline())

    def nothing(name: str, **options: Any) -> str:
        raise OSError("404\nnot found")

    monkeypatch.setattr("huggingface_hub.snapshot_download", nothing)
    with pytest.raises(OSError, match=r"'me/model' could not be downloaded from Hugging Face \(404 not found\); check"):
        Diffusion.fetch(DiffusionConfig(weights="me/model"))
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    with pytest.raises(FileNotFoundError, match="there is no folder 'me/model'.* train with --download"):
        learned(tiny, tmp_path / "d.ckpt", weights="me/model")
    config = DiffusionConfig(weights="me/model", draw_steps=2)
    train(tiny, "diffusion", config, QUICK, tmp_path / "d.ckpt", label="8", source=("1",), download=True, quiet=True)
    assert all(name.endswith((".json", ".txt", ".safetensors")) for name in asked[0])


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, shade, n in (("fine", 40, 12), ("defect", 160, 8)):
        for at in range(n):
            picture(tmp_path / "photos" / name / f"{at}.png", shade + at)
    argv = ["train", "diffusion", "--data", tmp_path / "photos", "--label", "defect", "--out", tmp_path / "out"]
    quick = ["--steps", 2, "--batch_size", 2, "--quiet", "--accelerator", "cpu", "--model.draw_steps", 2]
    assert "give --model.weights FOLDER" in refused(capsys, *argv, *quick)
    code, _, err = run(capsys, *argv, *quick, "--model.weights", shared_pipeline())
    assert code == 0, err
    for draw, of in (("img2img", "defect/"), ("inter", "fine/"), ("text", "")):
        options = ["--label", "defect", "--n", 3, "--draw", draw, "--device", "cpu", "--out", tmp_path / draw]
        code, _, err = run(capsys, "sample", tmp_path / "out" / "defect.ckpt", *options)
        assert code == 0, err
        rows = (tmp_path / draw / "metadata.csv").read_text().splitlines()
        assert len(rows) == 4 and all(of in row and f"{draw} (weights " in row for row in rows[1:])


def test_without_the_libraries_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diffusion, "LIBRARIES", ("diffusers", "no_such_library"))
    argv = ["train", "diffusion", "--data", "builtin:digits", "--label", "8", "--out", tmp_path]
    said = refused(capsys, *argv, "--model.weights", shared_pipeline())
    assert "diffusion needs no_such_library, which is not installed; pip install 'gensynth[diffusion]'." in said


def test_nothing_else_imports_the_libraries() -> None:
    root = Path(gensynth.__file__).parent
    files = [*root.rglob("*.py"), *Path(diffusion.__file__).parent.glob("*.py")]
    of_text = root / "kinds" / "text" / "samplers" / "language_models.py"
    for path in set(files) - {Path(diffusion.__file__), of_text}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & {"diffusers", "peft", "transformers"}, path
