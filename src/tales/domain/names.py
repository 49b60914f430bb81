"""Whether somebody is in a text by name, with the endings that names get in some languages."""

from __future__ import annotations

import re
import unicodedata

from tales.domain.scripts import scripts_of, scripts_of_language

_DECLINED = frozenset({"cs", "pl", "ru", "uk"})
_ENDINGS = r"[аеёиіїоуыэюяйьвмхaeiouyąęěůúíáéýmhw]{0,3}"
_VOWELS = "аеёиіїоуыэюяйьaeiouyě"
_LEAST_LETTERS = 2


def is_named(name: str, text: str, language: str) -> bool:
    """Whether `text` has `name`, or of a name in several words one of them.

    A name in another script than the language's may have been written in that: who can say how? It counts as there.
    """
    plain_text = _plain(text)
    words = [word for word in re.findall(r"\w+", _plain(name)) if len(word) >= _LEAST_LETTERS]
    if not words or not scripts_of(name) & scripts_of_language(language):
        return True
    return any(_word(word, language).search(plain_text) for word in words)


def _word(word: str, language: str) -> re.Pattern[str]:
    """`word` in every form: a genitive or another ending after it, or in the place of its last vowel."""
    if language in _DECLINED and len(word) > _LEAST_LETTERS:
        stem = word[:-1] if word[-1] in _VOWELS else word
        return re.compile(rf"\b{re.escape(stem)}{_ENDINGS}\b")
    if language in {"ja", "zh", "ko"}:
        return re.compile(re.escape(word))
    return re.compile(rf"\b{re.escape(word)}\w{{0,3}}\b")


def _plain(text: str) -> str:
    """Without case, accents and the dots of ё: models are not of one mind about those."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
