"""The family's library, on the way from a story with all fields to a story and its generation."""

from __future__ import annotations

from typing import Annotated

from tales.domain import errors
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Id
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v1.flow import make_stories
from tales.interfaces.api.v2 import answers
from tales.interfaces.api.v3.stories import INCLUDE, Include, writing_of
from tales.interfaces.api.versions import V2

router = make_stories(V2, answers.Story, answers.StoryPage)


# A story has the member `generation` only where it was asked for, so members that were not set are left out.


@router.get(
    "/{story_id}", summary="Get a story", response_model_exclude_unset=True, responses=problems(errors.NotFound)
)
async def get_story(
    story_id: Id, actor: CurrentActor, services: UseCases, include: Annotated[Include | None, INCLUDE] = None
) -> answers.Story:
    """One story."""
    found = answers.Story.model_validate(await services.read_stories.get_written(actor, story_id))
    if include is None:
        return found
    story, generation = await services.read_stories.get_with_generation(actor, story_id)
    return found.model_copy(update={"generation": writing_of(story, generation, include)})
