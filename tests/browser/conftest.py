"""Debian's Chromium at a whole Tales: one browser and one server for all tests of a process, a new family for each."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tales.application.first_admin import FirstAdmin
from tales.application.services import Services
from tales.bootstrap import running_app
from tales.interfaces.api.app import create_app
from tales.interfaces.api.http_protocol import HttpProtocol
from tales.interfaces.web.pages import LAYERS, PAGES
from tales.simulator.server import running_simulator
from tests.fixtures.databases import copy_of
from tests.fixtures.server import Server
from tests.interfaces.api.serving import settings
from tests.interfaces.api.world import PASSWORD

CHROMIUM = shutil.which("chromium")
IS_WANTED = os.environ.get("TALES_TEST_BROWSER") == "always"
"""So that a run which is to test everything cannot pass by without a browser."""

SHOTS = Path(__file__).parents[2] / "build" / "pages"
QUICK = "sim/slow-4"
CHAIN = ("sim/length", QUICK)
"""A model that is cut off, then one that tells a story: what is tried after the model that a test names."""

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
_addresses = count(1)
expect.set_options(timeout=20_000)


class Relay:
    """Passes bytes between a browser and the server, until it is cut."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_cut = False
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Nothing passes any more, and nobody gets through."""
        self._is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        """Who comes from now on gets through."""
        self._is_cut = False

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self._is_cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._open |= {writer, back}
        await asyncio.gather(_pass(reader, back), _pass(there, writer))
        self._open -= {writer, back}


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@dataclass
class Site:
    """The server. `relay` stands between it and the browsers."""

    origin: str
    services: Services
    state: Any
    relay: Relay

    def writes(self, model: str) -> None:
        """What the next stories are asked of first."""
        asked = replace(self.services.request_generation, models=(model, *CHAIN))
        self.state.services = replace(self.services, request_generation=asked)


@dataclass
class Family:
    """A parent at a browser. Whatever a page complains about is kept in `complaints`."""

    page: Page
    site: Site
    context: BrowserContext
    address: str = ""
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str) -> Page:
        """A page of the site."""
        await self.page.goto(self.site.origin + path)
        return self.page

    async def sign_up(self) -> None:
        """Open an account."""
        self.address = f"ada{next(_addresses)}@example.org"
        page = await self.open("/sign-up")
        await page.get_by_label("E-mail address").fill(self.address)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Open the account").click()
        await expect(page.get_by_role("heading", name="Who is the story for?")).to_be_visible()

    async def add_child(self, name: str = "Mia") -> None:
        """Say whom the story is about, and go on to tonight's."""
        page = self.page
        await page.get_by_label("Name").fill(name)
        await page.get_by_label("Age in years").fill("6")
        await page.get_by_label("What does your child like?").fill("dragons, the sea")
        await page.get_by_role("button", name="On to the story").click()
        await expect(page.get_by_role("heading", name="Tonight's story")).to_be_visible()

    async def ask(self) -> None:
        """Ask for the story as the form stands."""
        await self.page.get_by_role("button", name="Tell the story").click()
        await self.page.wait_for_url("**/writing/*")

    async def until_told(self) -> None:
        """Wait for the story's end, and open it."""
        await self.page.get_by_role("link", name="Keep, rate and read it aloud").click()
        await expect(self.page.locator(".tale-end")).to_be_attached()

    def watch(self) -> None:
        """Note what pages complain about, and whom else they ask."""
        page = self.page
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda sent: self._note(sent.url))

    def _note(self, url: str) -> None:
        if not url.startswith(self.site.origin):
            self.complaints.append(f"asked {url}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items if CHROMIUM is None and not IS_WANTED else []:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.skip(reason="there is no Chromium: apt install chromium"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests."""
    assert CHROMIUM is not None, "there is no Chromium: apt install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS.split())
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def browser_database(server: Server, newest_template: str) -> Iterator[Any]:
    """One database for all families: none knows of the others."""
    with copy_of(server, newest_template) as database:
        yield database


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(browser_database: Any) -> AsyncIterator[Site]:
    """One server for all tests, over a provider that plays scripts."""
    async with running_simulator() as simulator:
        chosen = settings(browser_database, simulator, ",".join(CHAIN), attempt_timeout=2.0)
        async with running_app(chosen, with_worker=True) as app:
            async with _serving(app.services) as site:
                yield site
            app.close_subscriptions()


@asynccontextmanager
async def _serving(services: Services) -> AsyncIterator[Site]:
    api = create_app(services, pages=PAGES, layers=LAYERS)
    api.state.first_admin = FirstAdmin(services.transactions, services.sign_in)
    server = uvicorn.Server(
        uvicorn.Config(
            api, port=0, http=HttpProtocol, ws="none", log_config=None, lifespan="off", timeout_graceful_shutdown=1
        )
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 -- it tells nobody
        await asyncio.sleep(0.01)
    relay = Relay(server.servers[0].sockets[0].getsockname()[1])
    async with await asyncio.start_server(relay.take, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        yield Site(f"http://127.0.0.1:{port}", services, api.state, relay)
        relay.cut()
    server.should_exit = True
    await serving


@asynccontextmanager
async def family_at(browser: Browser, site: Site, **options: Any) -> AsyncIterator[Family]:
    """A parent at a new browser: on a phone, by night, unless `options` say otherwise."""
    usual = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "locale": "en-US"}
    context = await browser.new_context(**usual | options)
    context.set_default_timeout(20_000)
    family = Family(await context.new_page(), site, context)
    family.watch()
    site.writes(QUICK)
    yield family
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def family(browser: Browser, site: Site) -> AsyncIterator[Family]:
    """A parent who has just come."""
    async with family_at(browser, site) as family:
        yield family
        assert family.complaints == []
