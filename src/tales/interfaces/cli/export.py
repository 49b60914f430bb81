"""`tales export`: rows for a notebook or a spreadsheet, in one file."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tales.administration import export as exports
from tales.domain.report_filters import Period, ReportFilter
from tales.interfaces.cli import report_options as options
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
    since: options.Since = None,
    from_: options.From = None,
    until: options.Until = None,
    zone: options.Zone = "UTC",
    model: options.Model = None,
    story_type: options.OfType = None,
    language: options.Language = None,
    user: options.User = None,
    prompt_version: options.PromptVersion = None,
    migrated: options.Migrated = False,
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
            asked = exports.Export(subject, wanted, contents)
            rows = exports.export(load_settings(), asked, file, lambda done: report(str(subject), done))
    except OSError as error:
        raise fail(f"{file} cannot be written: {error.strerror}.") from None
    words = "with what families wrote" if contents else "without anybody's words"
    sentence = f"{file} holds {rows:,} {subject} from {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC, {words}."
    err.print(sentence, markup=False, soft_wrap=True)
