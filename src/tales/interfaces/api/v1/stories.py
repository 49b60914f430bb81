"""The family's library as it was before generations."""

from __future__ import annotations

from tales.application import stories
from tales.domain import errors
from tales.domain.story import WrittenStory
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Id
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v1.flow import Story, StoryPage, make_stories
from tales.interfaces.api.versions import V1

router = make_stories(V1, Story, StoryPage)


@router.get(
    "/{story_id}",
    summary="Get a story",
    response_model=Story,
    response_model_exclude_unset=True,
    responses=problems(errors.NotFound),
)
async def get_story(story_id: Id, actor: CurrentActor, services: UseCases) -> WrittenStory:
    """One story."""
    return await stories.get_written(services.transactions, actor, story_id)
