"""What versions 1 and 2 have in common: one request gives one finished story, and every story has all its fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status
from pydantic import AliasPath, Field
from starlette.exceptions import HTTPException

from tales.application import stories
from tales.domain import errors
from tales.domain.page import Page
from tales.domain.story import WrittenStory
from tales.domain.story_spec import StoryType
from tales.interfaces.api import idempotency
from tales.interfaces.api.cursor import NextCursor
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Answer, Id, Moment, WritableJson
from tales.interfaces.api.openapi import located, problems
from tales.interfaces.api.v3.generations import NewGeneration
from tales.interfaces.api.v3.schemas import WhichPage
from tales.interfaces.api.v3.stories import NewRating, StoryGeneration
from tales.interfaces.api.versions import Version

PREFIX = "/stories"
INLINE_FIELDS = (
    *("model_used", "full_response", "generation_info", "story_type", "story_length", "moral", "hero_appearance"),
    "relationship_description",
)
"""What stood on a story before it was moved to the generation (specification, "Removed Fields")."""


def _of_story(name: str) -> Any:  # noqa: ANN401 -- what Field itself returns
    return Field(validation_alias=AliasPath("story", name))


def _of_attempt(name: str, description: str | None = None) -> Any:  # noqa: ANN401 -- what Field itself returns
    return Field(validation_alias=AliasPath("attempt", name), description=description)


class Story(Answer):
    """A story in the family's library. `rating` from 1 to 10, `story_length` in minutes of reading aloud.

    A story from before generations may have `unknown` as its `model_used` and its `moral`.
    """

    id: Annotated[UUID, _of_story("id")]
    title: Annotated[str, _of_story("title")]
    content: Annotated[str, _of_story("content")]
    child_id: Annotated[UUID | None, _of_story("child_id")]
    hero_id: Annotated[UUID | None, _of_story("hero_id")]
    created_at: Annotated[Moment, _of_story("created_at")]
    updated_at: Annotated[Moment, _of_story("updated_at")]
    rating: Annotated[int | None, _of_story("rating")]
    user_id: Annotated[UUID, _of_story("user_id")]
    generation_id: Annotated[UUID, Field(validation_alias=AliasPath("attempt", "id", "generation_id"))]
    model_used: Annotated[str, _of_attempt("model_used", "The model that was asked for.")]
    full_response: Annotated[WritableJson, _of_attempt("full_response", "The provider's complete response.")]
    generation_info: Annotated[WritableJson, _of_attempt("generation_info", "Only of stories from before generations.")]
    story_type: Annotated[StoryType, _of_attempt("story_type")]
    story_length: Annotated[int | None, _of_attempt("story_length")]
    moral: Annotated[str, _of_attempt("moral")]
    hero_appearance: Annotated[str | None, _of_attempt("hero_appearance")]
    relationship_description: Annotated[str | None, _of_attempt("relationship_description")]
    generation_details: Annotated[StoryGeneration, Field(validation_alias="attempt")]


class StoryPage(Answer):
    """Some of the family's stories, newest first. `next_cursor` is null on the last page."""

    items: Sequence[Story]
    next_cursor: NextCursor


def make_stories(version: Version, story: type[Story], page: type[StoryPage]) -> APIRouter:
    """The operations on stories, answered in the shapes that `version` has for a story and a page of them."""
    router = APIRouter(
        prefix=PREFIX,
        tags=["stories"],
        responses=problems(errors.Unauthenticated, errors.Unavailable, errors.InvalidInput),
    )

    # The attempts of a generation are a matter of version 3, so members that were not set are left out.

    @router.post(
        "/generate",
        status_code=status.HTTP_201_CREATED,
        summary="Write a story",
        response_model=story,
        response_model_exclude_unset=True,
        responses=located(status.HTTP_201_CREATED)
        | problems(errors.NotFound, errors.Conflict, errors.GenerationFailed, errors.GenerationTimeout, body=True),
        openapi_extra={"parameters": [idempotency.DESCRIBED]},
    )
    async def generate_story(
        body: NewGeneration,
        actor: CurrentActor,
        services: UseCases,
        request: Request,
        response: Response,
    ) -> WrittenStory:
        """Ask for a story and wait for it, two minutes at most.

        It is written to its end also when nobody waits any longer, and is then the first in the list of stories. The
        same request under the same `Idempotency-Key` waits for the same story once more; 409 if that was deleted.
        """
        written = await services.generate_story(actor, body.checked(), idempotency.read_key(request.headers))
        response.headers["Location"] = f"{version.prefix}{PREFIX}/{written.story.id}"
        return written

    @router.api_route("/generate", methods=["GET", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def refuse_another_method() -> None:
        """Otherwise `generate` would be taken for a story's id, and refused for that."""
        raise HTTPException(status.HTTP_405_METHOD_NOT_ALLOWED)

    @router.get("", summary="List the stories", response_model=page, response_model_exclude_unset=True)
    async def list_stories(
        which: Annotated[WhichPage, Query()], actor: CurrentActor, services: UseCases
    ) -> Page[WrittenStory]:
        """The family's stories, newest first."""
        return await stories.list_written(services.transactions, actor, which.checked())

    @router.put(
        "/{story_id}/rating",
        summary="Rate a story",
        response_model=story,
        response_model_exclude_unset=True,
        responses=problems(errors.NotFound, body=True),
    )
    async def rate_story(story_id: Id, body: NewRating, actor: CurrentActor, services: UseCases) -> WrittenStory:
        """Say how much the family liked it, from 1 to 10; a rating given before is replaced."""
        await stories.rate(services.transactions, actor, story_id, body.checked())
        return await stories.get_written(services.transactions, actor, story_id)

    @router.delete(
        "/{story_id}",
        status_code=status.HTTP_204_NO_CONTENT,
        summary="Delete a story",
        responses=problems(errors.NotFound),
    )
    async def delete_story(story_id: Id, actor: CurrentActor, services: UseCases) -> None:
        """Delete a story. The calls that were made for it stay, as they were paid for."""
        await stories.delete(services.transactions, actor, story_id)

    return router
