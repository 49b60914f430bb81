"""What version 1 answers: a story as it was before generations, and beside it the attempt that wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import AliasPath, Field

from tales.domain.story_spec import StoryType
from tales.interfaces.api.fields import Answer, Moment, WritableJson
from tales.interfaces.api.v3.answers import StoryGeneration

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
    next_cursor: str | None
