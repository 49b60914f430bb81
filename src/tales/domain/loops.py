"""Whether a text says the same again and again, as small models do, and not as refrains do."""

from __future__ import annotations

import re
from collections import Counter

IN_A_ROW = 3
"""The same sentence so often without another between."""

OFTEN, SHARE = 5, 0.3
"""The same sentence so often in all, and so much of all sentences."""

PHRASE_WORDS, PHRASE_SHARE = 10, 0.25
"""So many words in a row, and how much of the text repeats such."""

_LEAST_PHRASES = 40
_SENTENCE_END = re.compile(r"[.!?…。！？।؟\n]+")


def is_loop(text: str) -> bool:
    """Whether `text` is caught in a loop."""
    sentences = [" ".join(re.findall(r"\w+", part.casefold())) for part in _SENTENCE_END.split(text)]
    sentences = [sentence for sentence in sentences if len(sentence) > 8]
    if any(len(set(sentences[at : at + IN_A_ROW])) == 1 for at in range(len(sentences) - IN_A_ROW + 1)):
        return True
    most = max(Counter(sentences).values(), default=0)
    return (most >= OFTEN and most > len(sentences) * SHARE) or _repeats_phrases(text)


def _repeats_phrases(text: str) -> bool:
    words = re.findall(r"\w+", text.casefold())
    phrases = Counter(tuple(words[at : at + PHRASE_WORDS]) for at in range(len(words) - PHRASE_WORDS + 1))
    total = phrases.total()
    if total < _LEAST_PHRASES:
        return False
    return sum(count for count in phrases.values() if count > 2) > total * PHRASE_SHARE
