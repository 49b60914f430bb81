"""The request header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

import re

from starlette.datastructures import Headers

from tales.domain.errors import InvalidInput
from tales.domain.idempotency import FIELD, LONGEST_KEY
from tales.interfaces.api.openapi import Description

DESCRIBED: Description = {
    "name": FIELD,
    "in": "header",
    "required": False,
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_KEY,
        "pattern": "^[!#-~]+$",
        "examples": ["8e03978e-40d5-43dd-bc93-6894a57f9324"],
        "title": FIELD,
    },
    "description": "A random key, 255 characters at most. The same request under the same key, sent again within "
    "a day, leads to the same generation; another request under it is refused.",
}
"""The header as OpenAPI describes it. Operations read it themselves, for a second one must be noticed."""

# A string of RFC 9651 (section 3.3.3), which is what the draft asks for. Most clients send the bare characters.
_STRING = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_ESCAPED = re.compile(r'\\(["\\])')


def read_key(headers: Headers) -> str | None:
    """The key that a request's headers hold, with or without its quotation marks; None when there is none.

    Raises: InvalidInput when there are several.
    """
    sent = headers.getlist(FIELD)
    if not sent:
        return None
    if len(sent) > 1:
        raise InvalidInput(FIELD, f"{FIELD} was sent {len(sent)} times. Send it once.")
    string = _STRING.fullmatch(sent[0])
    return _ESCAPED.sub(r"\1", string[1]) if string else sent[0]
