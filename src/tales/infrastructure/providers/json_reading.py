"""JSON of a stranger -> values that can be written as JSON again, and stored as JSONB.

Python's parser gives infinity for 1e400 and for `Infinity`, refuses integers of over 4,300 digits and runs out of
stack in deep nesting. Here such a number, and whatever is nested too deep, becomes its own text. Other decimals
become the nearest double, which is exact to 15 digits: a cost as text would be an unknown cost.
"""

from __future__ import annotations

import json
import math
import re
from itertools import chain

from tales.domain.generation import Json

MAX_DEPTH = 100
MAX_BRACKETS = 100_000
"""More lists and objects than that in one document are no answer of a model, but would take seconds to read."""

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


class UnreadableJson(ValueError):
    """A text is no JSON."""


def read_json(text: str) -> Json:
    """The value that `text` stands for. NUL and lone surrogates stay in its strings.

    Raises: UnreadableJson.
    """
    brackets = text.count("[") + text.count("{")
    if brackets > MAX_BRACKETS:
        raise UnreadableJson("There are too many lists and objects in it.")
    if brackets > MAX_DEPTH:
        text = _flatten(text)
    try:
        value: Json = _DECODER.decode(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        # The parser's own error quotes the text, which is nobody's to read.
        raise UnreadableJson("It is no JSON.") from None
    return value


def _flatten(text: str) -> str:
    """`text` with what is nested deeper than `MAX_DEPTH` written as a string that holds it."""
    parts: list[str] = []
    depth = done = start = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                start = token.start()
        elif token[0] in "]}":
            if depth == MAX_DEPTH + 1:
                parts += text[done:start], json.dumps(text[start : token.end()])
                done = token.end()
            depth -= 1
    return "".join(chain(parts, [text[done:]]))


def _float(text: str) -> float | str:
    value = float(text)
    vanished = value == 0 and text.lower().partition("e")[0].strip("-0.") != ""
    return text if vanished or math.isinf(value) else value


def _int(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


# Not strict: a control character inside a string is bad manners, but no reason to lose a story.
_DECODER = json.JSONDecoder(parse_float=_float, parse_int=_int, parse_constant=str, strict=False)
