"""`tales report`: what operators ask of all calls together, as a table, JSON, CSV, or a page with charts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tales.application import reports as use_cases
from tales.domain.errors import InvalidInput
from tales.domain.replay import ReplayPolicy
from tales.domain.report_filters import Period, ReportFilter
from tales.domain.repositories.reports import ReportRepository
from tales.files import new_file
from tales.interfaces.cli import report_options as options
from tales.interfaces.cli.console import err, fail, out
from tales.interfaces.cli.operating import operate
from tales.interfaces.cli.report_columns import Section
from tales.interfaces.cli.report_sections import sections_of
from tales.interfaces.report_data import as_csv, as_json


class Subject(StrEnum):
    """What a report is about."""

    MODELS = "models"
    RETRIES = "retries"
    REPLAY = "replay"
    TIMEOUTS = "timeouts"
    COSTS = "costs"
    PROMPTS = "prompts"


class Format(StrEnum):
    """How it is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


def report(  # noqa: PLR0913 -- each is an option
    subject: Annotated[Subject, typer.Argument(help="What to report.", show_default=False)],
    *,
    since: options.Since = None,
    from_: options.From = None,
    to: options.Until = None,
    zone: options.Zone = "UTC",
    model: options.Model = None,
    story_type: options.OfType = None,
    language: options.Language = None,
    user: options.User = None,
    prompt_version: options.PromptVersion = None,
    migrated: options.Migrated = False,
    attempts: Annotated[int | None, typer.Option(min=1, help="Replay: at most so many attempts.")] = None,
    pause: Annotated[float | None, typer.Option(min=0, help="Replay: seconds before the first retry, at most.")] = None,
    chain: Annotated[str | None, typer.Option(metavar="A,B", help="Replay: the models in turn.")] = None,
    written: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TABLE,
    section: Annotated[
        str | None, typer.Option(help="One part of the report alone; of CSV, the first by default.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="A new file to write it to.")] = None,
) -> None:
    """Report how models do, what retries rescue, when calls fail, what they cost, and how prompts do.

    Replay says what another number of attempts, another pause or another chain of models would have given.
    """
    now = datetime.now(UTC)
    begins, ends = Period(since=since, from_=from_, to=to, zone=zone).bounds(now)
    wanted = ReportFilter(
        since=begins,
        until=ends,
        zone=zone,
        model=model,
        story_type=story_type,
        language=language,
        user_id=user,
        prompt_version=prompt_version,
        migrated=migrated,
    )
    policy = ReplayPolicy(attempts=attempts, pause=pause, chain=_models(chain))
    if policy != ReplayPolicy() and subject is not Subject.REPLAY:
        raise fail("--attempts, --pause and --chain are for: tales report replay")
    found = operate(lambda work: _ask(work.reports, subject, wanted, policy, now))
    parts = _chosen(sections_of(found), section)
    if written is Format.TABLE and file is None:
        from tales.interfaces.cli.report_tables import WIDTH, report_tables  # noqa: PLC0415 -- for a terminal alone

        out.print(report_tables(subject, found, parts), width=None if out.is_terminal else WIDTH)
        return
    _write(_text(subject, found, written, parts), file)


def _chosen(sections: Sequence[Section], name: str | None) -> Sequence[Section]:
    """The section of that name, or all. Raises: InvalidInput."""
    chosen = [section for section in sections if name in {None, section.name}]
    if not chosen:
        names = ", ".join(section.name for section in sections)
        raise InvalidInput("section", f"There is no section {name}. Choose one of: {names}.")
    return chosen


def _models(chain: str | None) -> tuple[str, ...] | None:
    return tuple(filter(None, (part.strip() for part in (chain or "").split(",")))) or None


async def _ask(
    reports: ReportRepository, subject: Subject, wanted: ReportFilter, policy: ReplayPolicy, now: datetime
) -> use_cases.Report:
    match subject:
        case Subject.MODELS:
            return await use_cases.report_models(reports, wanted)
        case Subject.RETRIES:
            return await use_cases.report_retries(reports, wanted)
        case Subject.REPLAY:
            return await use_cases.report_replay(reports, wanted, policy)
        case Subject.TIMEOUTS:
            return await use_cases.report_timeouts(reports, wanted)
        case Subject.COSTS:
            return await use_cases.report_costs(reports, wanted, now)
        case Subject.PROMPTS:
            return await use_cases.report_prompts(reports, wanted)


def _text(subject: Subject, found: use_cases.Report, written: Format, sections: Sequence[Section]) -> str:
    match written:
        case Format.JSON:
            return as_json(found)
        case Format.CSV:
            return as_csv(sections[0].rows)
        case Format.HTML:
            from tales.interfaces.cli.report_html import report_page  # noqa: PLC0415 -- for a page alone

            return report_page(subject, found, sections)
        case Format.TABLE:
            from tales.interfaces.cli.report_tables import report_text  # noqa: PLC0415 -- as above

            return report_text(subject, found, sections)


def _write(text: str, file: Path | None) -> None:
    if file is None:
        sys.stdout.write(text)
        return
    try:
        with new_file(file) as opened:
            opened.write(text.encode())
    except OSError as error:
        raise fail(f"{file} cannot be written: {error.strerror}.") from None
    err.print(f"The report is in {file}.", markup=False, soft_wrap=True)
