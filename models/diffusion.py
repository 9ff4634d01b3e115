"""Diffusion: a text-to-image model of your own learns your classes from few images, and draws them.

The model is a Stable Diffusion in a folder (Rombach et al. 2022, "High-Resolution Image Synthesis with Latent Diffusion
Models"). It stays as it is. What is learned is small: for each class one new word (Gal et al. 2022, "An Image is Worth
One Word: Personalizing Text-to-Image Generation using Textual Inversion"), and for all of them one change of low rank
to the attention layers (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models"). The classes that images
start from learn their words, too, so that a word says what sets its class apart (Wang et al. 2024, "Enhance Image
Classification via Inter-Class Image Mixup with Diffusion Model").

Three ways to draw a label; the first two noise a real image and remove the noise again (Meng et al. 2021, "SDEdit"):

- `img2img`: starts from an image of the label (Trabucco et al. 2023, "Effective Data Augmentation With Diffusion
  Models"), and `strength` says how much of it goes;
- `inter`: starts from an image of another class, whose scene stays while its subject becomes the label's;
- `text`: starts from noise.

What differs from the papers: word and change are learned together, the noise is removed by DDIM (Song et al. 2020), and
pictures go through the networks one at a time, so that no sample depends on what is drawn beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from time import perf_counter
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from tqdm import tqdm

from gensynth.data.weights import fetch
from gensynth.generator.base import Batch, Drawn
from gensynth.kinds.image.generator.source import SourceGenerator
from gensynth.kinds.image.generator.weights import ATTENTION, READ, Weights, find_weights

LIBRARIES = ("diffusers", "peft", "transformers")
CHANCES = 1
"""Numbers of a sample's noise that choose its source; the rest are its latents."""
UNITS = ((3600, "hours"), (60, "minutes"), (1, "seconds"))


@dataclass(frozen=True)
class DiffusionConfig:
    """Settings of the diffusion model."""

    weights: str = ""
    """Folder of the text-to-image model, as diffusers saves a StableDiffusionPipeline with safetensors; or
    OWNER/MODEL on Hugging Face, which is downloaded with --download."""
    sha256: str = ""
    """Hash that the weights must have; the checkpoint keeps the one that they had."""
    prompt: str = "a photo of a {}"
    """What the model is told; {} stands for the class's word."""
    strength: float = 0.5
    """Share of the noise that a real image gets before it is drawn anew: 0 hardly changes it, 1 leaves nothing."""
    guidance: float = 7.5
    """How much more the prompt counts than an empty one (Ho & Salimans 2022); 1 is no more."""
    draw_steps: int = 30
    """Steps from noise to picture; a real image needs `strength` of them."""
    rank: int = 4
    """Rank of the change to each attention layer."""
    lr: float = 1e-4
    """AdamW's learning rate of the change."""
    word_lr: float = 5e-4
    """AdamW's learning rate of the words."""
    max_sources: int = 500
    """Most images of each class that the checkpoint keeps to start from."""

    def __post_init__(self) -> None:
        if self.prompt.count("{}") != 1:
            raise ValueError(f"prompt must hold {{}} once, where the class's word goes, got {self.prompt!r}.")
        if not 0 < self.strength <= 1 or self.guidance < 1:
            raise ValueError(
                f"strength lies in (0, 1] and guidance is at least 1, got {self.strength} and {self.guidance}."
            )
        if not (1 <= self.draw_steps <= 1000 and 1 <= self.rank <= 256):
            raise ValueError(
                f"draw_steps lies in [1, 1000] and rank in [1, 256], got {self.draw_steps} and {self.rank}."
            )
        if min(self.lr, self.word_lr) <= 0 or self.max_sources < 0:
            raise ValueError("lr and word_lr must be positive, and max_sources not negative.")


@dataclass(frozen=True, eq=False)
class Pipeline:
    """The networks of a folder, frozen; those that are trained on top of them share one.

    Attributes:
        tokenizer: Text to numbers of tokens.
        text_encoder: Numbers of tokens to what the UNet is told; float32.
        vae: Pictures to latents and back; float32, for its last layers overflow in 16 bits.
        unet: Predicts noise, with layers for a LoRA whose weights are handed over with each call.
        scheduler: How much noise there is at a time, and how it is removed.
    """

    tokenizer: Any
    text_encoder: Any
    vae: Any
    unet: Any
    scheduler: Any

    def encode(self, x: Tensor) -> Tensor:
        """Map pictures (b, 3, h, w) in [-1, 1] to latents (b, channels, h / factor, w / factor)."""
        return self.vae.encode(x).latent_dist.mode() * self.vae.config.scaling_factor

    def decode(self, latents: Tensor) -> Tensor:
        """Undo `encode`; in about [-1, 1]."""
        return self.vae.decode(latents / self.vae.config.scaling_factor).sample

    def tokens(self, prompt: str) -> list[int]:
        """Return the numbers of a prompt's tokens, as many as the text encoder takes; -1 where {} stands.

        Raises:
            ValueError: if the prompt is too long.
        """
        t, most = self.tokenizer, self.text_encoder.config.max_position_embeddings
        before, *after = (t(text, add_special_tokens=False).input_ids for text in prompt.split("{}"))
        ids = [t.bos_token_id, *before, *(n for part in after for n in (-1, *part)), t.eos_token_id]
        if len(ids) > most:
            raise ValueError(f"the prompt {prompt!r} has {len(ids)} tokens and the model reads {most}; shorten it.")
        return ids + [t.pad_token_id] * (most - len(ids))


