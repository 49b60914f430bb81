"""An id for each request: in its answer, in its problem, and in each line of the log that it leads to."""

from __future__ import annotations

import re
from uuid import uuid4

from structlog.contextvars import get_contextvars

HEADER = "X-Request-Id"
LOG_KEY = "request_id"
# Short, and nothing that could break a line of a log or mean anything to whatever reads it.
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


def choose_request_id(given: str | None) -> str:
    """The id that the client or a proxy gave the request, if it is short and safe; else a new one."""
    return given if given is not None and _SAFE.fullmatch(given) else uuid4().hex


def current_request_id() -> str | None:
    """The id of the request that is being answered; None outside of one."""
    found = get_contextvars().get(LOG_KEY)
    return found if isinstance(found, str) else None
