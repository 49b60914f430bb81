"""A pool of text for each language, of which stories are put together.

Writing each story word by word would make Python the limit; repeating one text would let compression (TOAST) do far
better than it does on stories. A story so takes some paragraphs out of thousands, each of them different.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from random import Random

from benchmarks.legacy.copying import json_string_field, text_field
from benchmarks.legacy.languages import LANGUAGES, Language

_COINED = 3_000
"""At most so many words are coined out of the halves of two others: a language has more words than its list."""
_EMOJI = ("🐉", "🌙", "⭐", "👩‍👧", "🏳️‍🌈", "👍🏽", "é", "ñ̃", "🧚‍♀️", "🇩🇪")
"""Of several code points each, most of them: joined, with modifiers, combining."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text as COPY wants it: in a text column, and inside a string of a JSON column."""

    text: bytes
    json: bytes


@dataclass(frozen=True, slots=True)
class Pool:
    """The pieces of one language: paragraphs of 150 to 1,000 bytes, and phrases of a few words."""

    paragraphs: list[Piece]
    phrases: list[Piece]
    mean_bytes: float
    """The mean length of a paragraph in a text column, in bytes."""


def piece(text: str) -> Piece:
    """`text`, escaped for both uses."""
    in_text, in_json = text_field(text), json_string_field(text)
    return Piece(in_text, in_text if in_json == in_text else in_json)


@lru_cache(maxsize=64)
def pool(code: str, size: int) -> Pool:
    """`size` paragraphs and phrases in the language `code`: always the same, a plan's seed chooses among them."""
    language, rng = LANGUAGES[code], Random(f"{code} {size}")
    sentences = _Sentences(language, rng, coined=min(_COINED, 8 * size))
    paragraphs = [piece(sentences.paragraph()) for _ in range(size)]
    phrases = [piece(sentences.words(rng.randint(3, 7))) for _ in range(size)]
    return Pool(paragraphs, phrases, sum(len(p.text) for p in paragraphs) / size)


class _Sentences:
    """Writes in one language: common words often, coined ones rarely, as words are in every language."""

    def __init__(self, language: Language, rng: Random, *, coined: int) -> None:
        self._language, self._rng = language, rng
        words = [word for word in language.words if len(word) > 1]
        self._words = [*language.words, *(_coin(rng.choice(words), rng.choice(words)) for _ in range(coined))]
        self._weights = list(accumulate(1 / (rank + 5) for rank in range(len(self._words))))

    def words(self, count: int) -> str:
        chosen = self._rng.choices(self._words, cum_weights=self._weights, k=count)
        return self._language.glue.join(chosen)

    def paragraph(self) -> str:
        """Some sentences; one in four is spoken, and one paragraph in ten has an emoji."""
        rng, language = self._rng, self._language
        sentences = []
        for _ in range(rng.randint(3, 7)):
            sentence = self.words(rng.randint(6, 20))
            if rng.random() < 0.25:
                sentence = f"{language.quotes[0]}{sentence}{language.quotes[1]}"
            sentences.append(sentence)
        if rng.random() < 0.1:
            sentences.append(rng.choice(_EMOJI))
        return language.stop.join(sentences) + language.stop.rstrip()


def _coin(first: str, second: str) -> str:
    return first[: (len(first) + 1) // 2] + second[len(second) // 2 :]
