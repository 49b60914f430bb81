"""A story that carries on an earlier one: what its author is told of that."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_ENDING = 600
"""Characters. A small model that is told more of the earlier story writes that one again."""

_SENTENCE_END = re.compile(r"[.!?…。！？।؟]+[\"'”’»」』)]*\s*")


@dataclass(frozen=True, slots=True)
class EarlierStory:
    """The story before, as its sequel knows it: by its title and how it ended."""

    title: str
    ending: str

    @classmethod
    def of(cls, title: str, content: str) -> EarlierStory:
        """What is told of the story with this `title` and `content`."""
        return cls(title, _ending(" ".join(content.split())))


def _ending(text: str) -> str:
    """The last whole sentences of `text` that fit, or its last characters where a sentence is longer than that."""
    if len(text) <= LONGEST_ENDING:
        return text
    last = text[-LONGEST_ENDING:]
    first_end = _SENTENCE_END.search(last)
    return last[first_end.end() :] if first_end and first_end.end() < len(last) else last
