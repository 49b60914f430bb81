"""The types of JSON's fields: what they may look like, and how they are written.

Which values are allowed is the domain's business, so that each has its one message; the limits shown here are there
for the readers of the API's description alone.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    PlainSerializer,
    Strict,
)
from pydantic.json_schema import JsonSchemaValue, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError

from tales.domain.checks import is_uuid
from tales.domain.failures import FailureKind
from tales.interfaces.json_values import decimal_json

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_INT32 = 2**31
DEEPEST = 100
"""Levels of nested lists and objects; many readers of JSON go no deeper."""

JsonContainer = dict[str, Any] | list[Any]


def _in_uuid_form(value: object) -> object:
    """`value` when it is an id: no braces, no prefix, no other length."""
    if not isinstance(value, str) or not is_uuid(value):
        raise PydanticCustomError("uuid_form", "not a UUID")
    return value


def _instant(value: object) -> datetime:
    """The moment that `value` names, in UTC, when it is written as RFC 3339 has it: never without an offset."""
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    raise PydanticCustomError("rfc_3339", "not a time")


def _whole_characters(text: str) -> str:
    """`text` when UTF-8 can write it: JSON's escapes can also bring half a surrogate pair, which nobody can keep."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("string_unicode", "half a surrogate pair") from None
    return text


def _nested(container: JsonContainer) -> list[tuple[Any, JsonContainer]]:
    """The lists and objects in `container`, each with its place."""
    places = container.items() if isinstance(container, dict) else enumerate(container)
    return [(place, inner) for place, inner in places if isinstance(inner, dict | list)]


def _within_reach(value: object) -> object:
    """`value`, with what lies deeper in it than `DEEPEST` as text. Not by recursion: Python's stack ends earlier."""
    containers = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST - 1):
        containers = [inner for container in containers for _, inner in _nested(container)]
    for container in containers:
        for place, inner in _nested(container):
            container[place] = json.dumps(inner, ensure_ascii=False)
    return value


def _without_halves(value: object) -> object:
    """Text with U+FFFD for each half of a surrogate pair, which UTF-8 cannot write; anything else as it is."""
    return (
        value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if isinstance(value, str) else value
    )


def _json_without_halves(value: object) -> object:
    """The same for every string in `value`."""
    written = json.dumps(value, ensure_ascii=False)
    whole = _without_halves(written)
    return value if whole == written else json.loads(str(whole))


class Shown:
    """Adds what a reader of the description should know to a type's schema; it checks nothing."""

    def __init__(self, **limits: JsonValue) -> None:
        self._limits = limits

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | self._limits


Id = Annotated[UUID, BeforeValidator(_in_uuid_form)]
Text = Annotated[str, Strict(), AfterValidator(_whole_characters)]
WholeNumber = Annotated[int, Strict(), Field(ge=-_INT32, lt=_INT32), WithJsonSchema({"type": "integer"})]
Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
"""Written in UTC, as RFC 3339 has it."""

Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
"""A time that a client sends, as RFC 3339 has it."""

Dollars = Annotated[
    Decimal, PlainSerializer(decimal_json), WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$"})
]
"""US dollars, as a decimal string: binary fractions would not add up."""


Amount = Annotated[
    Decimal,
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?$"}, {"type": "number", "minimum": 0}]}),
]
"""What a client sends for US dollars or a share: best as a decimal string, or a number."""

AnyJson = Annotated[object, BeforeValidator(_within_reach), WithJsonSchema({})]
"""Whatever JSON a stranger wrote. What lies deeper than most readers of JSON go is given as text that holds it."""

WritableJson = Annotated[AnyJson, AfterValidator(_json_without_halves)]
"""The same for an answer in UTF-8."""

Quoted = Annotated[str, BeforeValidator(_without_halves)]
"""What a provider said, which may hold half a character; the database keeps it as it came."""


ErrorType = Annotated[
    str | None,
    Field(
        description="Why an attempt gave no story, for programs; null when it gave one, or has not ended. One of: "
        f"{', '.join(f'`{kind}`' for kind in FailureKind)}. More may be added."
    ),
]
"""Not an enumeration in the description: clients made of that would refuse one that was added."""


class Body(BaseModel):
    """What a client sends. A field that is not listed is refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """What a client gets, read off the domain's objects by the names of their attributes."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Interval(Answer):
    """Where something lies at 95 %: a share from 0 to 1, a difference from -1 to 1, a mean in its unit."""

    low: float
    high: float
