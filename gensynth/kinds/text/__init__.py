"""Text: documents with labels, and what only text can know."""

from __future__ import annotations

from gensynth.data.lazy import lazily

_HOME = {
    "TextConfig": "gensynth.kinds.text.config",
    "TextEvaluateConfig": "gensynth.kinds.text.config",
    "Documents": "gensynth.kinds.text.documents",
    "from_documents": "gensynth.kinds.text.documents",
    "Vectors": "gensynth.kinds.text.vectors",
    "TextSampler": "gensynth.kinds.text.samplers.base",
    "Backtranslate": "gensynth.kinds.text.samplers.backtranslate",
    "Edits": "gensynth.kinds.text.samplers.edits",
    "LLM": "gensynth.kinds.text.samplers.llm",
    "Mask": "gensynth.kinds.text.samplers.mask",
    "NeuralText": "gensynth.kinds.text.samplers.neural",
    "NGram": "gensynth.kinds.text.samplers.ngram",
    "Paraphrase": "gensynth.kinds.text.samplers.paraphrase",
    "Shuffle": "gensynth.kinds.text.samplers.shuffle",
    "Splice": "gensynth.kinds.text.samplers.splice",
    "Synonyms": "gensynth.kinds.text.samplers.synonyms",
}
__all__ = sorted(_HOME)
__getattr__, __dir__ = lazily(__name__, _HOME)
