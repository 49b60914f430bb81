"""Who is signed in: what Tales knows of them, to look at and to erase."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import ConfigDict

from tales.application.accounts import read_profile
from tales.application.passwords import LONGEST_PASSWORD
from tales.domain import errors, profile
from tales.interfaces.api.client_address import ClientAddress
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Answer, Body, Id, Moment, Shown, Text
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import paths

router = APIRouter(prefix=paths.ME, tags=["me"], responses=problems(errors.Unauthenticated, errors.Unavailable))


class Holdings(Answer):
    """How many things the family has; heroes are its own."""

    children: int
    heroes: int
    generations: int
    stories: int


class Me(Answer):
    """Who is signed in. `email` and `created_at` are null where the account is kept elsewhere."""

    id: UUID
    email: str | None
    is_admin: bool
    created_at: Moment | None
    holdings: Holdings


class Erasure(Body):
    """That somebody means it: the password, or their own user id where they have no password here."""

    model_config = ConfigDict(json_schema_extra={"example": {"password": "correct horse battery"}})

    password: Annotated[Text, Shown(maxLength=LONGEST_PASSWORD, format="password")] | None = None
    user_id: Id | None = None


@router.get("", summary="Who is signed in", response_model=Me)
async def get_me(actor: CurrentActor, services: UseCases) -> profile.Profile:
    """The user of this token, and how much the family has."""
    return await read_profile(services.transactions, actor)


@router.delete(
    "",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Erase everything",
    responses=problems(errors.Conflict, errors.NotFound, errors.TooManyRequests, body=True),
)
async def erase_me(body: Erasure, actor: CurrentActor, services: UseCases, client: ClientAddress) -> None:
    """Erase the account and all that is the family's, for ever. Asks for the password, or for the user's own id."""
    await services.erase_family(actor, body.password, body.user_id, client)
