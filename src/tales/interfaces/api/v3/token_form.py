"""The form that asks for tokens: OAuth 2's (RFC 6749), with a password or with a refresh token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Form, Request
from fastapi.exceptions import RequestValidationError


@dataclass(frozen=True, slots=True)
class TokenForm:
    """What is offered for tokens: `refresh_token`, or without one an address and a password."""

    username: str = ""
    password: str = ""
    refresh_token: str | None = None


async def token_form(
    request: Request,
    grant_type: Annotated[Literal["password", "refresh_token"], Form(description="What is traded.")] = "password",
    username: Annotated[str | None, Form(description="The account's address, for a password.")] = None,
    password: Annotated[str | None, Form(json_schema_extra={"format": "password"})] = None,
    refresh_token: Annotated[str | None, Form(description="For grant_type=refresh_token.")] = None,
) -> TokenForm:
    """The form, whose fields depend on its `grant_type`. Raises: RequestValidationError naming what is missing."""
    given = {"username": username, "password": password, "refresh_token": refresh_token}
    wanted = ("refresh_token",) if grant_type == "refresh_token" else ("username", "password")
    missing = [{"type": "missing", "loc": ("body", name)} for name in wanted if given[name] is None]
    if missing:
        raise RequestValidationError(missing, body=await request.form())
    return TokenForm(**{name: given[name] or "" for name in wanted})
