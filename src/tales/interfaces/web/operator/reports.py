"""The reports as pages, each with its tables, charts and files: models, retries with the replay, failures, costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tales.application import overview
from tales.application import reports as use_cases
from tales.application.reports import Report, reports_for
from tales.domain.errors import InvalidInput
from tales.domain.replay import ReplayPolicy
from tales.domain.report_filters import ReportFilter
from tales.domain.repositories.reports import ReportRepository
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.web.languages import Language, language_of, translatable
from tales.interfaces.web.operator import plotly, report_tables
from tales.interfaces.web.operator.chosen import Chosen, CurrentAdmin, filter_or_usual
from tales.interfaces.web.operator.fields import chosen_number
from tales.interfaces.web.operator.files import file_of
from tales.interfaces.web.operator.frame import HOME, show
from tales.interfaces.web.operator.tables import Table

router = APIRouter(prefix=HOME, include_in_schema=False)


class Asked(Chosen):
    """What is chosen, and another retry policy to replay. `table`: of a file, which."""

    attempts: str = ""
    pause: str = ""
    chain: str = ""
    table: str = ""

    def file(self, path: str, table: str) -> str:
        """Where one of the page's tables lies as a file."""
        return self.address(path, attempts=self.attempts, pause=self.pause, chain=self.chain, table=table)

    def policy(self, language: Language) -> ReplayPolicy:
        """The policy; what is left out stays as it was recorded. Raises: InvalidInput."""
        attempts = chosen_number("attempts", self.attempts, language)
        pause = chosen_number("pause", self.pause, language)
        if attempts is not None and attempts != int(attempts):
            raise InvalidInput("attempts", "attempts is no whole number. Write one such as 3.")
        chain = tuple(filter(None, (part.strip() for part in self.chain.split(","))))
        return ReplayPolicy(
            attempts=int(attempts) if attempts is not None else None,
            pause=float(pause) if pause is not None else None,
            chain=chain or None,
        )


WhatIsAsked = Annotated[Asked, Query()]
Find = Callable[[ReportRepository, ReportFilter, datetime], Awaitable[tuple[Report, Sequence[Table]]]]


@dataclass(frozen=True, slots=True)
class Subject:
    """A page of reports: its title, what it is for in a sentence, and how its reports are found."""

    name: str
    title: str
    purpose: str
    find: Find
    template: str = "report.html"


def _one_report(
    ask: Callable[..., Awaitable[Report]], tables: Callable[[Any], tuple[Table, ...]], *, by_now: bool = False
) -> Find:
    async def find(reports: ReportRepository, wanted: ReportFilter, now: datetime) -> tuple[Report, Sequence[Table]]:
        found = await (ask(reports, wanted, now) if by_now else ask(reports, wanted))
        return found, tables(found)

    return find


OVERVIEW = Subject(
    "overview",
    translatable("Overview"),
    translatable("Whether stories are being written well, at a glance."),
    _one_report(overview.report_overview, report_tables.calls_by_day, by_now=True),
    "overview.html",
)
RETRIES = Subject(
    "retries",
    translatable("Retries"),
    translatable("How many attempts stories take, what retries rescue, and what another policy would have given."),
    _one_report(use_cases.report_retries, report_tables.retries),
    "retries.html",
)
SUBJECTS = (
    Subject(
        "models",
        translatable("Models"),
        translatable("How each model does: how its calls end, how long they take, and what they cost."),
        _one_report(use_cases.report_models, report_tables.models),
    ),
    Subject(
        "failures",
        translatable("Failures"),
        translatable("When, where and why calls give no story, beside the period before."),
        _one_report(use_cases.report_timeouts, report_tables.failures),
    ),
    Subject(
        "costs",
        translatable("Costs"),
        translatable("What calls cost, as far as anybody knows: by day, model, kind of story and family."),
        _one_report(use_cases.report_costs, report_tables.costs, by_now=True),
    ),
)
PROMPTS = Subject(
    "prompts",
    translatable("Prompts"),
    translatable("What models are asked with, in versions, and how each of them does with each model."),
    _one_report(use_cases.report_prompts, report_tables.prompts),
    "prompts.html",
)


async def show_subject(
    request: Request, subject: Subject, asked: Asked, visitor: CurrentAdmin, services: UseCases, **facts: object
) -> Response:
    """The page of reports, with the `facts` that its template needs beside them."""
    wanted, refused = filter_or_usual(asked, services)
    async with reports_for(services.transactions, visitor.actor) as reports:
        report, tables = await subject.find(reports, wanted, services.clock.now())
        try:
            if subject is RETRIES:
                replayed = await use_cases.report_replay(reports, wanted, asked.policy(language_of(request)))
                facts["replay"] = report_tables.replay(replayed)[0]
        except InvalidInput as error:
            refused, facts["replay"] = error, None
    return show(
        request,
        subject.template,
        asked,
        wanted=wanted,
        refused=refused,
        subject=subject,
        asked=asked,
        plotly=plotly.ADDRESS,
        report=report,
        tables=tables,
        # The table of days is the only one that is not named as its dimension.
        left_out_names=report_tables.LEFT_OUT,
        left_out={"days" if name == "day" else name for name in report.not_counted},
        is_empty=not report.not_counted and not any(table.rows for table in tables if table.name != "forecast"),
        **facts,
    )


async def _file(
    request: Request, subject: Subject, asked: Asked, visitor: CurrentAdmin, services: UseCases
) -> Response:
    """One of the page's tables for a spreadsheet."""
    wanted = asked.filter(services.clock.now())
    async with reports_for(services.transactions, visitor.actor) as reports:
        _, found = await subject.find(reports, wanted, services.clock.now())
        tables = [*found]
        if subject is RETRIES:
            policy = asked.policy(language_of(request))
            tables += report_tables.replay(await use_cases.report_replay(reports, wanted, policy))
    return file_of(subject.name, tables, asked.table)


@router.get("")
async def show_overview(request: Request, asked: WhatIsAsked, visitor: CurrentAdmin, services: UseCases) -> Response:
    """Stories, success, queue, workers and cost."""
    queue = await services.watch_queue(visitor.actor)
    return await show_subject(request, OVERVIEW, asked, visitor, services, queue=queue)


def _add(subject: Subject) -> None:
    async def show_report(request: Request, asked: WhatIsAsked, visitor: CurrentAdmin, services: UseCases) -> Response:
        return await show_subject(request, subject, asked, visitor, services)

    async def take_table(request: Request, asked: WhatIsAsked, visitor: CurrentAdmin, services: UseCases) -> Response:
        return await _file(request, subject, asked, visitor, services)

    if subject not in {OVERVIEW, PROMPTS}:
        router.add_api_route(f"/{subject.name}", show_report)
    router.add_api_route(f"/{subject.name}.csv", take_table)


for _subject in (OVERVIEW, RETRIES, PROMPTS, *SUBJECTS):
    _add(_subject)
