"""Forms of admins: a budget is set and removed, a price is set from now on, and taken back before it is in force."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from tales.application.budgets import budgets_for, remove_budget, set_budget
from tales.application.prices import prices_for, set_price_from_now_on, take_back_price
from tales.domain.budgets import DEFAULT_WARN_SHARE, Budget, BudgetPeriod, BudgetScope
from tales.domain.checks import check_model
from tales.domain.errors import Conflict, InvalidInput, NotFound, TalesError
from tales.domain.prices import NOTHING, Price, PriceSource
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.web.browser_sessions import CheckedForm, see_other, text
from tales.interfaces.web.languages import Language, language_of
from tales.interfaces.web.operator.budgets import HERE, PERIOD_NAMES, SCOPE_NAMES, WhatIsPriced, show_page
from tales.interfaces.web.operator.chosen import Chosen, CurrentAdmin, WhatIsChosen
from tales.interfaces.web.operator.fields import chosen_id, chosen_moment, chosen_number, one_of
from tales.interfaces.web.operator.frame import show
from tales.interfaces.web.refusals import EXPECTED

router = APIRouter(prefix=HERE, include_in_schema=False)


@router.get("/new")
async def show_new_budget(request: Request, chosen: WhatIsChosen, visitor: CurrentAdmin) -> Response:  # noqa: ARG001 -- admins
    """The form for a budget."""
    return _budget_form(request, chosen)


@router.post("/new")
async def add_budget(
    request: Request, chosen: WhatIsChosen, form: CheckedForm, visitor: CurrentAdmin, services: UseCases
) -> Response:
    """Set a budget, in the place of the one of the same kind and period."""
    try:
        budget = _budget(form, language_of(request))
        async with budgets_for(services.transactions, visitor.actor) as work:
            models = services.request_generation.priced_models
            await set_budget(work, budget, models, services.clock.now())
    except EXPECTED as error:
        return _budget_form(request, chosen, form, error)
    return see_other(chosen.address(HERE))


@router.post("/remove")
async def remove(
    request: Request, priced: WhatIsPriced, form: CheckedForm, visitor: CurrentAdmin, services: UseCases
) -> Response:
    """Remove the budget that the form names."""
    try:
        budget = _named(text(form, "budget"), language_of(request))
        async with budgets_for(services.transactions, visitor.actor) as work:
            if not await remove_budget(work, budget):
                raise Conflict
    except EXPECTED as error:
        return await show_page(request, priced, visitor, services, error)
    return see_other(priced.address(HERE))


@router.get("/prices/new")
async def show_new_price(request: Request, chosen: WhatIsChosen, visitor: CurrentAdmin) -> Response:  # noqa: ARG001 -- admins
    """The form for a price."""
    return _price_form(request, chosen)


@router.post("/prices/new")
async def add_price(
    request: Request, chosen: WhatIsChosen, form: CheckedForm, visitor: CurrentAdmin, services: UseCases
) -> Response:
    """Set a price from now on, or from a time to come on; then every price of its model is shown."""
    try:
        now = services.clock.now()
        price = _price(form, now, language_of(request))
        async with prices_for(services.transactions, visitor.actor) as work:
            await set_price_from_now_on(work, price, now)
    except EXPECTED as error:
        return _price_form(request, chosen, form, error)
    return see_other(chosen.address(HERE, model=price.model))


@router.post("/prices/take-back")
async def take_back(
    request: Request, priced: WhatIsPriced, form: CheckedForm, visitor: CurrentAdmin, services: UseCases
) -> Response:
    """Take back the price of the chosen model that is good from the time on that the form names."""
    try:
        priced.check()
        valid_from = chosen_moment("valid_from", text(form, "valid_from"))
        check_model(priced.model)
        async with prices_for(services.transactions, visitor.actor) as work:
            await take_back_price(work, priced.model, valid_from or services.clock.now(), services.clock.now())
    except (*EXPECTED, NotFound) as error:
        return await show_page(request, priced, visitor, services, Conflict() if isinstance(error, NotFound) else error)
    return see_other(priced.address(HERE))


def _budget(form: FormData, language: Language) -> Budget:
    """What was typed. Raises: InvalidInput."""
    scope = one_of(BudgetScope, "scope", text(form, "scope"))
    period = one_of(BudgetPeriod, "period", text(form, "period"))
    model, user_id = text(form, "model"), chosen_id("user_id", text(form, "user_id"))
    if scope is None or (model and scope is not BudgetScope.MODEL) or (user_id and scope is not BudgetScope.USER):
        raise InvalidInput("scope", "scope is missing, or something is filled in that is for another one.")
    if period is None:
        raise InvalidInput("period", f"period is missing. Use one of: {', '.join(BudgetPeriod)}.")
    return Budget(
        scope=scope,
        period=period,
        limit_usd=_amount(form, "limit_usd", language),
        warn_share=_amount(form, "warn_share", language, DEFAULT_WARN_SHARE),
        user_id=user_id,
        model=model or None,
    )


def _named(subject: str, language: Language) -> Budget:
    """The budget that an option of the page stands for. Raises: InvalidInput."""
    fields = dict(parse_qsl(subject))
    return _budget(FormData(fields | {"limit_usd": "0"}), language)


def _price(form: FormData, now: datetime, language: Language) -> Price:
    """What was typed. Raises: InvalidInput."""
    return Price(
        model=text(form, "model"),
        valid_from=chosen_moment("valid_from", text(form, "valid_from")) or now,
        prompt_usd_per_million=_amount(form, "prompt_usd_per_million", language),
        completion_usd_per_million=_amount(form, "completion_usd_per_million", language),
        request_usd=_amount(form, "request_usd", language, NOTHING),
        source=PriceSource.OPERATOR,
    )


def _amount(form: FormData, field: str, language: Language, usual: Decimal | None = None) -> Decimal:
    """The number that was typed; `usual` where none was. Raises: InvalidInput."""
    amount = chosen_number(field, text(form, field), language)
    amount = usual if amount is None else amount
    if amount is None:
        raise InvalidInput(field, f"{field} is missing. Write a number, such as 1500 or 0.15.")
    return amount


def _budget_form(
    request: Request, chosen: Chosen, form: FormData | None = None, refused: TalesError | None = None
) -> Response:
    """What was typed stays, and why it was refused stands beside it."""
    chosen_scope = BudgetScope.MODEL if chosen.model else BudgetScope.USER if chosen.user_id else BudgetScope.ALL
    usual = {
        "scope": chosen_scope,
        "period": BudgetPeriod.MONTH,
        "model": chosen.model,
        "warn_share": language_of(request).typed(DEFAULT_WARN_SHARE),
    }
    if chosen_scope is BudgetScope.USER:
        usual["user_id"] = chosen.user_id
    return show(
        request,
        "budget_form.html",
        chosen,
        refused=refused,
        typed=usual if form is None else form,
        scopes=SCOPE_NAMES,
        budget_periods=PERIOD_NAMES,
    )


def _price_form(
    request: Request, chosen: Chosen, form: FormData | None = None, refused: TalesError | None = None
) -> Response:
    """What was typed stays, and why it was refused stands beside it."""
    typed = {"model": chosen.model} if form is None else form
    return show(request, "price_form.html", chosen, refused=refused, typed=typed)
