"""The family's library."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import AliasPath, ConfigDict, Field

from tales.application import stories
from tales.domain import errors, filters, story, titles
from tales.domain.generation import Generation
from tales.domain.page import Page
from tales.domain.story_spec import StoryType
from tales.interfaces.api.cursor import NextCursor
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.etags import TAGGED, UNCHANGED, Editing, Looking
from tales.interfaces.api.fields import Answer, Body, Id, Moment, Shown, Text, WholeNumber
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import paths
from tales.interfaces.api.v3.generations import Attempt
from tales.interfaces.api.v3.schemas import WhichPage

router = APIRouter(
    prefix=paths.STORIES,
    tags=["stories"],
    responses=problems(errors.Unauthenticated, errors.Unavailable, errors.InvalidInput),
)


class StoryChanges(Body):
    """What changes of a story: its title. What is left out stays (RFC 7396)."""

    model_config = ConfigDict(json_schema_extra={"example": {"title": "Mia and the Lantern"}})

    title: Annotated[Text, Shown(minLength=1, maxLength=titles.MAX_TITLE)] = Field(default_factory=str)

    def changes(self) -> story.Title | None:
        """The same in the domain's terms; None when nothing is to change. Raises: InvalidInput."""
        return story.Title(self.title) if "title" in self.model_fields_set else None


class NewRating(Body):
    """How much the family liked a story."""

    model_config = ConfigDict(json_schema_extra={"example": {"rating": 9}})

    rating: Annotated[WholeNumber, Shown(minimum=1, maximum=story.BEST_RATING)]

    def checked(self) -> story.Rating:
        """The same in the domain's terms. Raises: InvalidInput."""
        return story.Rating(self.rating)


class WhichStories(WhichPage):
    """Which stories: those that fit all that is said."""

    q: Annotated[
        Text | None,
        Shown(maxLength=filters.MAX_WORDS),
        Field(description="Words of the title or the text, all of them; the last may be the beginning of one."),
    ] = None
    child_id: Annotated[Id | None, Field(description="Stories about this child.")] = None
    hero_id: Annotated[Id | None, Field(description="Stories about this hero.")] = None
    min_rating: Annotated[
        int | None, Shown(minimum=1, maximum=story.BEST_RATING), Field(description="Rated so, or better.")
    ] = None

    def filter(self) -> filters.StoryFilter:
        """The same in the domain's terms, but for the page. Raises: InvalidInput."""
        return filters.StoryFilter(
            words=self.q, child_id=self.child_id, hero_id=self.hero_id, min_rating=self.min_rating
        )


class StoryGeneration(Attempt):
    """The attempt that wrote a story, with what was asked for. `story_length` in minutes of reading aloud."""

    generation_id: Annotated[UUID, Field(validation_alias=AliasPath("id", "generation_id"))]
    story_type: StoryType
    story_length: int | None
    moral: str
    language: str | None
    relationship_description: str | None
    hero_appearance: str | None
    attempts: Annotated[tuple[Attempt, ...], Field(description="Present with `include=generation.attempts`.")] = ()


class Story(Answer):
    """A story in the family's library. `rating` from 1 to 10; `generation_attempt` wrote it."""

    id: UUID
    title: str
    content: str
    rating: int | None
    child_id: UUID | None
    hero_id: UUID | None
    generation_id: Annotated[UUID, Field(validation_alias=AliasPath("attempt", "generation_id"))]
    generation_attempt: Annotated[int, Field(validation_alias=AliasPath("attempt", "attempt_number"))]
    created_at: Moment
    updated_at: Moment
    generation: Annotated[StoryGeneration | None, Field(description="Present with `include`.")] = None


class StoryPage(Answer):
    """Some of the family's stories, newest first. `next_cursor` is null on the last page."""

    items: list[Story]
    next_cursor: NextCursor


class Include(StrEnum):
    """What is added to a story."""

    GENERATION = "generation"
    ATTEMPTS = "generation.attempts"


INCLUDE = Query(description="How it was written: the attempt, or all of them.")

# A story has the member `generation` only where it was asked for, so members that were not set are left out.


@router.get("", summary="List the stories", response_model=StoryPage, response_model_exclude_unset=True)
async def list_stories(
    which: Annotated[WhichStories, Query()], actor: CurrentActor, services: UseCases
) -> Page[story.Story]:
    """The family's stories, newest first: all of them, or those that are looked for."""
    return await stories.list_stories(services.transactions, actor, which.checked(), which.filter())


@router.get(
    "/{story_id}",
    summary="Get a story",
    response_model=Story,
    response_model_exclude_unset=True,
    responses=TAGGED | UNCHANGED | problems(errors.NotFound),
)
async def get_story(
    story_id: Id,
    actor: CurrentActor,
    services: UseCases,
    look: Looking,
    include: Annotated[Include | None, INCLUDE] = None,
) -> Story | Response:
    """One story. It has an entity tag only without `include`: what is added may change on its own."""
    if include is None:
        story_alone = await stories.get(services.transactions, actor, story_id)
        return look.answer(Story.model_validate(story_alone), story_alone.version)
    found, generation = await stories.get_with_generation(services.transactions, actor, story_id)
    writing = writing_of(found, generation, include)
    return Story.model_validate(found).model_copy(update={"generation": writing})


def writing_of(written: story.Story, generation: Generation, include: Include) -> StoryGeneration:
    """How a story was written, as far as it was asked for."""
    writing = next(attempt for attempt in generation.attempts if attempt.id == written.attempt)
    details = StoryGeneration.model_validate(writing)
    if include is Include.GENERATION:
        return details
    return details.model_copy(update={"attempts": tuple(map(Attempt.model_validate, generation.attempts))})


@router.put(
    "/{story_id}/rating",
    summary="Rate a story",
    response_model=Story,
    response_model_exclude_unset=True,
    responses=TAGGED | problems(errors.NotFound, errors.VersionConflict, body=True),
)
async def rate_story(
    story_id: Id, body: NewRating, actor: CurrentActor, services: UseCases, edit: Editing
) -> story.Story:
    """Say how much the family liked it, from 1 to 10; a rating given before is replaced."""
    rated = await stories.rate(services.transactions, actor, story_id, body.checked(), edit.versions)
    edit.tag(rated.version)
    return rated


@router.patch(
    "/{story_id}",
    summary="Rename a story",
    response_model=Story,
    response_model_exclude_unset=True,
    responses=TAGGED | problems(errors.NotFound, errors.VersionConflict, body=True),
)
async def change_story(
    story_id: Id, body: StoryChanges, actor: CurrentActor, services: UseCases, edit: Editing
) -> story.Story:
    """Give a story another title. The response that it came from stays as it is."""
    changed = await stories.rename(services.transactions, actor, story_id, body.changes(), edit.versions)
    edit.tag(changed.version)
    return changed


@router.delete(
    "/{story_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a story",
    responses=problems(errors.NotFound, errors.VersionConflict),
)
async def delete_story(story_id: Id, actor: CurrentActor, services: UseCases, edit: Editing) -> None:
    """Delete a story. The calls that were made for it stay, as they were paid for."""
    await stories.delete(services.transactions, actor, story_id, edit.versions)
