"""A text-to-image pipeline of a few thousand random weights, in a folder, as diffusers writes a real one."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from gensynth.generator.registry import get_generator


def usable(names: Sequence[str]) -> list[str]:
    """Return the generators whose libraries are installed: `diffusion` needs an extra."""
    return [name for name in names if name != "diffusion" or find_spec("diffusers")]


def settings(name: str) -> Any:
    """Return the default settings of a generator of images; one that learns on top of a model gets a tiny one."""
    config = get_generator(name, "image").Config
    return config(weights=str(shared_pipeline()), draw_steps=2) if name == "diffusion" else config()


@cache
def shared_pipeline() -> Path:
    """Return one that all tests of a process may read."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    return tiny_pipeline(folder)


def tiny_pipeline(folder: Path, seed: int = 0) -> Path:
    """Write one for pictures of 16 x 16; needs diffusers and transformers."""
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vocabulary = vocabulary_in(folder / "tokenizer")
        text = CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=8,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=32,
            bos_token_id=vocabulary - 2,
            eos_token_id=vocabulary - 1,
            pad_token_id=vocabulary - 1,
        )
        CLIPTextModel(text).save_pretrained(folder / "text_encoder")
        unet = UNet2DConditionModel(
            sample_size=8,
            block_out_channels=(8, 16),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            cross_attention_dim=8,
            attention_head_dim=4,
            norm_num_groups=4,
        )
        unet.save_pretrained(folder / "unet")
        vae = AutoencoderKL(
            block_out_channels=(4, 8),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
            norm_num_groups=4,
            sample_size=16,
        )
        vae.save_pretrained(folder / "vae")
    DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False).save_pretrained(folder / "scheduler")
    parts = {
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    index = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.35.0"} | parts
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def vocabulary_in(folder: Path) -> int:
    """Write a tokenizer that knows letters, digits and one word; return how many tokens it has."""
    signs = "abcdefghijklmnopqrstuvwxyz0123456789"
    tokens = [*signs, *(f"{sign}</w>" for sign in signs), "ph", "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({token: at for at, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\np h\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 32}))
    return len(tokens)
