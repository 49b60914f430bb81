"""Options that say which attempts a report counts and an export holds: alike for both."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from tales.domain.report_filters import DEFAULT_PERIOD
from tales.domain.story_spec import StoryType

Since = Annotated[
    str | None, typer.Option(metavar="30d", help=f"How far back: 12h, 30d, 4w; by default {DEFAULT_PERIOD}.")
]
From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="From this date or time on.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Until this time, or the end of this date.")]
Zone = Annotated[str, typer.Option(help="The time zone of days and hours, such as Europe/Berlin.")]
Model = Annotated[str | None, typer.Option(help="Attempts that asked this model.")]
OfType = Annotated[StoryType | None, typer.Option(help="Stories of this type.")]
Language = Annotated[str | None, typer.Option(metavar="CODE", help="Stories in this language.")]
User = Annotated[UUID | None, typer.Option(metavar="ID", help="What this user asked for.")]
PromptVersion = Annotated[str | None, typer.Option(help="What this version of the prompt asked for.")]
Migrated = Annotated[bool, typer.Option("--migrated", help="Migrated attempts too.")]
