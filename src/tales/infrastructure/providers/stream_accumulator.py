"""The chunks of a stream -> the one `chat.completion` object that they are pieces of.

Text grows, fragments are put together by their index, and of everything else the last value that is not null stays,
whether anybody knows the field or not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tales.domain.generation import Json

REASONING = ("reasoning", "reasoning_content")
"""OpenRouter's name for a model's thoughts, and the one that llama.cpp, vLLM and DeepSeek use."""

# Strings that come in pieces: of a message, of its tool calls, and of its reasoning details.
_GROWING = frozenset({"content", "refusal", *REASONING, "arguments", "text", "summary", "data"})
_SPLIT_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


@dataclass(slots=True)
class ParsedChunk:
    """What one chunk, or several, brought: text of the story, anything that counts as progress, any token at all."""

    text: str = ""
    is_progress: bool = False
    has_token: bool = False

    def add(self, other: ParsedChunk) -> None:
        """What came after it belongs to it too."""
        self.text += other.text
        self.is_progress |= other.is_progress
        self.has_token |= other.has_token


class StreamAccumulator:
    """Takes chunks, gives the object. Holds what has come so far, so that a cut stream keeps its text."""

    def __init__(self) -> None:
        self._fields: dict[str, Json] = {}
        self._choices: dict[int, _Choice] = {}

    @property
    def id(self) -> Json:
        """The provider's id, as the chunks have it."""
        return self._fields.get("id")

    @property
    def has_ended(self) -> bool:
        """Whether a finish reason or an error says that no more text will come."""
        return bool(self._fields.get("error")) or any(choice.has_ended for choice in self._choices.values())

    def add(self, chunk: Mapping[str, Json]) -> ParsedChunk:
        """Take one chunk in."""
        _update(self._fields, chunk, "choices")
        parsed = ParsedChunk(is_progress=bool(chunk.get("usage") or chunk.get("error")))
        choices = chunk.get("choices")
        for place, fields in enumerate(choices if isinstance(choices, list) else ()):
            if not isinstance(fields, dict):
                continue
            choice = self._choice(fields.get("index"), place)
            piece = choice.add(fields)
            if choice is not self._story:
                piece.text = ""
            parsed.add(piece)
        return parsed

    def result(self) -> dict[str, Json]:
        """The object as far as it has come: without a finish reason where none came."""
        choices = [{"index": index} | choice.result() for index, choice in sorted(self._choices.items())]
        return self._fields | {"object": "chat.completion", "choices": choices}

    def _choice(self, index: Json, place: int) -> _Choice:
        number = index if isinstance(index, int) else place
        if number not in self._choices:
            self._choices[number] = _Choice()
        return self._choices[number]

    @property
    def _story(self) -> _Choice:
        """Only one choice is asked for, and only one is read."""
        return self._choices[min(self._choices)]


class _Choice:
    def __init__(self) -> None:
        self._fields: dict[str, Json] = {"finish_reason": None}
        self._message = _Pieces()

    @property
    def has_ended(self) -> bool:
        return bool(self._fields["finish_reason"] or self._fields.get("error"))

    def add(self, fields: Mapping[str, Json]) -> ParsedChunk:
        name = "delta" if "delta" in fields else "message"
        _update(self._fields, fields, name)
        delta = fields.get(name)
        if not isinstance(delta, dict):
            return ParsedChunk(is_progress=bool(fields.get("finish_reason") or fields.get("error")))
        self._message.add(delta)
        text = text_of(delta.get("content"))
        has_token = bool(text or any(delta.get(name) for name in REASONING))
        ends = fields.get("finish_reason") or fields.get("error")
        is_progress = bool(has_token or ends or delta.get("refusal") or delta.get("tool_calls"))
        return ParsedChunk(text, is_progress, has_token)

    def result(self) -> dict[str, Json]:
        message: dict[str, Json] = {"role": "assistant", "content": None}
        return self._fields | {"message": message | self._message.result()}


class _Pieces:
    """An object that comes in pieces. Strings are joined once, at the end: adding to them costs the more the longer."""

    def __init__(self) -> None:
        self._fields: dict[str, Json] = {}
        self._texts: dict[str, list[str]] = {}
        self._parts: dict[str, _Pieces | _Fragments] = {}

    def add(self, news: Mapping[str, Json]) -> None:
        for key, value in news.items():
            if key == "content" and isinstance(value, list):
                self._texts.setdefault(key, []).append(text_of(value))
            elif key in _GROWING and isinstance(value, str):
                self._texts.setdefault(key, []).append(value)
            elif isinstance(value, dict):
                part = self._parts.setdefault(key, _Pieces())
                if isinstance(part, _Pieces):
                    part.add(value)
            elif isinstance(value, list):
                part = self._parts.setdefault(key, _Fragments())
                if isinstance(part, _Fragments):
                    part.add(value)
            elif value is not None or key not in self._fields:
                self._fields[key] = value

    def result(self) -> dict[str, Json]:
        texts: dict[str, Json] = {key: _mended("".join(pieces)) for key, pieces in self._texts.items()}
        return self._fields | {key: part.result() for key, part in self._parts.items()} | texts


class _Fragments:
    """A list whose items come in pieces; those of one index and type belong together, others stand for themselves."""

    def __init__(self) -> None:
        self._items: list[_Pieces | Json] = []
        self._known: dict[tuple[int, str], _Pieces] = {}
        self._types: dict[int, str] = {}  # the continuation of a tool call leaves its type out

    def add(self, news: Sequence[Json]) -> None:
        for fragment in news:
            index = fragment.get("index") if isinstance(fragment, dict) else None
            if not isinstance(fragment, dict) or not isinstance(index, int):
                self._items.append(fragment)
                continue
            named = fragment.get("type")
            kind = self._types[index] = named if isinstance(named, str) else self._types.get(index, "")
            if (index, kind) not in self._known:
                self._items.append(self._known.setdefault((index, kind), _Pieces()))
            self._known[index, kind].add(fragment)

    def result(self) -> list[Json]:
        return [item.result() if isinstance(item, _Pieces) else item for item in self._items]


def text_of(content: Json) -> str:
    """The text of a message's `content`: a string, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _update(known: dict[str, Json], news: Mapping[str, Json], without: str) -> None:
    """Take over `news`; null says nothing new, as in a usage chunk that repeats the frame of those before."""
    for key, value in news.items():
        if key != without and (value is not None or key not in known):
            known[key] = value


def _mended(text: str) -> str:
    """`text` with the halves of a surrogate pair put together that came in two chunks."""
    if _SPLIT_PAIR.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
