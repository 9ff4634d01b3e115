"""Words and sentences: how samplers cut a text, and which words none of them touches.

A word is a run of letters and digits with the marks, hyphens and points inside it, so that `don't`, `3.50` and
`www.example.org` are one. What stands between words (blanks, line ends, punctuation, emoji) is a gap. Chinese and
Japanese put no blanks between words: there each character is one, except where a negation has several.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

MARKS = ".;?:!,"
"""Punctuation that is put between words (Karimi et al. 2021)."""
_NEGATIONS = """
no not nor none never nothing nobody nowhere neither without cannot cant dont wont isnt arent wasnt doesnt didnt hardly
nicht nichts nie niemals niemand kein keine keinen keiner keinem keines ohne weder noch
ne pas jamais rien aucun aucune sans ni non nunca jamás nada nadie ningún ninguna ninguno sin tampoco
mai niente nulla nessuno nessuna senza né não ninguém nenhum nenhuma sem nem niet geen nooit niets niemand zonder
inte ikke ikkje ingen inget aldrig aldri utan uden uten ei eikä nie nigdy nic nikt bez ani nikdy
не нет ни никогда ничего никто без нема není değil yok hiç لا ليس ليست لم لن بدون غير לא אין בלי אל नहीं नही मत बिना
안 못 아니 không chưa tidak bukan tanpa 不 没 沒 無 无 非 未 别 別 勿 没有 沒有 ない なかっ なく ません
"""
_OF_SEVERAL = "没有|沒有|ない|なかっ|なく|ません"
_SINGLE = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Characters of Chinese and Japanese, as a range of a regular expression."""
_COMBINED = "".join(chr(c) for c in range(0x300, 0x10000) if unicodedata.category(chr(c)).startswith("M"))
"""Marks that belong to the letter before them, such as the vowels of Hindi. Beyond these, `re` is 30 times slower."""
_INSIDE = rf"(?:['’.@/:&\-]|://|[{_COMBINED}]+)"
WORD = rf"(?:[^\W{_SINGLE}]+(?:{_INSIDE}[^\W{_SINGLE}]+)*[{_COMBINED}]*|{_OF_SEVERAL}|[{_SINGLE}])"
_CUT, _IS_SINGLE = re.compile(f"({WORD})"), re.compile(f"[{_SINGLE}]")


_END, _COMMA, _WIDE = ".!?…؟।", ",;:،؛", "、，；。！？"
_SENTENCE = re.compile(rf"((?:(?<=[{_END}])|(?<=[{_END}][\"'”’)\]]))\s+|(?<=[。！？])\s*|\n\s*\n\s*)")
_CLAUSE = re.compile(rf"((?<![{_END}{_COMMA}])[{_END}{_COMMA}]++(?:\s++|$)|[{_WIDE}]+\s*|\n+)")
"""What stands between sentences, whose marks belong to them, and between clauses, whose marks don't."""


def cut(text: str) -> list[str]:
    """Cut a text into gap, word, gap, ..., word, gap: words have odd positions, and all joined are the text."""
    return _CUT.split(text)


def sentences(text: str) -> list[str]:
    """Cut a text into sentence, gap, ..., gap, sentence: sentences have even positions, and all joined are the text."""
    return _SENTENCE.split(text)


def clauses(text: str) -> list[str]:
    """Cut a text into clauses, what stands between commas, ends of lines and of sentences, likewise."""
    return _CLAUSE.split(text)


def blank(word: str) -> str:
    """Return what stands between a word and the next one: nothing in Chinese and Japanese, else a blank."""
    return "" if _IS_SINGLE.match(word) else " "


def listed(value: Any, name: str) -> tuple[str, ...]:
    """Return a setting of several words, which may be one text with commas, as a command line has it.

    Raises:
        ValueError: if it is something else.
    """
    words = [word.strip() for word in value.split(",")] if isinstance(value, str) else value
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{name} must be words, such as 'one,two' or ['one', 'two'], got {value!r}.")
    return tuple(word for word in words if word)


def check_share(name: str, value: Any) -> None:
    """Raise ValueError unless a setting is a share of the whole, from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1, got {value!r}.")


def check_positive(name: str, value: Any) -> None:
    """Raise ValueError unless a setting is a number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
        raise ValueError(f"{name} must be a number above 0, got {value!r}.")


def check_count(name: str, value: Any) -> None:
    """Raise ValueError unless a setting is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a whole number, at least 1; got {value!r}.")


def as_written(word: str, like: str) -> str:
    """Return a word with the capitals of another one."""
    if len(like) > 1 and like.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word


@cache
def never(keep: tuple[str, ...] = ()) -> frozenset[str]:
    """Return words, in small letters, that are never touched: negations of common languages, and those to keep."""
    return frozenset(word.casefold() for word in (*_NEGATIONS.split(), *keep))


def touchable(word: str, kept: frozenset[str]) -> bool:
    """Return whether a word may be changed: it is no number, no negation and none of those kept."""
    if not word.isalpha() and (any(map(str.isdigit, word)) or word.endswith(("n't", "n’t", "N'T", "N’T"))):
        return False
    return word.casefold() not in kept
