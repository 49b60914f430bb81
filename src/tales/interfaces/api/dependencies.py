"""What endpoints ask for: the use cases, and who is asking."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer

from tales.application.services import Services
from tales.domain.actor import Actor
from tales.domain.errors import NotSignedIn

_bearer_token = OAuth2PasswordBearer(
    tokenUrl="/api/v3/auth/token",
    scheme_name="account",
    description="An account's address (as `username`) and password.",
    auto_error=False,
)


async def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


async def _current_actor(request: Request, token: Annotated[str | None, Depends(_bearer_token)]) -> Actor:
    """Who brings the request's token. Raises: NotSignedIn, TooManyRequests."""
    if token is None:
        raise NotSignedIn("This needs a token: get one at /api/v3/auth/token and send it as Authorization: Bearer.")
    services = await _services(request)
    actor = await services.authenticate(token)
    await services.limit_requests(actor)
    return actor


UseCases = Annotated[Services, Depends(_services)]
CurrentActor = Annotated[Actor, Depends(_current_actor)]
