"""`tales export`: rows for a notebook or a spreadsheet, in one file."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from tales import administration
from tales.domain.report_filters import DEFAULT_PERIOD, Period, ReportFilter
from tales.domain.story_spec import StoryType
from tales.interfaces.cli.console import err, fail
from tales.interfaces.cli.migrate_progress import watching
from tales.settings import load_settings


class Subject(StrEnum):
    """Of what there is a row for each."""

    GENERATIONS = "generations"
    ATTEMPTS = "attempts"
    STORIES = "stories"


def export(  # noqa: PLR0913 -- each is an option
    subject: Annotated[Subject, typer.Argument(help="Of what.", show_default=False)],
    *,
    file: Annotated[
        Path, typer.Option("--to", metavar="FILE", help="A new file: .parquet, .csv or .jsonl.", show_default=False)
    ],
    since: Annotated[
        str | None, typer.Option(metavar="30d", help=f"How far back: 12h, 30d, 4w. [default: {DEFAULT_PERIOD}]")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", metavar="TIME", help="From this date or time on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Until this time, or the end of this date.")] = None,
    zone: Annotated[str, typer.Option(help="The time zone of dates, such as Europe/Berlin.")] = "UTC",
    model: Annotated[str | None, typer.Option(help="What asked this model.")] = None,
    story_type: Annotated[StoryType | None, typer.Option(help="Stories of this type.")] = None,
    language: Annotated[str | None, typer.Option(metavar="CODE", help="Stories in this language.")] = None,
    user: Annotated[UUID | None, typer.Option(metavar="ID", help="What this user asked for.")] = None,
    prompt_version: Annotated[str | None, typer.Option(help="What this version of the prompt asked for.")] = None,
    migrated: Annotated[bool, typer.Option("--migrated", help="Migrated rows too.")] = False,
    contents: Annotated[
        bool, typer.Option("--contents", help="What families and models wrote too: prompts, responses, stories.")
    ] = False,
) -> None:
    """Export generations, attempts or stories to a new file that only you may read, without anybody's words.

    Times are in UTC, money in US dollars. In CSV, texts that a spreadsheet would run have an apostrophe before them.
    """
    begins, ends = Period(since=since, from_=from_, to=until, zone=zone).bounds(datetime.now(UTC))
    wanted = ReportFilter(
        since=begins,
        until=ends,
        model=model,
        story_type=story_type,
        language=language,
        user_id=user,
        prompt_version=prompt_version,
        migrated=migrated,
    )
    try:
        with watching() as report:
            asked = administration.export_of(subject, wanted, contents=contents)
            rows = administration.export(load_settings(), asked, file, lambda done: report(str(subject), done))
    except OSError as error:
        raise fail(f"{file} cannot be written: {error.strerror}.") from None
    words = "with what families wrote" if contents else "without anybody's words"
    said = f"{file} holds {rows:,} {subject} from {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC, {words}."
    err.print(said, markup=False, soft_wrap=True)
