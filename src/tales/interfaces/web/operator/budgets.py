"""What may be spent in a day and a month, how that stands, and the price list that unknown costs are estimated by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tales.application.budgets import budgets_for
from tales.application.prices import list_prices
from tales.application.reports import forecast_month
from tales.application.services import Services
from tales.domain.actor import Actor
from tales.domain.budgets import Budget, BudgetPeriod, BudgetScope, BudgetState
from tales.domain.errors import InvalidInput, TalesError
from tales.domain.prices import Price, PriceSource
from tales.domain.report_filters import ReportFilter
from tales.domain.repositories.reports import ReportRepository
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.web.browser_sessions import Visitor
from tales.interfaces.web.languages import Language, language_of, translatable
from tales.interfaces.web.operator import plotly
from tales.interfaces.web.operator.chosen import Chosen, CurrentAdmin
from tales.interfaces.web.operator.files import file_of
from tales.interfaces.web.operator.frame import HOME, show
from tales.interfaces.web.operator.tables import SHORT_ID, Chart, Column, Kind, Table

SCOPE_NAMES: Mapping[str, str] = {
    BudgetScope.ALL: translatable("Everything"),
    BudgetScope.MODEL: translatable("A model"),
    BudgetScope.USER: translatable("One family"),
    BudgetScope.EACH_USER: translatable("Each family"),
}
PERIOD_NAMES: Mapping[str, str] = {BudgetPeriod.DAY: translatable("a day"), BudgetPeriod.MONTH: translatable("a month")}
_SOURCES = {PriceSource.PROVIDER: translatable("the provider"), PriceSource.OPERATOR: translatable("an operator")}
_NEARLY = translatable("nearly used up")

HERE = f"{HOME}/budgets"

router = APIRouter(prefix=HOME, include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """How a budget stands, in one row. `user_id`: whose it is, or who has used most of that of each user."""

    scope: BudgetScope
    model: str | None
    user_id: UUID | None
    period: BudgetPeriod
    begins: date
    limit_usd: Decimal
    spent_usd: Decimal
    reserved_usd: Decimal
    used_share: Decimal | None
    warn_share: Decimal
    is_warned: bool
    opens_at: datetime
    expected_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """A price, in one row: US dollars."""

    model: str
    valid_from: datetime
    prompt_usd_per_million: Decimal
    completion_usd_per_million: Decimal
    request_usd: Decimal
    source: PriceSource


class Priced(Chosen):
    """What is chosen; with a `model`, every price that it has had. `table`: of a file, which."""

    table: str = ""


WhatIsPriced = Annotated[Priced, Query()]


@router.get("/budgets")
async def show_budgets(request: Request, priced: WhatIsPriced, visitor: CurrentAdmin, services: UseCases) -> Response:
    """Budgets as they stand now, then prices."""
    return await show_page(request, priced, visitor, services)


async def show_page(
    request: Request, priced: Priced, visitor: Visitor, services: Services, refused: TalesError | None = None
) -> Response:
    """The page, also with why one of its forms was refused."""
    model = priced.model
    try:
        priced.check()
    except InvalidInput as error:
        model, refused = "", error
    budgets, prices = await _tables(services, visitor.actor, model)
    now = services.clock.now()
    return show(
        request,
        "budgets.html",
        priced,
        refused=refused,
        model=model,
        is_warned=any(row.is_warned for row in budgets.rows),
        budgets=budgets,
        prices=prices,
        plotly=plotly.ADDRESS,
        removable=[(_subject(row), _name(row, language_of(request))) for row in budgets.rows],
        to_come=[row.valid_from for row in prices.rows if row.valid_from > now],
    )


@router.get("/budgets.csv")
async def take_budgets(priced: WhatIsPriced, visitor: CurrentAdmin, services: UseCases) -> Response:
    """One of the page's tables for a spreadsheet."""
    priced.check()
    return file_of("budgets", await _tables(services, visitor.actor, priced.model), priced.table)


def budget_name(language: Language, scope: str, period: str, model: object = None, user_id: object = None) -> str:
    """What a budget is called."""
    say = language.translations.gettext
    whose = f" {model}" if model else f" …{str(user_id)[-SHORT_ID:]}" if user_id else ""
    return f"{say(SCOPE_NAMES.get(scope, scope))}{whose}, {say(PERIOD_NAMES.get(period, period))}"


