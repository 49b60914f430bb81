"""Every page as somebody sees it: no barrier, nothing beside the screen, little to load; and a picture of each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tales.infrastructure.clock import SystemClock
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.browser.conftest import SHOTS, Family, Site, family_at
from tests.factories import add_story
from tests.fixtures.databases import Database
from tests.fixtures.depth import DEEP

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEAVIEST = 100_000
"""Bytes of a page with all that it loads, compressed."""

# As they came: compressed by the server. What the browser had already counts as well.
SIZES = """Object.fromEntries(
  [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .map(({ name, encodedBodySize }) => [name, encodedBodySize])
)"""

# A promise, because the page's policy forbids what `wait_for_function` does when it has to look twice.
FIRST_PAINT = """new Promise((resolve) => new PerformanceObserver((list, observer) => {
  for (const { startTime } of list.getEntriesByName("first-contentful-paint")) {
    observer.disconnect();
    resolve(startTime);
  }
}).observe({ type: "paint", buffered: true }))"""

# Rows of a table are alike, and axe takes seconds for hundreds of them.
SHORTEN = """
for (const row of document.querySelectorAll("tbody tr:nth-child(n + 5), .shelf li:nth-child(n + 5)")) row.remove();
"""

LOOKS: list[dict[str, Any]] = [
    {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
    {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
]
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenträgerin Wilhelmine"
ARABIC = "نور الدين عبد الرحمن"
BEFORE = ("/", "/sign-up", "/sign-in", "/forgotten", "/nowhere")
AFTER = (
    "/tonight",
    "/tonight?sequel_of={story}",
    "/library",
    "/library?q=unicorn",
    "/family",
    "/family/children/new",
    "/family/children/{child}",
    "/family/heroes/new",
    "/stories/{story}",
    "/stories/{arabic}",
    "/stories/{story}/making",
    "/writing/{failed}",
    "/me",
    "/me/address",
)


async def look_at(page: Page, name: str) -> list[str]:
    """What is wrong with the page as it stands; its picture is kept. Of long lists the first rows are left on it."""
    await page.screenshot(path=SHOTS / f"{name}.jpg", full_page=True)
    size = page.viewport_size
    assert size is not None
    await page.set_viewport_size({"width": min(size["width"], 320), "height": size["height"]})
    widest = await page.evaluate("document.documentElement.scrollWidth")
    await page.set_viewport_size(size)
    await page.evaluate(SHORTEN)
    found = await Axe().run(page)
    wrong = [
        f"{name}: {one['id']}: {node['html'][:120]}" for one in found.response["violations"] for node in one["nodes"]
    ]
    return wrong + ([f"{name}: {widest} pixels wide on a screen of 320"] if widest > 320 else [])


async def filled(family: Family, database: Database) -> dict[str, str]:
    """A family with long names, names from right to left, and a shelf of stories; the ids to look at."""
    await family.sign_up()
    empty = [f"empty{path}" for path in ("/tonight", "/library", "/family")]
    for path in empty:
        await family.open(path.removeprefix("empty"))
        await family.page.screenshot(path=SHOTS / f"{name_of(path)}.jpg", full_page=True)
    children = []
    for name in (LONG[:80], ARABIC, "Mia"):
        await family.open("/family/children/new?first=1")
        await family.add_child(name)
        children.append(family.page.url.partition("child=")[2])
    long, _, child = children
    family.site.writes("sim/401")
    await family.ask()
    failed = family.page.url.rpartition("/")[2]
    # The page comes anew when the story has failed, which would break into the way to the next one.
    await expect(family.page.locator("#writing")).not_to_be_attached()
    (row,) = database.rows("select user_id from tales.accounts where email = %s", family.address)
    engine = make_engine(database.app_url)
    transactions = SqlTransactions(engine, SystemClock())

    async def story(title: str, content: str, about: str = child) -> UUID:
        return await add_story(transactions, row["user_id"], title=title, content=content, child_id=UUID(about))

    for number in range(21):
        await story(f"Night {number}: the moon and the {'very ' * (number % 7)}small boat", "The moon shone.\n\n" * 5)
    arabic = await story("القمر والقارب الصغير", "كان يا ما كان في قديم الزمان قارب صغير يحب القمر.\n\n" * 8)
    await story("The long name", "The moon shone.", about=long)
    first = await story(f"{LONG} and the {LONG}", "Once upon a time the moon shone on the sea, and all was well. " * 30)
    await engine.dispose()
    return {"child": child, "failed": failed, "arabic": str(arabic), "story": str(first)}


def in_turn(pages: tuple[str, ...], options: dict[str, Any]) -> tuple[str, ...]:
    """Each second page, as the other look of `LOOKS` has the rest; in a deep run all of them."""
    return pages if DEEP else pages[LOOKS.index(options) :: len(LOOKS)]


def name_of(path: str) -> str:
    return path.strip("/").replace("/", "-").replace("?", "-").replace("{", "").replace("}", "") or "home"


@pytest.mark.parametrize("options", LOOKS, ids=["phone at night", "desktop by day"])
async def test_every_page(browser: Browser, site: Site, browser_database: Database, options: dict[str, Any]) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    look = options["color_scheme"]
    wrong: list[str] = []
    # The policy that lets no text become markup stops axe as well.
    async with family_at(browser, site, bypass_csp=True, **options) as family:
        for path in BEFORE:
            await family.open(path)
            wrong += await look_at(family.page, f"{look}-{name_of(path)}")
        ids = await filled(family, browser_database)
        for path in in_turn(AFTER, options):
            await family.open(path.format(**ids))
            wrong += await look_at(family.page, f"{look}-{name_of(path)}")
        await family.open(f"/stories/{ids['story']}")
        for theme in ("Sepia", "Light" if look == "dark" else "Night"):
            await family.page.get_by_role("button", name=theme, exact=True).click()
            wrong += await look_at(family.page, f"{look}-story-{theme.lower()}")
        site.writes("sim/hang")
        await family.open("/tonight")
        await family.ask()
        wrong += await look_at(family.page, f"{look}-writing")
    assert wrong == []


async def test_a_page_is_light(family: Family) -> None:
    await family.sign_up()
    await family.open("/tonight")
    loaded: dict[str, int] = await family.page.evaluate(SIZES)
    assert any(url.endswith("/style.css") for url in loaded)
    assert sum(loaded.values()) < HEAVIEST, loaded
    paints = []
    for _ in range(3):
        await family.page.reload()
        paints.append(await family.page.evaluate(FIRST_PAINT))
    assert min(paints) < 1000
