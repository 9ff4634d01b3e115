"""Language models of a few thousand random weights, in folders, as transformers writes real ones."""

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

WORDS = """
a am and are at bad big call cash claim day do early entry far free fine good have here home i is it joke late let long
me mobile nice no not now office or prize reply see so take the there this time to today urgent we will win won work you
""".split()
"""What they know; all else is unknown to them."""
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def settings(name: str) -> dict[str, Any] | None:
    """Return what a sampler of documents needs to be fitted."""
    if name == "mask":
        return {"weights": str(shared_masked())}
    if name == "backtranslate":
        return {"there": str(shared_seq2seq(1)), "back": str(shared_seq2seq(2))}
    return {"weights": str(shared_seq2seq(1))} if name == "paraphrase" else None


def usable(names: Sequence[str]) -> list[str]:
    """Return the samplers whose libraries are installed."""
    return [name for name in names if name not in ("mask", "backtranslate", "paraphrase") or _installed()]


def _installed() -> bool:
    return all(find_spec(name) for name in ("transformers", "sentencepiece"))


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    return folder


@cache
def shared_masked() -> Path:
    """Return a masked language model that all tests of a process may read."""
    return masked(_folder())


@cache
def shared_seq2seq(seed: int) -> Path:
    """Return a sequence-to-sequence model that all tests of a process may read."""
    return seq2seq(_folder(), seed)


def masked(folder: Path, seed: int = 0) -> Path:
    """Write a BERT that reads 64 tokens."""
    from transformers import BertConfig, BertForMaskedLM

    size = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)
    config = BertConfig(vocab_size=_tokenizer(folder), max_position_embeddings=64, **size)
    return _saved(BertForMaskedLM, config, folder, seed)


def seq2seq(folder: Path, seed: int = 0) -> Path:
    """Write a Marian that reads 64 tokens, and writes few; needs sentencepiece."""
    from transformers import GenerationConfig, MarianConfig, MarianMTModel

    size = dict(d_model=16, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16, decoder_ffn_dim=16)
    heads = dict(encoder_attention_heads=2, decoder_attention_heads=2)
    known = _pieces(folder)
    special = dict(pad_token_id=known - 1, eos_token_id=0, forced_eos_token_id=0, decoder_start_token_id=known - 1)
    config = MarianConfig(vocab_size=known, max_position_embeddings=64, **size, **heads, **special)
    # As real ones say, which are made to be searched; and no sentence is empty.
    searched = dict(num_beams=4, max_length=64, early_stopping=True, bad_words_ids=[[known - 1]])
    generation = GenerationConfig(**special, **searched, begin_suppress_tokens=[0])
    return _saved(MarianMTModel, config, folder, seed, generation)


def _pieces(folder: Path) -> int:
    """Write a tokenizer of pieces of `WORDS`, its first token the end and its last one padding; return its size."""
    from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

    options = dict(normalization_rule_name="nmt_nfkc_cf", hard_vocab_limit=False, num_threads=1, minloglevel=2)
    folder.mkdir(exist_ok=True)
    with (folder / "source.spm").open("wb") as file:
        SentencePieceTrainer.train(sentence_iterator=iter(WORDS * 5), model_writer=file, vocab_size=200, **options)
    shutil.copy(folder / "source.spm", folder / "target.spm")
    pieces = SentencePieceProcessor(str(folder / "source.spm"))
    known = [pieces.id_to_piece(i) for i in range(len(pieces))]
    names = ["</s>", "<unk>", *(piece for piece in known if not piece.startswith("<")), "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({name: at for at, name in enumerate(names)}))
    told = {"tokenizer_class": "MarianTokenizer", "model_max_length": 64}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    return len(names)


def _saved(kind: Any, config: Any, folder: Path, seed: int, generation: Any = None) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = kind(config)
        if generation is not None:
            network.generation_config = generation
            network.final_logits_bias[0, config.eos_token_id] = 3  # so that a sentence has few tokens
        network.save_pretrained(folder)
    return folder


def _tokenizer(folder: Path) -> int:
    """Write a tokenizer that knows `WORDS`, single marks of punctuation, and nothing else; return its size."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: at for at, token in enumerate([*SPECIAL, *".,;:!?", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names).save_pretrained(folder)
    return len(vocabulary)
