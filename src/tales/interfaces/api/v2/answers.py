"""What version 2 answers: as version 1, with the inline fields marked as deprecated, and `generation` on request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from tales.interfaces.api.v1 import answers as v1
from tales.interfaces.api.v3.answers import StoryGeneration


def _mark_deprecated(schema: dict[str, Any]) -> None:
    for name in v1.INLINE_FIELDS:
        schema["properties"][name]["deprecated"] = True


class Story(v1.Story):
    """A story in the family's library. `rating` from 1 to 10.

    What is deprecated here stands in `generation_details`; version 3 has it nowhere else.
    """

    model_config = ConfigDict(json_schema_extra=_mark_deprecated)

    generation: Annotated[StoryGeneration | None, Field(description="Present with `include`.")] = None


class StoryPage(v1.StoryPage):
    """Some of the family's stories, newest first. `next_cursor` is null on the last page."""

    items: Sequence[Story]
