"""What operators look at, in a real browser: every page in both themes, its charts, and generations as they come in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from benchmarks.history import HistoryPlan, fill_history
from playwright.async_api import Browser, Page, expect
from psycopg.types.json import Jsonb

from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.interfaces.web.languages import COOKIE
from tales.interfaces.web.operator.frame import WAYS
from tests.browser.conftest import CHAIN, SHOTS, Family, Site, family_at
from tests.browser.test_looks import LONG, LOOKS, in_turn, look_at, name_of
from tests.factories import add_ended_attempt, attempt_request
from tests.fixtures.databases import Database
from tests.fixtures.rows import add_user, ended, insert, prompt_goal

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = (
    "/operator",
    "/operator/models?from=nonsense",
    "/operator/retries?attempts=1&since=365d",
    "/operator/failures?since=90d",
    "/operator/costs?since=90d",
    "/operator/budgets",
    "/operator/budgets/new",
    "/operator/budgets/prices/new",
    "/operator/prompts?since=365d",
    "/operator/prompts/new?language=de",
    "/operator/prompts/child-de-2?other=child-de-1&since=365d",
    "/operator/prompts/child-de-2/edit",
    "/operator/prompts/goals/new",
    "/operator/prompts/goals/child/de",
    "/operator/changes",
    "/operator/generations?since=24h",
    "/operator/generations/{generation}",
    "/operator/users",
    # A story has the way to these pages above it, where its reader is an admin.
    "/writing/{generation}",
)
DRAWN = "[...document.querySelectorAll('[data-plot]')].every((one) => one.classList.contains('is-drawn'))"


WEIGHTS = {"child-de-1": 100, "child-de-2": 300}
VERSION = """
    insert into tales.prompt_templates (version, story_type, language, number, template, note)
    select 'child-de-2', story_type, language, 2, replace(template, 'Gutenachtgeschichte', 'Geschichte'), %s
    from tales.prompt_templates where version = 'child-de-1'
"""
ACTIVATED = "update tales.prompt_templates set state = 'active', weight = 300 where version = 'child-de-2'"
PRICES = """
    insert into tales.prices (model, valid_from, prompt_usd_per_million, completion_usd_per_million, source)
    select format('first/model-%s', n), '2026-01-01', n * 0.05, n * 0.4, 'provider' from generate_series(1, 15) as n
"""
# Of models that no other test asks: a budget of everything would refuse those that have no price.
BUDGETS = """
    insert into tales.budgets (scope, user_id, model, period, limit_usd, warn_share)
    values ('model', null, 'first/model-1', 'month', 20, 0.8), ('model', null, 'first/model-1', 'day', 0.5, 0.8)
"""


def add_experiment(database: Database) -> None:
    """A second version in German, some generations that were drawn for one of them, prices and budgets."""
    with database.connect() as connection:
        connection.execute(VERSION, [LONG])
        for statement in (ACTIVATED, PRICES, BUDGETS):
            connection.execute(statement)
        for number in range(24):
            more: dict[str, Any] = {"error_type": "too_short"} if number % 3 == 0 else {}
            status = "failed" if more else "success"
            row = ended(add_user(connection), status, prompt_version=f"child-de-{number % 2 + 1}", **more)
            insert(connection, "generations", row)
            choice = {"generation_id": row["generation_id"], "reason": "experiment", "weights": Jsonb(WEIGHTS)}
            insert(connection, "prompt_choices", choice)
        add_goals(connection)


def add_goals(connection: psycopg.Connection[Any]) -> None:
    """A goal with a draw, and one that can do nothing."""
    child, _ = (
        insert(connection, "prompt_goals", prompt_goal(id=uuid4(), language="de", story_type=kind, models=list(models)))
        for kind, models in (("child", CHAIN), ("hero", CHAIN[1:]))
    )
    connection.execute("select tales.take_snapshots()")
    (snapshot,) = connection.execute("select id from tales.goal_snapshots where goal_id = %s", [child["id"]]).fetchall()
    now = datetime.now(UTC)
    times = {"created_at": now, "started_at": now, "completed_at": now}
    row = ended(add_user(connection), prompt_version="child-de-1", model_used=CHAIN[0], **times)
    insert(connection, "generations", row)
    choice = {"generation_id": row["generation_id"], "reason": "goal", "weights": Jsonb(WEIGHTS)}
    insert(connection, "prompt_choices", choice | {"snapshot_id": snapshot["id"]})


@pytest.fixture(scope="session")  # as its database: between tests of a module a worker may run others
def history(browser_database: Database) -> Database:
    """A year of other families' attempts, up to today."""
    fill_history(browser_database.owner_url, HistoryPlan(attempts=2000, seed=1, until=datetime.now(UTC).date()))
    add_experiment(browser_database)
    # What is put into hours that are counted already is counted when they are counted anew.
    browser_database.execute("update tales.rollup_state set complete_until = null")
    return browser_database


