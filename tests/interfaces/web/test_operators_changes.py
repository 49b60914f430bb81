"""The operators' page of changes: who has set what, found by what, whom and when."""

from __future__ import annotations

from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.fixtures.databases import Database
from tests.interfaces.api.world import MODELS
from tests.interfaces.web.test_operators import operator
from tests.interfaces.web.test_operators_budgets import BUDGETS, PRICE
from tests.interfaces.web.test_pages import MARKS, PAYLOAD, says
from tests.interfaces.web.visiting import Visitor

__all__ = ["operator"]

CHANGES = "/operator/changes"


async def test_who_set_a_price_and_retired_a_prompt_is_shown(
    operator: Visitor, ada: Visitor, database: Database
) -> None:
    says(await operator.look(CHANGES), "Nothing has been changed yet.")
    await operator.look(f"{BUDGETS}/prices/new")
    await operator.send(f"{BUDGETS}/prices/new", PRICE)
    await operator.look("/operator/prompts/child-en-1")
    await operator.send("/operator/prompts/child-en-1", {"do": "retire"})

    page = await operator.look(CHANGES)
    says(page, "olga@example.org", f"A price was set: <bdi>{MODELS[0]}</bdi>", "A million tokens read: <bdi>0.15</bdi>")
    says(page, "State: <bdi>active</bdi> → <bdi>retired</bdi>")
    assert (await ada.look(CHANGES)).status_code == 404
    (who,) = database.rows("select user_id from tales.accounts where email = 'olga@example.org'")
    for query, is_found in (
        ("by=OLGA@example.org", True),
        (f"by={who['user_id']}", True),
        ("by=operator", False),
        ("by=ada@example.org", False),
        ("relation=prices", True),
        ("relation=budgets", False),
        ("to=2020-01-01", False),
        ("since=24h", True),
    ):
        found = await operator.look(f"{CHANGES}?{query}")
        assert (found.status_code, MODELS[0] in found.text) == (200, is_found), query
    says(await operator.look(f"{CHANGES}?relation=budgets"), "Nothing like this has been changed.")


async def test_budgets_and_goals_are_named_in_the_readers_words(operator: Visitor, database: Database) -> None:
    budget = {"scope": "model", "model": MODELS[0], "period": "month", "limit_usd": 0.5}
    goal = {"story_type": "hero", "language": "de", "measure": "cost"}
    with database.connect() as connection:
        for relation, row in (("budgets", budget), ("prompt_goals", goal)):
            connection.execute("insert into tales.change_log (relation, after) values (%s, %s)", (relation, Jsonb(row)))
    page = await operator.look(CHANGES, **{"Accept-Language": "de"})
    says(page, f"<bdi>Ein Modell {MODELS[0]}, pro Monat</bdi>", "in US-Dollar: <bdi>0,5</bdi>")
    says(page, "<bdi>über einen Helden · Deutsch</bdi>", "<bdi>das Billigste, was oft genug gelingt</bdi>")


async def test_a_time_that_was_kept_in_the_servers_zone_is_shown_in_utc(operator: Visitor, database: Database) -> None:
    with database.connect() as connection:
        connection.execute("set time zone 'Europe/Moscow'")
        connection.execute(
            "insert into tales.prices (model, valid_from, prompt_usd_per_million, completion_usd_per_million, source)"
            " values ('any/model', '2026-03-01T09:00Z', 1, 2, 'operator')"
        )
    says(await operator.look(CHANGES, **{"Accept-Language": "de"}), "<bdi>01.03.2026, 09:00:00 UTC</bdi>")


@pytest.mark.parametrize("query", ["by=nobody@example.org", "by=x", "by=%00", "relation=x", "from=x", "after=x"])
async def test_what_cannot_be_looked_for_is_said(operator: Visitor, query: str) -> None:
    page = await operator.look(f"{CHANGES}?{query}")
    assert page.status_code == 422
    assert "Internal" not in page.text


async def test_the_log_goes_on_page_by_page_and_holds_no_markup(operator: Visitor, database: Database) -> None:
    with database.connect() as connection:
        for _ in range(51):
            after = Jsonb(
                {"model": PAYLOAD, "prompt_usd_per_million": 0.00000015, "valid_from": "2026-03-01T00:00:00Z"}
            )
            connection.execute(
                "insert into tales.change_log (changed_by, relation, after) values (%s, 'prices', %s)", (uuid4(), after)
            )
    page = await operator.look(CHANGES)
    assert page.text.count('class="first"') == 50
    says(page, "0.00000015", "Mar 1, 2026")
    assert not [mark for mark in MARKS if mark in page.text]
    older = page.text.partition("after=")[2].partition('"')[0]
    assert (await operator.look(f"{CHANGES}?after={older}")).text.count('class="first"') == 1
