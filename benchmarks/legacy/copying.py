"""PostgreSQL's text format of COPY, in bytes: what is joined as bytes is never encoded a second time."""

from __future__ import annotations

import json
from datetime import datetime

NULL = rb"\N"
PARAGRAPH_END = rb"\n\n"
"""The end of a paragraph in a text column."""
JSON_PARAGRAPH_END = rb"\\n\\n"
"""The same inside a JSON string: its backslash is escaped once more."""

# The backslash first: the others bring new ones.
_ESCAPES = ((b"\\", rb"\\"), (b"\n", rb"\n"), (b"\r", rb"\r"), (b"\t", rb"\t"))


def escaped(value: bytes) -> bytes:
    """UTF-8 as a field of COPY."""
    for raw, escape in _ESCAPES:
        if raw in value:
            value = value.replace(raw, escape)
    return value


def text_field(text: str) -> bytes:
    """A string as a field of COPY."""
    return escaped(text.encode())


def json_field(document: str) -> bytes:
    """A JSON document, spelt as it shall reach the server, as a field of COPY."""
    return escaped(document.encode())


def json_string_field(text: str) -> bytes:
    """The inside of a JSON string, without its quotation marks, as a part of a field of COPY."""
    return escaped(json.dumps(text, ensure_ascii=False)[1:-1].encode())


def spelt(value: object) -> str:
    """A JSON document in UTF-8, without escapes that it does not need."""
    return json.dumps(value, ensure_ascii=False)


def time_field(time: datetime) -> bytes:
    """A time as a field of COPY."""
    return time.isoformat(" ").encode()


def line(fields: list[bytes]) -> bytes:
    """A row."""
    return b"\t".join(fields) + b"\n"
