"""Words that are not for children, in each language: glin-profanity's lists, without what is harmless, with more."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from tales.domain.story_spec import LANGUAGES
from tales.domain.unsuitable_words import BESIDE, HARMLESS, HARMLESS_PHRASES, pattern_of, words_of

# Scripts without spaces: a word of two signs is part of many others.
_UNSPACED = frozenset({"ja", "zh"})
_LEAST_SIGNS = 3
_WORD = re.compile(r"\w+")


class UnsuitableWords:
    """Finds them. `added` and `suitable` are the operator's own, in any language."""

    def __init__(self, added: Collection[str] = (), suitable: Collection[str] = ()) -> None:
        self._added = pattern_of(added)
        self._suitable = frozenset(word.lower() for word in suitable)
        self._finders: dict[str, _Finder] = {}

    def are_in(self, text: str, language: str) -> bool:
        """Whether one of them stands in `text`."""
        if language not in self._finders:
            self._finders[language] = self._finder(language)
        text = text.lower().replace("’", "'")
        return self._added.search(text) is not None or self._finders[language].is_in(text)

    def _finder(self, language: str) -> _Finder:
        listed = {word.lower() for word in _listed(language)} - set(HARMLESS.get(language, "").split())
        words = (listed | set(words_of(BESIDE.get(language, "")))) - self._suitable
        if language in _UNSPACED:
            found = "|".join(re.escape(word) for word in words if len(word) >= _LEAST_SIGNS)
            return _Finder(frozenset(), re.compile(found or "(?!)"), pattern_of(()))
        single = frozenset(word for word in words if _WORD.fullmatch(word))
        return _Finder(single, pattern_of(words - single), pattern_of(words_of(HARMLESS_PHRASES.get(language, ""))))


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds words: whole ones by looking each word of a text up, which is quicker than a pattern of hundreds."""

    words: frozenset[str]
    pattern: re.Pattern[str]
    harmless: re.Pattern[str]

    def is_in(self, text: str) -> bool:
        text = self.harmless.sub(" ", text)
        return not self.words.isdisjoint(_WORD.findall(text)) or self.pattern.search(text) is not None


def _listed(language: str) -> list[str]:
    from glin_profanity.data.dictionary import dictionary

    # It has none for Ukrainian.
    return [str(word) for word in dictionary.get_words(LANGUAGES[language].lower())] if language in LANGUAGES else []
