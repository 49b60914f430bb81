"""A message's content: a string, or parts of which some are text of the story and some are thoughts."""

from __future__ import annotations

import re
from functools import lru_cache

from tales.domain.generation import Json

_THOUGHT = re.compile("reason|think|thought", re.IGNORECASE)
# What says nothing of its own, as it stands in an empty part too.
_FRAME = frozenset({"type", "index", "id", "format", "role", "name", "object"})


@lru_cache(maxsize=256)
def is_thought(name: str) -> bool:
    """Whether what has that name is what a model thinks: `reasoning`, `reasoning_content`, `thinking_blocks`."""
    return _THOUGHT.search(name) is not None


def text_of(content: Json) -> str:
    """The text of a message's `content`: a string, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return ""
    return "".join(_text_of_part(part) for part in content)


def other_parts(content: Json) -> list[Json]:
    """The parts of `content` that are no text of the story but hold something."""
    parts = content if isinstance(content, list) else [content]
    return [
        part for part in parts if part and not isinstance(part, str) and not _text_of_part(part) and has_words(part)
    ]


def has_words(value: Json) -> bool:
    """Whether there is any text in `value`."""
    if isinstance(value, str):
        return bool(value)
    if isinstance(value, list):
        return any(has_words(item) for item in value)
    if isinstance(value, dict):
        return any(has_words(item) for key, item in value.items() if key not in _FRAME)
    return False


def _text_of_part(part: Json) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or not _is_text(part.get("type")):
        return ""
    text = part.get("text")
    if isinstance(text, dict):
        text = text.get("value")
    return text if isinstance(text, str) else ""


def _is_text(kind: Json) -> bool:
    """`text`, `output_text`, or none at all; a type that nobody knows is not read to a child."""
    if not isinstance(kind, str):
        return kind is None
    return "text" in kind.lower() and not is_thought(kind) and "summary" not in kind.lower()
