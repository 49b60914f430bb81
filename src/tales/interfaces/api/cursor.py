"""Where a page ended, in a form that clients hand back and do not read."""

from __future__ import annotations

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field

from tales.domain.errors import InvalidInput
from tales.domain.page import PageKey

# Microseconds since 1970, as PostgreSQL keeps times, and an id: 24 bytes, so base64 needs no padding.
_FORMAT = struct.Struct(">q16s")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def encode_cursor(key: PageKey) -> str:
    """`key` in characters that a URL takes as they are."""
    microseconds = (key.created_at - _EPOCH) // _MICROSECOND
    return base64.urlsafe_b64encode(_FORMAT.pack(microseconds, key.id.bytes)).decode()


def decode_cursor(cursor: str) -> PageKey:
    """The inverse of `encode_cursor`. Raises: InvalidInput."""
    try:
        packed = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
        microseconds, id_ = _FORMAT.unpack(packed)
        return PageKey(_EPOCH + microseconds * _MICROSECOND, UUID(bytes=id_))
    except (binascii.Error, struct.error, OverflowError, UnicodeEncodeError):
        raise InvalidInput(
            "cursor", "cursor is not one of ours. Use a page's next_cursor as it came, or leave it out."
        ) from None


def _encoded(value: object) -> object:
    return encode_cursor(value) if isinstance(value, PageKey) else value


NextCursor = Annotated[str | None, BeforeValidator(_encoded), Field(validation_alias="next")]
"""The cursor that is behind the items of a page."""
