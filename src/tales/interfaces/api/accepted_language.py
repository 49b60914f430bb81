"""Which of the languages that there are a client would rather read (RFC 9110, section 12.5.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Request

from tales.application import mails

_MOST = 20
_RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z\d]{1,8})*\s*(?:;\s*[Qq]=([01](?:\.\d{0,3})?)\s*)?")


def accepted_language(header: str, available: Sequence[str]) -> str:
    """The one of `available` that `header` (Accept-Language) likes best; the first of them where it names none."""
    liked = [found for part in header.split(",")[:_MOST] if (found := _RANGE.fullmatch(part))]
    # Of equals the first: sorting keeps the order.
    for found in sorted(liked, key=lambda found: -float(found[2] or 1)):
        if found[1].lower() in available and float(found[2] or 1) > 0:
            return found[1].lower()
    return available[0]


async def _mail_language(request: Request) -> str:
    return accepted_language(request.headers.get("Accept-Language", ""), mails.LANGUAGES)


MailLanguage = Annotated[str, Depends(_mail_language)]
"""What endpoints that send mail ask for: the language to write it in."""
