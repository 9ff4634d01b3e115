"""Documents changed by a peer at its defaults, in an environment of its own; text.py runs this there.

python benchmarks/text_peers.py PEER texts.json drawn.json N
"""

from __future__ import annotations

import json
import random
import sys
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np


def augmenters(peer: str) -> list[Any]:
    """Return what changes a document, each in turn: of nlpaug (https://github.com/makcedward/nlpaug), no downloads."""
    import nlpaug.augmenter.char as char
    import nlpaug.augmenter.word as word

    if peer == "nlpaug words":
        return [word.RandomWordAug(action="swap"), word.RandomWordAug(action="delete"), word.SpellingAug()]
    return [char.KeyboardAug()]


def main() -> None:
    """Change documents in turn, until there are N."""
    peer, source, target, n = sys.argv[1:]
    random.seed(0)
    np.random.seed(0)
    texts, tools = json.loads(Path(source).read_text()), augmenters(peer)
    drawn = []
    for i, text in enumerate(islice(cycle(texts), int(n))):
        found = tools[i % len(tools)].augment(text)
        drawn.append(found[0] if isinstance(found, list) and found else str(found or text))
    Path(target).write_text(json.dumps(drawn))


if __name__ == "__main__":
    main()
