"""JSON that comes in pieces: objects whose strings grow, and lists whose items do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tales.domain.generation import Json
from tales.infrastructure.providers.message_parts import is_thought, other_parts, text_of

OTHER_PARTS = "content_parts"
"""Where a message keeps the parts of its content that are no text of the story, as they came."""

# Strings that come in pieces: of a message, of its tool calls, and of its reasoning details.
_GROWING = frozenset({"content", "refusal", "arguments", "text", "summary", "data"})
_SPLIT_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class Pieces:
    """An object that comes in pieces. Strings are joined once, at the end: adding to them costs the more the longer."""

    def __init__(self) -> None:
        self._fields: dict[str, Json] = {}
        self._texts: dict[str, list[str]] = {}
        self._parts: dict[str, Pieces | _Fragments] = {}

    def add(self, news: Mapping[str, Json]) -> None:
        """Take some of it in."""
        for key, value in news.items():
            if isinstance(value, str):
                if key in _GROWING or is_thought(key):
                    self._texts.setdefault(key, []).append(value)
                elif value or key not in self._fields:
                    self._fields[key] = value
            elif key == "content" and isinstance(value, list | dict):
                self._add_content(value)
            elif isinstance(value, dict):
                part = self._parts.setdefault(key, Pieces())
                if isinstance(part, Pieces):
                    part.add(value)
            elif isinstance(value, list):
                self._add_parts(key, value)
            elif value is not None or key not in self._fields:
                self._fields[key] = value

    def text(self, key: str) -> str:
        """What has come of a string that grows."""
        return "".join(self._texts.get(key, ()))

    def new_in(self, whole: Mapping[str, Json]) -> dict[str, Json]:
        """What is new in the whole object, where pieces of it have come before: the rest of each string."""
        return {key: self._new(key, value) for key, value in whole.items()}

    def result(self) -> dict[str, Json]:
        """All of it."""
        texts: dict[str, Json] = {key: _mended("".join(pieces)) for key, pieces in self._texts.items()}
        return self._fields | {key: part.result() for key, part in self._parts.items()} | texts

    def _new(self, key: str, value: Json) -> Json:
        if known := self.text(key):
            whole = text_of(value)
            return whole[len(known) :] if whole.startswith(known) else ""
        return None if key in self._parts else value

    def _add_content(self, content: Json) -> None:
        self._texts.setdefault("content", []).append(text_of(content))
        if parts := other_parts(content):
            self._add_parts(OTHER_PARTS, parts)

    def _add_parts(self, key: str, items: Sequence[Json]) -> None:
        part = self._parts.setdefault(key, _Fragments())
        if isinstance(part, _Fragments):
            part.add(items)


class _Fragments:
    """A list whose items come in pieces; those of one index and type belong together, others stand for themselves."""

    def __init__(self) -> None:
        self._items: list[Pieces | Json] = []
        self._known: dict[tuple[int, str], Pieces] = {}
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
                self._items.append(self._known.setdefault((index, kind), Pieces()))
            self._known[index, kind].add(fragment)

    def result(self) -> list[Json]:
        return [item.result() if isinstance(item, Pieces) else item for item in self._items]


def _mended(text: str) -> str:
    """`text` with the halves of a surrogate pair put together that came in two chunks."""
    if _SPLIT_PAIR.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
