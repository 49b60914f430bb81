"""What endpoints ask for: the use cases, and who is asking."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param

from tales.application.services import Services
from tales.domain.actor import Actor
from tales.domain.errors import Unauthenticated

_ACCOUNT = OAuth2PasswordBearer(
    tokenUrl="/api/v3/auth/token",
    scheme_name="account",
    description="An account's address (as `username`) and password.",
)


async def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


class _CurrentActor(SecurityBase):
    """Who brings the request's token: one dependency, as the framework asks for some time for each."""

    model = _ACCOUNT.model
    scheme_name = _ACCOUNT.scheme_name

    async def __call__(self, request: Request) -> Actor:
        """Raises: Unauthenticated, TooManyRequests."""
        scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
        if scheme.lower() != "bearer":
            raise Unauthenticated(
                "This needs a token: get one at /api/v3/auth/token and send it as Authorization: Bearer."
            )
        services = await _services(request)
        actor = await services.authenticate(token)
        await services.limit_requests(actor)
        return actor


UseCases = Annotated[Services, Depends(_services)]
CurrentActor = Annotated[Actor, Depends(_CurrentActor())]
