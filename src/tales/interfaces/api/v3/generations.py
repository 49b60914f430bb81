"""MigrationOptions for stories, and what became of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status

from tales.domain import errors, generation
from tales.interfaces.api import idempotency, prefer
from tales.interfaces.api.cursor import encode_cursor
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Id
from tales.interfaces.api.openapi import Responses, problems
from tales.interfaces.api.v3 import answers, bodies, paths

router = APIRouter(
    prefix=paths.GENERATIONS,
    tags=["generations"],
    responses=problems(errors.Unauthenticated, errors.Unavailable, errors.InvalidInput),
)


_ENDED: Responses = {200: {"model": answers.Generation, "description": "It ended while the client waited."}}


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Ask for a story",
    response_model=answers.Generation,
    responses=_ENDED | problems(errors.NotFound, body=True),
    openapi_extra={"parameters": [idempotency.DESCRIBED, prefer.DESCRIBED]},
)
async def request_generation(
    body: bodies.NewGeneration,
    actor: CurrentActor,
    services: UseCases,
    request: Request,
    response: Response,
) -> generation.Generation:
    """Ask for a story about the family's child, a hero, or both.

    The answer comes at once; `Location` says where to look for the story. With `Prefer: wait=N` it comes when the
    generation has ended, with status 200, or else after N seconds. A client that leaves stops nothing; with an
    `Idempotency-Key` it may send the same request again, and finds the same generation.
    """
    requested = await services.request_generation(actor, body.checked(), idempotency.read_key(request.headers))
    response.headers["Location"] = paths.address(paths.GENERATIONS, requested.generation_id)
    preferences = prefer.read_preferences(request.headers.getlist(prefer.HEADER))
    if preferences.applied is not None:
        response.headers["Preference-Applied"] = preferences.applied
    if preferences.wait is None:
        return requested
    waited = await services.follow_generation.wait(actor, requested, preferences.wait)
    if waited.status.is_final:
        response.status_code = status.HTTP_200_OK
    return waited


@router.get("", summary="List the generations")
async def list_generations(
    which: Annotated[bodies.WhichGenerations, Query()], actor: CurrentActor, services: UseCases
) -> answers.GenerationPage:
    """The family's generations, newest first: all of them, or those that are looked for."""
    page = await services.follow_generation.list(actor, which.checked(), which.filter())
    cursor = encode_cursor(page.next) if page.next else None
    return answers.GenerationPage.model_validate({"items": page.items, "next_cursor": cursor})


@router.get(
    "/{generation_id}",
    summary="Get a generation",
    response_model=answers.Generation,
    responses=problems(errors.NotFound),
)
async def get_generation(generation_id: Id, actor: CurrentActor, services: UseCases) -> generation.Generation:
    """How a generation stands, with every call made for it."""
    return await services.follow_generation.get(actor, generation_id)


@router.post(
    "/{generation_id}/cancel",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Cancel a generation",
    response_model=answers.Generation,
    responses=problems(errors.NotFound, errors.Conflict),
)
async def cancel_generation(generation_id: Id, actor: CurrentActor, services: UseCases) -> generation.Generation:
    """Give up a generation that has not ended; what the model still says of it is not kept."""
    await services.cancel_generation(actor, generation_id)
    return await services.follow_generation.get(actor, generation_id)
