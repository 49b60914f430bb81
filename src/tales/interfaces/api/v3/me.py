"""Who is signed in: what Tales knows of them, to look at, to take along, and to erase."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, status
from starlette.responses import StreamingResponse

from tales.domain import errors, profile
from tales.interfaces.api.client_address import ClientAddress
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.openapi import Responses, problems
from tales.interfaces.api.v3 import answers, bodies, paths
from tales.interfaces.api.v3.export import export_document

router = APIRouter(prefix=paths.ME, tags=["me"], responses=problems(errors.Unauthenticated, errors.Unavailable))

_DOCUMENT: Responses = {200: {"model": answers.Export, "description": "The whole document."}}


@router.get("", summary="Who is signed in", response_model=answers.Me)
async def get_me(actor: CurrentActor, services: UseCases) -> profile.Profile:
    """The user of this token, and how much the family has."""
    return await services.read_profile(actor)


@router.get("/export", summary="Take everything along", response_class=StreamingResponse, responses=_DOCUMENT)
async def export_me(actor: CurrentActor, services: UseCases) -> StreamingResponse:
    """Children, heroes, stories and generations with every call, its prompt and its response, as one JSON document."""
    mine = await services.read_profile(actor)
    pieces = export_document(mine, services.export_family(actor))
    # What goes wrong before the first piece is still a problem of its own.
    first = await anext(pieces)
    headers = {"Content-Disposition": 'attachment; filename="tales.json"'}
    return StreamingResponse(_joined(first, pieces), media_type="application/json", headers=headers)


@router.delete(
    "",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Erase everything",
    responses=problems(errors.Conflict, errors.NotFound, errors.TooManyRequests, body=True),
)
async def erase_me(body: bodies.Erasure, actor: CurrentActor, services: UseCases, client: ClientAddress) -> None:
    """Erase the account and all that is the family's, for ever. Asks for the password, or for the user's own id."""
    await services.erase_family(actor, body.password, body.user_id, client)


async def _joined(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for piece in rest:
        yield piece