def require_libraries() -> None:
    """Raise ModuleNotFoundError, which says what to install, unless the libraries are there; none is imported yet."""
    if missing := [name for name in LIBRARIES if find_spec(name) is None]:
        raise ModuleNotFoundError(
            f"diffusion needs {missing[0]}, which is not installed; pip install 'gensynth[diffusion]'."
        )


@lru_cache(maxsize=1)
@torch.inference_mode(False)  # also when a sample asks for them, since a training may come next
def load_pipeline(folder: str, sha256: str, rank: int, device: torch.device) -> Pipeline:
    """Load the networks, from local files alone; `sha256` tells folders of equal name apart.

    Raises:
        ValueError: if the files do not fit together.
    """
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from peft import LoraConfig, inject_adapter_in_model
    from safetensors.torch import load_file
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    text: Any = CLIPTextModel  # whose types leave out what it returns with output_loading_info
    local = {"local_files_only": True, "use_safetensors": True, "output_loading_info": True}
    try:
        with torch.random.fork_rng(devices=[]):
            # By its tensors, not its folder, in which other files could name further models to load.
            text_encoder, of_text = text.from_pretrained(
                None,
                config=CLIPTextConfig.from_json_file(f"{folder}/text_encoder/config.json"),
                state_dict=load_file(f"{folder}/text_encoder/model.safetensors"),
                attn_implementation="sdpa",
                dtype=torch.float32,
                output_loading_info=True,
            )
            vae, of_vae = AutoencoderKL.from_pretrained(f"{folder}/vae", torch_dtype=torch.float32, **local)
            unet, of_unet = UNet2DConditionModel.from_pretrained(f"{folder}/unet", torch_dtype=half(device), **local)
            if missing := [name for each in (of_text, of_vae, of_unet) for name in each["missing_keys"]]:
                raise ValueError(f"there are no weights {missing[0]}")
            lora = LoraConfig(r=rank, lora_alpha=rank, target_modules=list(ATTENTION))
            unet = inject_adapter_in_model(lora, unet)
            tokenizer = CLIPTokenizer.from_pretrained(f"{folder}/tokenizer", local_files_only=True)
            scheduler: Any = DDIMScheduler.from_pretrained(f"{folder}/scheduler", local_files_only=True)
            if (kind := scheduler.config.prediction_type) not in ("epsilon", "v_prediction"):
                raise ValueError(f"its prediction_type is {kind!r}, and must be epsilon or v_prediction")
    except Exception as error:  # these libraries raise many kinds, all of them about the files
        said = " ".join(str(error).split())[:300].rstrip(".")
        raise ValueError(
            f"the weights in {folder!r} do not fit together ({said}); save them with diffusers."
        ) from error
    text_encoder, vae, unet = (network.requires_grad_(False).eval().to(device) for network in (text_encoder, vae, unet))
    return Pipeline(tokenizer, text_encoder, vae, unet, scheduler)


def half(device: torch.device) -> torch.dtype:
    """Return the precision in which a UNet is fast and small on a device: bf16 or float16 on a GPU."""
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def initial_lora(layers: dict[str, tuple[int, int]], rank: int) -> dict[str, nn.Parameter]:
    """Return A and B of a change W + B A to each layer (Hu et al. 2021), B being 0 at first.

    Args:
        layers: Shape (out, in) of each W, by name.
        rank: Columns of B, rows of A.

    Returns:
        Parameters under the names that peft gives them, but for the dots, which no parameter may have.
    """
    weights = {}
    for name, (outputs, inputs) in layers.items():
        pair = {"A": nn.init.kaiming_uniform_(torch.empty(rank, inputs), a=5**0.5), "B": torch.zeros(outputs, rank)}
        for letter, weight in pair.items():
            weights[f"{name}.lora_{letter}.default.weight".replace(".", "/")] = nn.Parameter(weight)
    return weights


