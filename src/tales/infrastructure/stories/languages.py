"""Which language a text is in, by py3langid."""

from __future__ import annotations

import threading
from typing import Any

from tales.domain.story_spec import LANGUAGES

LEAST_LETTERS = 120
"""Of a text in an alphabet, or a third as many of a script of syllables: with less to go by, nothing is said."""

CERTAINTY = 0.95
"""How sure the detector must be of another language."""

_DENSE = frozenset({"ja", "ko", "zh"})


class LanguageDetector:
    """Tells the languages that stories are written in from each other."""

    def __init__(self) -> None:
        self._loading = threading.Lock()
        self._identifier: Any = None

    def speaks(self, text: str, language: str) -> bool:
        """False where `text` is surely not in `language`."""
        letters = sum(map(str.isalpha, text))
        if letters < (LEAST_LETTERS // 3 if language in _DENSE else LEAST_LETTERS):
            return True
        found, certainty = self._classify(text)
        return found == language or certainty < CERTAINTY

    def load(self) -> None:
        """Read the model, which takes a moment, before the first story needs it."""
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        with self._loading:
            if self._identifier is None:
                identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
                identifier.set_languages(sorted(LANGUAGES))
                self._identifier = identifier

    def _classify(self, text: str) -> tuple[str, float]:
        self.load()
        found, certainty = self._identifier.classify(text)
        return str(found), float(certainty)
