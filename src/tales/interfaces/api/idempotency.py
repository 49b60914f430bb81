"""The request header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field
from pydantic.json_schema import WithJsonSchema

from tales.domain.errors import InvalidInput
from tales.domain.idempotency import FIELD, LONGEST_KEY


class KeyHeader(BaseModel):
    """The header as an operation declares it: a list, so that a second one is noticed, described as text."""

    idempotency_key: Annotated[
        list[str],
        Field(
            alias="Idempotency-Key",
            default_factory=list,
            description="A random key, 255 characters at most. The same request under the same key, sent again within "
            "a day, leads to the same generation; another request under it is refused.",
        ),
        WithJsonSchema(
            {
                "type": "string",
                "minLength": 1,
                "maxLength": LONGEST_KEY,
                "pattern": "^[!#-~]+$",
                "examples": ["8e03978e-40d5-43dd-bc93-6894a57f9324"],
            }
        ),
    ]


# A string of RFC 9651 (section 3.3.3), which is what the draft asks for. Most clients send the bare characters.
_STRING = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_ESCAPED = re.compile(r'\\(["\\])')


def read_key(headers: Sequence[str]) -> str | None:
    """The key that these headers hold, with or without its quotation marks; None without a header.

    Raises: InvalidInput when there are several.
    """
    if not headers:
        return None
    if len(headers) > 1:
        raise InvalidInput(FIELD, f"{FIELD} was sent {len(headers)} times. Send it once.")
    string = _STRING.fullmatch(headers[0])
    return _ESCAPED.sub(r"\1", string[1]) if string else headers[0]
