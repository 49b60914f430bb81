"""What operators look at, in a real browser: every page in both themes, its charts, and a generation as it comes in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from benchmarks.history import HistoryPlan, fill_history
from playwright.async_api import Browser, expect

from tests.browser.conftest import SHOTS, Family, Site, family_at
from tests.browser.test_looks import LOOKS, look_at, name_of
from tests.fixtures.databases import Database

pytestmark = pytest.mark.asyncio(loop_scope="session")

EMPTY = ("/operator",)
PAGES = (
    "/operator",
    "/operator/models",
    "/operator/retries?attempts=1&since=365d",
    "/operator/failures?since=90d",
    "/operator/costs?since=90d",
    "/operator/prompts",
)


@pytest.fixture(scope="module")
def history(browser_database: Database) -> Database:
    """A year of other families' attempts, up to today."""
    fill_history(browser_database.owner_url, HistoryPlan(attempts=3000, seed=1, until=datetime.now(UTC).date()))
    return browser_database


async def become_admin(family: Family, database: Database) -> None:
    await family.sign_up()
    database.execute(f"update tales.accounts set is_admin = true where email = '{family.address}'")


@pytest.mark.parametrize("options", LOOKS, ids=["phone at night", "desktop by day"])
async def test_every_page(browser: Browser, site: Site, history: Database, options: dict[str, Any]) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    async with family_at(browser, site, bypass_csp=True, **options) as admin:
        await become_admin(admin, history)
        for path in PAGES:
            page = await admin.open(path)
            await page.wait_for_function(
                "[...document.querySelectorAll('[data-plot]')].every((one) => one.classList.contains('is-drawn'))"
            )
            wrong += await look_at(page, f"{options['color_scheme']}-{name_of(path.partition('?')[0])}")
        assert admin.complaints == []
    assert wrong == []


async def test_charts_are_drawn_under_the_strict_policy(family: Family, history: Database) -> None:
    await become_admin(family, history)
    page = await family.open("/operator/models?since=365d")
    await expect(page.locator(".plot.is-drawn .main-svg").first).to_be_attached()
    box = page.locator(".plot").first
    await box.hover()
    assert await box.locator(".bars .point").count() == await page.locator("#outcomes-table tbody tr").count()
