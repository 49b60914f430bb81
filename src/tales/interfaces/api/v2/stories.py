"""The family's library, on the way from a story with all fields to a story and its generation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from tales.application import stories
from tales.domain import errors
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Id
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v1 import flow
from tales.interfaces.api.v3.stories import INCLUDE, Include, StoryGeneration, writing_of
from tales.interfaces.api.versions import V2


def _mark_deprecated(schema: dict[str, Any]) -> None:
    for name in flow.INLINE_FIELDS:
        schema["properties"][name]["deprecated"] = True


class Story(flow.Story):
    """A story in the family's library. `rating` from 1 to 10.

    What is deprecated here stands in `generation_details`; version 3 has it nowhere else.
    """

    model_config = ConfigDict(json_schema_extra=_mark_deprecated)

    generation: Annotated[StoryGeneration | None, Field(description="Present with `include`.")] = None


class StoryPage(flow.StoryPage):
    """Some of the family's stories, newest first. `next_cursor` is null on the last page."""

    items: Sequence[Story]


router = flow.make_stories(V2, Story, StoryPage)


# A story has the member `generation` only where it was asked for, so members that were not set are left out.


@router.get(
    "/{story_id}", summary="Get a story", response_model_exclude_unset=True, responses=problems(errors.NotFound)
)
async def get_story(
    story_id: Id, actor: CurrentActor, services: UseCases, include: Annotated[Include | None, INCLUDE] = None
) -> Story:
    """One story."""
    found = Story.model_validate(await stories.get_written(services.transactions, actor, story_id))
    if include is None:
        return found
    story, generation = await stories.get_with_generation(services.transactions, actor, story_id)
    return found.model_copy(update={"generation": writing_of(story, generation, include)})