def _subject(row: BudgetRow) -> str:
    """What the form names a budget by."""
    user_id = str(row.user_id) if row.scope is BudgetScope.USER else None
    facts = {"scope": row.scope, "period": row.period, "model": row.model, "user_id": user_id}
    return urlencode({name: value for name, value in facts.items() if value})


def _name(row: BudgetRow, language: Language) -> str:
    user_id = row.user_id if row.scope is BudgetScope.USER else None
    return budget_name(language, row.scope, row.period, row.model, user_id)


async def _tables(services: Services, actor: Actor, model: str) -> tuple[Table, Table]:
    now = services.clock.now()
    async with budgets_for(services.transactions, actor) as work:
        budgets = await work.budgets.states(now)
        prices = await list_prices(work, now, model or None)
        forecasts = [await _forecast(work.reports, state.budget, now) for state in budgets]
    return _budgets(budgets, forecasts), _prices(prices)


async def _forecast(reports: ReportRepository, budget: Budget, now: datetime) -> Decimal | None:
    """US dollars by the end of the month, of a month's budget of everything or of a model; else None."""
    if budget.period is not BudgetPeriod.MONTH or budget.scope not in {BudgetScope.ALL, BudgetScope.MODEL}:
        return None
    expected = (await forecast_month(reports, ReportFilter(since=now, until=now, model=budget.model), now)).expected
    return None if expected is None else round(Decimal(expected), 6)


def _budgets(states: Sequence[BudgetState], forecasts: Sequence[Decimal | None]) -> Table:
    rows = [
        BudgetRow(
            scope=state.budget.scope,
            model=state.budget.model,
            user_id=state.budget.user_id or state.spender,
            period=state.budget.period,
            begins=state.begins,
            limit_usd=state.budget.limit_usd,
            spent_usd=state.spent_usd,
            reserved_usd=state.reserved_usd,
            used_share=state.used_share,
            warn_share=state.budget.warn_share,
            is_warned=state.is_warned,
            opens_at=state.opens_at,
            expected_usd=expected,
        )
        for state, expected in zip(states, forecasts, strict=True)
    ]
    columns = (
        Column(translatable("For"), lambda row: SCOPE_NAMES[row.scope], Kind.SAID, name="scope"),
        Column(translatable("In"), lambda row: PERIOD_NAMES[row.period], Kind.SAID, name="period"),
        Column(translatable("At most"), "limit_usd", Kind.DOLLARS),
        Column(translatable("Spent"), "spent_usd", Kind.DOLLARS),
        Column(translatable("In flight, at most"), "reserved_usd", Kind.DOLLARS),
        Column(translatable("Used"), "used_share", Kind.SHARE),
        Column(translatable("Warning"), lambda row: _NEARLY if row.is_warned else "", Kind.SAID),
        Column(translatable("Model"), "model", Kind.NAME, finds="model"),
        Column(translatable("Family"), "user_id", Kind.ID, finds="user_id"),
        Column(translatable("Counts since"), "begins", Kind.DAY),
        Column(translatable("Opens anew"), "opens_at", Kind.DAY),
        Column(translatable("By its end"), "expected_usd", Kind.ESTIMATE),
    )
    note = translatable(
        "Days and months are those of UTC. Of the budget that each family has, that of the family is shown "
        "that has used most of it. What a month will have cost by its end is a forecast out of what calls are known to "
        "have cost."
    )
    chart = Chart(
        "stack",
        x=("scope", "period", "model", "user_id"),
        y=("spent_usd", "reserved_usd"),
        marks=("limit_usd", "expected_usd"),
        least=1,
    )
    return Table("budgets", translatable("How budgets stand"), rows, columns, chart, note)


def _prices(prices: Sequence[Price]) -> Table:
    rows = [
        PriceRow(
            model=price.model,
            valid_from=price.valid_from,
            prompt_usd_per_million=price.amounts[0],
            completion_usd_per_million=price.amounts[1],
            request_usd=price.amounts[2],
            source=price.source,
        )
        for price in prices
    ]
    columns = (
        Column(translatable("Model"), "model", Kind.NAME, finds="model"),
        Column(translatable("From"), "valid_from", Kind.DAY),
        Column(translatable("A million tokens read"), "prompt_usd_per_million", Kind.DOLLARS),
        Column(translatable("A million tokens written"), "completion_usd_per_million", Kind.DOLLARS),
        Column(translatable("A request"), "request_usd", Kind.DOLLARS),
        Column(translatable("Said by"), lambda row: _SOURCES[row.source], Kind.SAID),
    )
    return Table("prices", translatable("Price list"), rows, columns)