async def become_admin(family: Family, database: Database) -> None:
    # A browser reads 5 MB of script for the charts: on a busy machine that takes its time.
    family.page.set_default_navigation_timeout(60_000)
    await family.sign_up()
    database.execute(f"update tales.accounts set is_admin = true where email = '{family.address}'")


async def two_attempts(family: Family) -> str:
    """The id of a generation whose first attempt was cut off."""
    await family.open("/family/children/new?first=1")
    await family.add_child(LONG[:70])
    family.site.writes("sim/length")
    await family.ask()
    generation = family.page.url.rpartition("/")[2]
    await expect(family.page.get_by_role("status")).to_have_text("The story is told.")
    return generation


@pytest.mark.timeout(300)
@pytest.mark.parametrize("options", LOOKS, ids=["phone at night", "desktop by day"])
async def test_every_page(browser: Browser, site: Site, history: Database, options: dict[str, Any]) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    async with family_at(browser, site, bypass_csp=True, **options) as admin:
        await become_admin(admin, history)
        generation = await two_attempts(admin)
        transactions = site.services.transactions
        assert isinstance(transactions, SqlTransactions)
        (row,) = history.rows("select user_id from tales.accounts where email = %s", admin.address)
        await add_ended_attempt(transactions, attempt_request(row["user_id"], model_used=f"x/{'y' * 118}"))
        for path in in_turn(PAGES, options):
            page = await admin.open(path.format(generation=generation))
            await page.wait_for_function(DRAWN)
            wrong += await look_at(page, f"{options['color_scheme']}-{name_of(path.partition('?')[0])}")
    assert wrong == [], "\n".join(wrong)


async def test_charts_are_drawn_under_the_strict_policy(family: Family, history: Database) -> None:
    await become_admin(family, history)
    page = await family.open("/operator/models?since=365d")
    box = page.locator(".plot").first
    await expect(box.locator(".main-svg").first).to_be_attached()
    assert await box.locator(".bars .point").count() == await page.locator("#outcomes-table tbody tr").count()
    await box.locator(".bars .point").first.hover(force=True)
    await expect(box.locator(".hoverlayer .hovertext")).to_be_attached()
    for address, table, drawn in (
        ("/operator/budgets", "budgets", ".scatterlayer .point"),
        ("/operator/prompts?since=365d", "experiments", ".errorbar .yerror"),
    ):
        page = await family.open(address)
        await expect(page.locator(f".plot[data-table={table}-table] {drawn}").first).to_be_attached()


async def in_german(family: Family, path: str) -> Page:
    await family.context.add_cookies([{"name": COOKIE, "value": "de", "url": family.site.origin}])
    return await family.open(path)


async def test_the_ways_stand_in_one_row_on_a_phone(family: Family, browser_database: Database) -> None:
    await become_admin(family, browser_database)
    ways = (await in_german(family, "/operator/users")).get_by_role("navigation", name="Betrieb")
    tops = await ways.get_by_role("link").evaluate_all("(links) => links.map((link) => link.offsetTop)")
    assert (len(tops), len(set(tops))) == (len(WAYS), 1)
    await expect(ways.get_by_role("link", name="Benutzer")).to_be_in_viewport(ratio=0.9)
    first = ways.get_by_role("link").first
    await expect(first).not_to_be_in_viewport()
    await first.focus()
    await expect(first).to_be_in_viewport(ratio=0.9)


async def test_an_axis_is_written_as_its_table(family: Family, history: Database) -> None:
    await become_admin(family, history)
    page = await in_german(family, "/operator/costs?since=90d")
    days = page.locator(".plot[data-table=days-table]")
    await expect(days.locator(".ytick text").last).to_have_text(re.compile(r"^[\d,]+\s\$$"))
    await expect(days.locator(".xtick text").last).to_have_text(re.compile(r"^\d\d\.\d\d\.\d{4}$"))


async def test_a_generation_comes_in_by_itself(family: Family, history: Database) -> None:
    await become_admin(family, history)
    watching = await family.context.new_page()
    await watching.goto(f"{family.site.origin}/operator/generations?since=24h")
    generation = await two_attempts(family)
    row = watching.locator(f"tr:has(a[href*='{generation}'])")
    await expect(row).to_contain_text("a story")
    await row.get_by_role("link").first.click()
    await expect(watching.get_by_role("heading", name="Attempt 1 failed")).to_be_visible()
    await expect(watching.locator(".difference")).to_contain_text("Write a bedtime story")
