"""WordNet: synonyms from the files of a WordNet 3 (Fellbaum 1998, "WordNet: An electronic lexical database")."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

PARTS = ("noun", "verb", "adj", "adv")


def synonyms(folder: Path, words: Collection[str], k: int) -> dict[str, tuple[str, ...]]:
    """Return at most k synonyms of each word that has some, those of its commonest senses first.

    Args:
        folder: Holds `index.noun`, `data.noun` and the same of verbs, adjectives and adverbs (format: wndb(5WN)).
        words: In small letters, as they stand in a dictionary: nothing is known of plurals and past tenses.
        k: How many.

    Raises:
        ValueError: if one of the files is missing, or is none of WordNet's.
    """
    found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for part in PARTS:
        index, data = folder / f"index.{part}", folder / f"data.{part}"
        if missing := next((file for file in (index, data) if not file.is_file()), None):
            raise ValueError(
                f"there is no file {str(missing)!r}; give the folder of WordNet's index.* and data.* files."
            )
        try:
            for word, sense, synonym in _pairs(index, data, words):
                found[word].append((sense, synonym))
        except (IndexError, OSError, OverflowError, ValueError) as error:
            raise ValueError(f"{str(index)!r} and {str(data)!r} are no files of WordNet 3; get them again.") from error
    ranked = ((word, dict.fromkeys(synonym for _, synonym in sorted(pairs))) for word, pairs in found.items())
    return {word: tuple(names)[:k] for word, names in ranked}


def _pairs(index: Path, data: Path, words: Collection[str]) -> list[tuple[str, int, str]]:
    """Return words with each of their synonyms, and the number of the sense, 0 for the commonest."""
    found = []
    with index.open(encoding="utf-8") as lines, data.open("rb") as senses:
        for line in lines:
            # lemma pos synset_cnt p_cnt [ptr_symbol...] sense_cnt tagsense_cnt synset_offset...
            word, _, rest = line.partition(" ")
            if word not in words:
                continue
            fields = rest.split()
            for sense, offset in enumerate(fields[-int(fields[1]) :]):
                senses.seek(int(offset))
                # synset_offset lex_filenum ss_type w_cnt word lex_id [word lex_id...] p_cnt ...; w_cnt in base 16
                told = senses.readline().decode().split()
                if told[0] != offset:
                    raise ValueError(f"no sense at {offset}")
                for name in told[4 : 4 + 2 * int(told[3], 16) : 2]:
                    synonym = name.partition("(")[0].replace("_", " ")  # adjectives have marks, as in `ready(p)`
                    if synonym.lower() != word:
                        found.append((word, sense, synonym))
    return found
