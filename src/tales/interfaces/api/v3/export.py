"""Everything of a family's as one JSON document, piece by piece, so that nobody holds it all at once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from tales.application.accounts import read_profile
from tales.application.export_family import Thing, export_family
from tales.application.services import Services
from tales.domain import errors, family, generation, profile, story
from tales.domain.actor import Actor
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Answer, AnyJson
from tales.interfaces.api.openapi import Responses, problems
from tales.interfaces.api.v3 import paths
from tales.interfaces.api.v3.children import Child
from tales.interfaces.api.v3.generations import Attempt, Generation
from tales.interfaces.api.v3.heroes import Hero
from tales.interfaces.api.v3.me import Me
from tales.interfaces.api.v3.stories import Story

router = APIRouter(prefix=paths.ME, tags=["me"], responses=problems(errors.Unauthenticated, errors.Unavailable))


class WholeAttempt(Attempt):
    """One call to a model with all that was sent and came back; null is "not kept"."""

    prompt: str | None
    full_response: AnyJson
    generation_info: AnyJson


class WholeGeneration(Generation):
    """A wish for a story, and every call made for it, whole."""

    attempts: list[WholeAttempt]  # type: ignore[assignment]  # each of them is an Attempt


class Export(Answer):
    """Everything of the family's. What lies very deep in a response is given as text that holds it."""

    user: Me
    children: list[Child]
    heroes: list[Hero]
    stories: list[Story]
    generations: list[WholeGeneration]


_MODELS: dict[type[profile.Profile | Thing], type[Answer]] = {
    profile.Profile: Me,
    family.Child: Child,
    family.Hero: Hero,
    story.Story: Story,
    generation.Generation: WholeGeneration,
}
_DOCUMENT: Responses = {200: {"model": Export, "description": "The whole document."}}


@router.get("/export", summary="Take everything along", response_class=StreamingResponse, responses=_DOCUMENT)
async def export_me(actor: CurrentActor, services: UseCases) -> StreamingResponse:
    """Children, heroes, stories and generations with every call, its prompt and its response, as one JSON document."""
    return await export_response(services, actor)


async def export_response(services: Services, actor: Actor) -> StreamingResponse:
    """The same for whoever else hands it out."""
    mine = await read_profile(services.transactions, actor)
    pieces = export_document(mine, export_family(services.transactions, actor))
    # What goes wrong before the first piece is still a problem of its own.
    first = await anext(pieces)
    headers = {"Content-Disposition": 'attachment; filename="tales.json"'}
    return StreamingResponse(_joined(first, pieces), media_type="application/json", headers=headers)


async def export_document(user: profile.Profile, sections: Mapping[str, AsyncIterator[Thing]]) -> AsyncIterator[str]:
    """The document (`Export`) in pieces."""
    yield f'{{"user": {_written(user)}'
    for name, things in sections.items():
        yield f',\n"{name}": ['
        before = "\n"
        async for thing in things:
            yield before + _written(thing)
            before = ",\n"
        yield "]"
    yield "}\n"


async def _joined(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for piece in rest:
        yield piece


def _written(thing: profile.Profile | Thing) -> str:
    shown = _MODELS[type(thing)].model_validate(thing).model_dump(mode="json", exclude_unset=True)
    # ASCII alone: an answer of a model may hold half a character, which UTF-8 cannot write.
    return json.dumps(shown)
