"""The request header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tales.domain.errors import InvalidInput
from tales.domain.idempotency import FIELD

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