class Forecast:
    """Tells once, after a few steps, how long the whole of a work takes."""

    STEPS = 2

    def __init__(self) -> None:
        self.seen: list[tuple[float, float]] = []

    def seconds(self, progress: float) -> float | None:
        """Return how long all of it takes, once enough steps are timed; `progress` in [0, 1) is done so far."""
        if len(self.seen) > self.STEPS:
            return None
        self.seen.append((perf_counter(), progress))
        (start, before), (now, after) = self.seen[0], self.seen[-1]
        return (now - start) / (after - before) if len(self.seen) > self.STEPS and after > before else None


def duration(seconds: float) -> str:
    """Return a time in words, such as `2.5 hours`."""
    size, unit = next((size, unit) for size, unit in UNITS if seconds >= size or size == 1)
    return f"{seconds / size:.1f} {unit}"


class Diffusion(SourceGenerator):
    """A word for each class and a LoRA on a Stable Diffusion; draws from real images or from noise."""

    Config: ClassVar[type] = DiffusionConfig
    conditional: ClassVar[bool] = False
    block: ClassVar[int | None] = 1
    remembers_all: ClassVar[bool] = True
    draws: tuple[str, ...] = ("img2img", "inter", "text")

    def __init__(self, config: DiffusionConfig, shape: tuple[int, int, int], classes: tuple[str, ...]) -> None:
        require_libraries()
        if not config.weights:
            raise ValueError("diffusion learns on top of a text-to-image model of yours; give --model.weights FOLDER.")
        self.weights: Weights = find_weights(config.weights, config.sha256)
        super().__init__(replace(config, sha256=self.weights.sha256), shape, classes)
        self.automatic_optimization = False
        self.sides = self.weights.sides(*shape[1:])
        self.words = nn.Parameter(torch.randn(len(classes), self.weights.width) * 0.02)
        self.lora = nn.ParameterDict(initial_lora(self.weights.layers, config.rank))
        self.forecasts = {"train": Forecast(), "draw": Forecast()}

    @classmethod
    def fetch(cls, config: DiffusionConfig) -> None:
        """Download the weights from Hugging Face, unless they are in a folder."""
        require_libraries()
        fetch(config.weights, READ)

    @property
    def stamp(self) -> str:
        """Which weights, and how much of a real image went."""
        return f"weights {self.weights.sha256[:12]}, strength {self.config.strength:g}"

    @property
    def noise_dim(self) -> int:
        """One number that chooses the source, and the latents."""
        height, width = (side // self.weights.factor for side in self.sides)
        return CHANCES + self.weights.channels * height * width

    @property
    def pipeline(self) -> Pipeline:
        """The networks, loaded where this model is."""
        return load_pipeline(str(self.weights.folder), self.weights.sha256, self.config.rank, self.device)

    @torch.no_grad()
    def prepare(self, download: bool) -> None:
        """Let each class's word begin as the words of its name mean, unless it was learned before."""
        if not self.file:
            table = self.pipeline.text_encoder.get_input_embeddings().weight
            for word, name in zip(self.words, self.classes, strict=True):
                if ids := self.pipeline.tokenizer(name, add_special_tokens=False).input_ids:
                    word.copy_(table[ids].mean(0))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW over the words and the LoRA."""
        of_words = {"params": [self.words], "lr": self.config.word_lr}
        return torch.optim.AdamW([{"params": list(self.lora.values())}, of_words], lr=self.config.lr)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """One update on the squared error of the predicted noise, summed up image by image to save memory."""
        optimizer, rng = self.optimizers(), self.step_rng(batch)
        total = torch.zeros((), device=self.device)
        optimizer.zero_grad()
        for image, label in zip(batch.x.split(1), batch.y.tolist(), strict=True):
            loss = self._loss(image, label, rng) / len(batch.x)
            self.manual_backward(loss)
            total += loss.detach()
        optimizer.step()
        self.log_dict({"train/noise_loss": total})
        if seconds := self._forecast("train", batch.progress):
            left = duration(seconds * (1 - batch.progress))
            tqdm.write(f"diffusion: the rest of the training takes about {left} on this CPU.", file=sys.stderr)

    def _forecast(self, work: str, progress: float) -> float | None:
        return self.forecasts[work].seconds(progress) if self.device.type == "cpu" else None

    def _loss(self, image: Tensor, label: int, rng: torch.Generator) -> Tensor:
        """Return the mean of (noise - predicted noise)^2 for one image at a random time (Ho et al. 2020, eq. 14)."""
        pipeline, device = self.pipeline, self.device
        scheduler = pipeline.scheduler
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            latents = pipeline.encode(self._to_picture(image))
        noise = torch.randn(latents.shape, generator=rng, device=device)
        t = torch.randint(scheduler.config.num_train_timesteps, (1,), generator=rng, device=device)
        predicted = self._predict(scheduler.add_noise(latents, noise, t), t, self._told(label))
        velocity = scheduler.config.prediction_type == "v_prediction"
        return F.mse_loss(predicted, scheduler.get_velocity(latents, noise, t) if velocity else noise)

    def _predict(self, latents: Tensor, t: Tensor, told: Tensor) -> Tensor:
        """Return what the UNet with this LoRA predicts of latents (b, ...) at time t; float32."""
        unet = self.pipeline.unet
        lora = {name.replace("/", "."): weight for name, weight in self.lora.items()}
        inputs = (latents.to(unet.dtype), t, told.to(unet.dtype))
        return functional_call(unet, lora, inputs, tie_weights=False).sample.float()

    def _told(self, label: int | None) -> Tensor:
        """Return what the UNet is told of a class, (1, tokens, width); of None, what an empty prompt tells."""
        pipeline = self.pipeline
        ids = torch.tensor(pipeline.tokens("" if label is None else self.config.prompt), device=self.device)
        embedding = pipeline.text_encoder.get_input_embeddings()
        name = next(n for n, weight in pipeline.text_encoder.named_parameters() if weight is embedding.weight)
        # A vocabulary of the prompt's own tokens, then the words: it need not grow for the words to be learned.
        table = torch.cat([embedding.weight[ids.clamp(min=0)], self.words])
        at = torch.arange(len(ids), device=self.device).where(ids >= 0, len(ids) + (label or 0))
        with torch.autocast(self.device.type, enabled=False):
            return functional_call(pipeline.text_encoder, {name: table}, (at[None],)).last_hidden_state

    def _to_picture(self, image: Tensor) -> Tensor:
        """Bring one image, uint8 (1, c, h, w), to the size and range of the pipeline."""
        x = image.to(self.device).float().expand(-1, 3, -1, -1) / 127.5 - 1
        return F.interpolate(x, self.sides, mode="bicubic", antialias=True).clamp(-1, 1)

    def _sample(self, labels: Tensor, noise: Tensor, draw: str) -> Drawn:
        pictures, parents = zip(*self._pictures(int(labels[0]), noise, draw), strict=True)
        c, h, w = self.shape
        x = F.interpolate(torch.cat(pictures), (h, w), mode="bicubic", antialias=True)
        return Drawn(x if c == 3 else x.mean(1, keepdim=True), parents)

    def _pictures(self, label: int, noise: Tensor, draw: str) -> Iterator[tuple[Tensor, tuple[str, ...]]]:
        """Yield each picture, (1, 3, *sides) in about [-1, 1], and its parent: the whole size, one at a time."""
        chance = torch.special.ndtr(noise[:, 0])
        mine = self.source_labels == label
        for at in range(len(noise)):
            latents = noise[at : at + 1, CHANCES:]
            if draw == "text":
                yield self._picture(label, latents, None), ()
            else:
                (source,) = self.pick(mine if draw == "img2img" else ~mine, chance[at : at + 1])
                start = self._to_picture(self.sources[source : source + 1])
                yield self._picture(label, latents, start), (self.source_ids[source],)

    def _picture(self, label: int, noise: Tensor, start: Tensor | None) -> Tensor:
        """Draw one picture from noise (1, ...), or from a real one (1, 3, *sides) that gets `strength` of it."""
        pipeline, config = self.pipeline, self.config
        scheduler, steps = pipeline.scheduler, config.draw_steps
        latents = noise.reshape(1, self.weights.channels, *(side // self.weights.factor for side in self.sides))
        scheduler.set_timesteps(steps, device=self.device)
        times = scheduler.timesteps
        if start is not None:
            times = times[steps - max(1, round(steps * config.strength)) :]
            latents = scheduler.add_noise(pipeline.encode(start), latents, times[:1])
        told = torch.cat([self._told(None), self._told(label)])
        for at, t in enumerate(times):
            if seconds := self._forecast("draw", at / len(times)):
                each, hundred = duration(seconds), duration(100 * seconds)
                tqdm.write(
                    f"diffusion: a picture takes about {each} on this CPU, 100 of them {hundred}.", file=sys.stderr
                )
            without, with_prompt = self._predict(torch.cat([latents] * 2), t, told).chunk(2)
            guided = without + config.guidance * (with_prompt - without)
            latents = scheduler.step(guided, t, latents).prev_sample
        return pipeline.decode(latents)
