"""Operators' pages for budgets and prices, without scripts: they are shown, set, removed and taken back."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import unquote

from tales.domain.budgets import Budget, BudgetPeriod, BudgetScope
from tales.domain.prices import Price, PriceSource
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.fixtures.databases import Database
from tests.fixtures.rows import add_user, ended, insert
from tests.interfaces.api.world import MODELS
from tests.interfaces.web.test_odd_forms import ODD
from tests.interfaces.web.test_operators import operator, rows_of
from tests.interfaces.web.test_pages import MARKS, PAYLOAD, says
from tests.interfaces.web.visiting import Visitor

__all__ = ["operator"]

BUDGETS = "/operator/budgets"
FORMS = tuple(f"{BUDGETS}/{form}" for form in ("new", "remove", "prices/new", "prices/take-back"))
BUDGET = {"scope": "all", "period": "month", "limit_usd": "20", "warn_share": "0,9", "model": "", "user_id": ""}
PRICE = {"model": MODELS[0], "prompt_usd_per_million": "0.15", "completion_usd_per_million": "0,6", "valid_from": ""}


async def test_budgets_and_prices_are_shown_as_they_stand(
    operator: Visitor, transactions: SqlTransactions, database: Database
) -> None:
    says(await operator.look("/operator/budgets"), "Nothing bounds what is spent", "No price is known yet")
    old, new = (
        Price(
            model="first/model",
            valid_from=datetime(2026, month, 1, tzinfo=UTC),
            prompt_usd_per_million=Decimal(month),
            completion_usd_per_million=Decimal("0.15"),
            source=PriceSource.OPERATOR,
        )
        for month in (1, 2)
    )
    async with transactions.as_service() as work:
        await work.prices.put([old, new])
        for period, limit in ((BudgetPeriod.DAY, 4), (BudgetPeriod.MONTH, 40)):
            await work.budgets.put(Budget(scope=BudgetScope.ALL, period=period, limit_usd=Decimal(limit)))
        await work.commit()

    then = datetime.now(UTC) - timedelta(days=10)
    times = {"created_at": then, "started_at": then, "completed_at": then + timedelta(seconds=9)}
    with database.connect() as connection:
        insert(connection, "generations", ended(add_user(connection), full_response={"usage": {"cost": 4}}, **times))

    page = await operator.look("/operator/budgets")
    assert 'data-plot="stack" data-x="0,1,7,8" data-y="3,4" data-marks="2,11"' in page.text
    of_day, of_month = (row[-1] for row in rows_of(page, "budgets"))
    assert of_day == "–"
    assert of_month.startswith("$"), "a forecast"
    assert [row[:6] for row in rows_of(page, "budgets")] == [
        ["Everything", "a day", "$4.00", "$0.00", "$0.00", "0.0%"],
        ["Everything", "a month", "$40.00", "$0.00", "$0.00", "0.0%"],
    ]
    assert [row[2:] for row in rows_of(page, "prices")] == [["$2.00", "$0.15", "$0.00", "an operator"]]
    every = await operator.look("/operator/budgets?model=first%2Fmodel")
    assert [row[2] for row in rows_of(every, "prices")] == ["$2.00", "$1.00"]
    for table, lines in (("budgets", 2), ("prices", 1)):
        file = await operator.look(f"/operator/budgets.csv?table={table}")
        assert len(list(csv.DictReader(io.StringIO(file.text)))) == lines
    says(await operator.look("/operator/budgets?model=none"), "No price of this model is known.")
    assert (await operator.look("/operator/budgets?model=%00")).status_code == 422


async def test_a_budget_is_set_and_removed_and_prices_are_set_first(operator: Visitor, database: Database) -> None:
    await operator.look(f"{BUDGETS}/new")
    unpriced = await operator.send(f"{BUDGETS}/new", BUDGET)
    assert (unpriced.status_code, "models, or no budget can hold: first/model, second" in unpriced.text) == (422, True)
    assert 'value="20"' in unpriced.text
    for model in MODELS:
        set_ = await operator.send(f"{BUDGETS}/prices/new", PRICE | {"model": model})
        assert unquote(set_.headers["Location"]) == f"{BUDGETS}?model={model}"
    for limit in ("20", "25,5"):
        assert (await operator.send(f"{BUDGETS}/new", BUDGET | {"limit_usd": limit})).headers["Location"] == BUDGETS

    page = await operator.look(BUDGETS)

    assert [row[:3] for row in rows_of(page, "budgets")] == [["Everything", "a month", "$25.50"]]
    says(page, '<option value="scope=all&amp;period=month">Everything, a month</option>', "tales prices pull")
    assert (await operator.send(f"{BUDGETS}/remove", {"budget": "scope=all&period=month"})).status_code == 303
    says(await operator.look(BUDGETS), "Nothing bounds what is spent")
    again = await operator.send(f"{BUDGETS}/remove", {"budget": "scope=all&period=month"})
    assert (again.status_code, "Load the page again" in again.text) == (409, True)
    (who,) = database.rows("select user_id from tales.accounts")
    assert database.rows("select distinct changed_by as user_id from tales.change_log") == [who]


async def test_models_are_listed_as_a_person_counts(operator: Visitor, database: Database) -> None:
    named = ["first/model-2", "first/model-10"]
    with database.connect() as connection:
        for model in reversed(named):
            price = {"model": model, "valid_from": datetime(2026, 1, 1, tzinfo=UTC), "source": "operator"}
            price |= {"prompt_usd_per_million": 1, "completion_usd_per_million": 1}
            insert(connection, "prices", price)
            insert(connection, "budgets", {"scope": "model", "model": model, "period": "day", "limit_usd": 1})
        insert(connection, "budgets", {"scope": "all", "period": "day", "limit_usd": 1})
    page = await operator.look(BUDGETS)
    assert [row[0] for row in rows_of(page, "prices")] == named
    assert [row[7] for row in rows_of(page, "budgets")] == ["–", *named]


async def test_a_price_to_come_is_taken_back_and_one_in_force_is_not(operator: Visitor) -> None:
    await operator.look(f"{BUDGETS}/prices/new")
    for valid_from in ("", "2999-12-31T18:00"):
        set_ = await operator.send(f"{BUDGETS}/prices/new", PRICE | {"valid_from": valid_from})
        assert set_.status_code == 303, set_.text
    page = await operator.look(set_.headers["Location"])
    assert len(rows_of(page, "prices")) == 2
    says(page, '<option value="2999-12-31T18:00:00+00:00">')

    back = f"{BUDGETS}/prices/take-back?model={MODELS[0]}"
    for valid_from, status in (("2999-12-31T18:00:00+00:00", 303), ("2999-12-31T18:00:00+00:00", 409), ("", 409)):
        assert (await operator.send(back, {"valid_from": valid_from})).status_code == status
    assert len(rows_of(await operator.look(set_.headers["Location"]), "prices")) == 1


async def test_a_form_takes_the_numbers_that_its_language_writes(operator: Visitor, database: Database) -> None:
    german = {"Accept-Language": "de"}
    form = await operator.look(f"{BUDGETS}/new", **german)
    assert 'name="warn_share" type="text" value="0,8"' in form.text
    price = PRICE | {"prompt_usd_per_million": "1,125"}
    for model in MODELS:
        assert (await operator.send(f"{BUDGETS}/prices/new", price | {"model": model}, **german)).status_code == 303
    for limit, headers, said in (
        ("1.500", german, 422),
        ("1,500", {}, 422),
        ("1500,5", german, 303),
        ("0.125", german, 303),
        ("1.500", {}, 303),
    ):
        answer = await operator.send(f"{BUDGETS}/new", BUDGET | {"limit_usd": limit, "warn_share": "0,8"}, **headers)
        assert answer.status_code == said, (limit, headers)
    (budget,) = database.rows("select limit_usd, warn_share from tales.budgets")
    assert (budget["limit_usd"], budget["warn_share"]) == (Decimal("1.5"), Decimal("0.8"))
    page = await operator.look(BUDGETS, **german)
    assert {row[2] for row in rows_of(page, "prices")} == {"1,125\u00a0$"}
    assert 'data-separators=",." data-before="" data-behind="\u00a0$"' in page.text


async def test_what_is_refused_stays_in_the_form_with_why_beside_its_field(operator: Visitor) -> None:
    await operator.look(f"{BUDGETS}/new")
    wrong = (
        ("new", BUDGET, {"limit_usd": "1,000"}, "limit_usd", "Use US dollars"),
        ("new", BUDGET, {"limit_usd": ""}, "limit_usd", "Use US dollars"),
        ("new", BUDGET, {"warn_share": "80"}, "warn_share", "Use a share"),
        ("new", BUDGET, {"scope": "model"}, "model", "no model"),
        ("new", BUDGET, {"model": PAYLOAD}, "scope", "for that kind alone"),
        ("new", BUDGET, {"user_id": "x"}, "user_id", "This is no id."),
        ("new", BUDGET, {"period": "year"}, "period", "a day or a month"),
        ("prices/new", PRICE, {"prompt_usd_per_million": "-1"}, "prompt_usd_per_million", "Use US dollars"),
        ("prices/new", PRICE, {"request_usd": "free"}, "request_usd", "Use US dollars"),
        ("prices/new", PRICE, {"valid_from": "2020-01-01"}, "valid_from", "still to come"),
        ("prices/new", PRICE, {"valid_from": "soon"}, "valid_from", "still to come"),
    )
    for form, fields, changes, field, said in wrong:
        page = await operator.send(f"{BUDGETS}/{form}", fields | changes)
        assert page.status_code == 422, changes
        before, _, beside = page.text.partition(f'id="{field}"')
        assert said in beside.partition('class="field"')[0], changes
        assert (before.count('id="problem"'), page.text.count('id="problem"')) == (0, 1), changes
        assert not [mark for mark in MARKS if mark in page.text], changes


async def test_these_forms_are_an_admins_from_this_site_and_none_is_too_odd(
    operator: Visitor, ada: Visitor, database: Database
) -> None:
    await operator.look(f"{BUDGETS}/new")
    for form in FORMS:
        fields = BUDGET | PRICE | {"budget": "scope=all&period=month"}
        assert (await ada.send(form, fields)).status_code == 404
        assert (await operator.send(form, fields | {"form_token": "x"})).status_code == 403
        for odd in ODD[::3]:
            answer = await operator.send(form, dict.fromkeys(fields, odd[:200]))
            assert answer.status_code in {409, 422}, (form, odd, answer.text)
    assert database.rows("select from tales.change_log") == []
