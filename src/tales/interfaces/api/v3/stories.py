"""The family's library."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from tales.domain import errors, story
from tales.domain.generation import Generation
from tales.interfaces.api.cursor import encode_cursor
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.etags import TAGGED, UNCHANGED, Editing, Looking
from tales.interfaces.api.fields import Id
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import answers, bodies, paths

router = APIRouter(
    prefix=paths.STORIES,
    tags=["stories"],
    responses=problems(errors.Unauthenticated, errors.Unavailable, errors.InvalidInput),
)


class Include(StrEnum):
    """What is added to a story."""

    GENERATION = "generation"
    ATTEMPTS = "generation.attempts"


INCLUDE = Query(description="How it was written: the attempt, or all of them.")

# A story has the member `generation` only where it was asked for, so members that were not set are left out.


@router.get("", summary="List the stories", response_model_exclude_unset=True)
async def list_stories(
    which: Annotated[bodies.WhichStories, Query()], actor: CurrentActor, services: UseCases
) -> answers.StoryPage:
    """The family's stories, newest first: all of them, or those that are looked for."""
    page = await services.read_stories.list(actor, which.checked(), which.filter())
    cursor = encode_cursor(page.next) if page.next else None
    return answers.StoryPage.model_validate({"items": page.items, "next_cursor": cursor})


@router.get(
    "/{story_id}",
    summary="Get a story",
    response_model=answers.Story,
    response_model_exclude_unset=True,
    responses=TAGGED | UNCHANGED | problems(errors.NotFound),
)
async def get_story(
    story_id: Id,
    actor: CurrentActor,
    services: UseCases,
    look: Looking,
    include: Annotated[Include | None, INCLUDE] = None,
) -> answers.Story | Response:
    """One story. It has an entity tag only without `include`: what is added may change on its own."""
    if include is None:
        story_alone = await services.read_stories.get(actor, story_id)
        return look.answer(answers.Story.model_validate(story_alone), story_alone.version)
    found, generation = await services.read_stories.get_with_generation(actor, story_id)
    writing = writing_of(found, generation, include)
    return answers.Story.model_validate(found).model_copy(update={"generation": writing})


def writing_of(written: story.Story, generation: Generation, include: Include) -> answers.StoryGeneration:
    """How a story was written, as far as it was asked for."""
    writing = next(attempt for attempt in generation.attempts if attempt.id == written.attempt)
    details = answers.StoryGeneration.model_validate(writing)
    if include is Include.GENERATION:
        return details
    return details.model_copy(update={"attempts": tuple(map(answers.Attempt.model_validate, generation.attempts))})


@router.put(
    "/{story_id}/rating",
    summary="Rate a story",
    response_model=answers.Story,
    response_model_exclude_unset=True,
    responses=TAGGED | problems(errors.NotFound, errors.VersionConflict, body=True),
)
async def rate_story(
    story_id: Id, body: bodies.NewRating, actor: CurrentActor, services: UseCases, edit: Editing
) -> story.Story:
    """Say how much the family liked it, from 1 to 10; a rating given before is replaced."""
    rated = await services.read_stories.rate(actor, story_id, body.checked(), edit.versions)
    edit.tag(rated.version)
    return rated


@router.patch(
    "/{story_id}",
    summary="Rename a story",
    response_model=answers.Story,
    response_model_exclude_unset=True,
    responses=TAGGED | problems(errors.NotFound, errors.VersionConflict, body=True),
)
async def change_story(
    story_id: Id, body: bodies.StoryChanges, actor: CurrentActor, services: UseCases, edit: Editing
) -> story.Story:
    """Give a story another title. The response that it came from stays as it is."""
    changed = await services.read_stories.rename(actor, story_id, body.changes(), edit.versions)
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
    await services.read_stories.delete(actor, story_id, edit.versions)
