"""What PostgreSQL cannot hold, in a form that it can: the one place where that is done (decision 15).

TEXT and JSONB refuse U+0000, and no UTF-8 encodes a lone surrogate (which is how invalid bytes survive decoding).
Each becomes U+001A (SUBSTITUTE) and four hexadecimal digits; so does U+001A itself, which makes it reversible.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import psycopg
from sqlalchemy import Dialect, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from tales.domain.generation import Json

_ESCAPE = "\x1a"
_UNSTORABLE = re.compile("[\x00\x1a\ud800-\udfff]")
# How JSON writes two of them; a backslash before it would make it mean something else, and costs a closer look.
_IN_JSON = ("\\u0000", "\\u001a")
# What escaping writes and nothing else: a legacy story was not escaped, and may hold U+001A of its own.
_ESCAPED = re.compile("\x1a(0000|001a|d[89a-f][0-9a-f]{2})")


def escape_text(text: str) -> str:
    """`text` in a form that PostgreSQL can hold."""
    return _UNSTORABLE.sub(lambda match: f"{_ESCAPE}{ord(match[0]):04x}", text)


def unescape_text(text: str) -> str:
    """The inverse of `escape_text`."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if _ESCAPE in text else text


def escape_json(value: Json) -> Json:
    """`value` with every string and key in a form that PostgreSQL can hold."""
    return _map_strings(value, escape_text)


def unescape_json(value: Json) -> Json:
    """The inverse of `escape_json`."""
    return _map_strings(value, unescape_text)


def dump_json(value: Json) -> str:
    """`value` as JSON. Raises: psycopg.DataError for what the database would refuse: no number, or nested too deep."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        raise psycopg.DataError("a value is no JSON that PostgreSQL can hold") from None


def dump_storable(value: Json) -> str:
    """`value` as JSON that PostgreSQL can hold, escaped where it has to be. Raises: psycopg.DataError."""
    text = dump_json(value)
    if _is_encodable(text) and not any(written in text for written in _IN_JSON):
        return text
    return dump_json(escape_json(value))


def _is_encodable(text: str) -> bool:
    """Whether no lone surrogate is in it: quicker to try than to look for."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _map_strings(value: Json, change: Callable[[str], str]) -> Json:
    """A copy of `value`, level by level: what was migrated may be nested deeper than Python's stack."""
    unfinished: list[dict[str, Json] | list[Json]] = []

    def copied(item: Json) -> Json:
        if isinstance(item, str):
            return change(item)
        if isinstance(item, list | tuple):
            unfinished.append(items := list(item))
            return items
        if isinstance(item, dict):
            unfinished.append(members := {change(key): inner for key, inner in item.items()})
            return members
        return item

    result = copied(value)
    while unfinished:
        container = unfinished.pop()
        if isinstance(container, dict):
            container.update({key: copied(inner) for key, inner in container.items()})
        else:
            container[:] = [copied(inner) for inner in container]
    return result


class StoredText(TypeDecorator[str]):
    """TEXT that takes any Python string."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else escape_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else unescape_text(value)


class StoredJson(TypeDecorator[Json]):
    """JSONB that takes any JSON value, whatever its strings hold. None is NULL."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Json, dialect: Dialect) -> Json:
        return escape_json(value)

    def process_result_value(self, value: Json, dialect: Dialect) -> Json:
        return unescape_json(value)
