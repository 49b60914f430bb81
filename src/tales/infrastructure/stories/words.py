"""Words that are not for children, in each language: glin-profanity's lists, without what is harmless, with more."""

from __future__ import annotations

import re
from collections.abc import Collection

from tales.domain.story_spec import LANGUAGES
from tales.domain.unsuitable_words import BESIDE, HARMLESS, pattern_of, words_of

# Scripts without spaces: a word of two signs is part of many others.
_UNSPACED = frozenset({"ja", "zh"})
_LEAST_SIGNS = 3


class UnsuitableWords:
    """Finds them. `added` and `suitable` are the operator's own, in any language."""

    def __init__(self, added: Collection[str] = (), suitable: Collection[str] = ()) -> None:
        self._added = tuple(added)
        self._suitable = frozenset(word.lower() for word in suitable)
        self._patterns: dict[str, re.Pattern[str]] = {}

    def are_in(self, text: str, language: str) -> bool:
        """Whether one of them stands in `text`."""
        if language not in self._patterns:
            self._patterns[language] = self._pattern(language)
        return self._patterns[language].search(text.lower().replace("’", "'")) is not None

    def _pattern(self, language: str) -> re.Pattern[str]:
        listed = {word.lower() for word in _listed(language)} - set(HARMLESS.get(language, "").split())
        words = (listed | set(words_of(BESIDE.get(language, "")))) - self._suitable | {w.lower() for w in self._added}
        if language in _UNSPACED:
            return re.compile("|".join(re.escape(word) for word in words if len(word) >= _LEAST_SIGNS) or "(?!)")
        return pattern_of(words)


def _listed(language: str) -> list[str]:
    from glin_profanity.data.dictionary import dictionary

    # It has none for Ukrainian.
    return [str(word) for word in dictionary.get_words(LANGUAGES[language].lower())] if language in LANGUAGES else []
