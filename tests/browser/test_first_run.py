"""From an empty home to a story that is read: the real server with its own database, and the model that comes along."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import PASSWORD
from tests.fixtures.environment import home_folder
from tests.fixtures.processes import COMMAND

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

MOST_SECONDS = 180
_WELCOME = re.compile(r"http://\S+/welcome\?token=\S+")


@contextmanager
def first_start(home: Path) -> Iterator[subprocess.Popen[str]]:
    """`tales serve` in a home without anything."""
    variables = os.environ | {"TALES_HOME": str(home)}
    serve = subprocess.Popen([*COMMAND, "serve", "--port", "0"], env=variables, text=True, stderr=subprocess.PIPE)
    try:
        yield serve
    finally:
        serve.send_signal(signal.SIGTERM)
        serve.communicate(timeout=60)
        subprocess.run([*COMMAND, "db", "stop"], env=variables, check=True, capture_output=True)


async def test_from_an_empty_home_to_the_first_story(browser: Browser) -> None:
    begun = time.monotonic()
    with first_start(home_folder() / "tales") as serve:
        assert serve.stderr is not None
        said = ""
        while "Tales serves" not in said:
            line = await asyncio.to_thread(serve.stderr.readline)
            assert line, said
            said += line
        welcome = _WELCOME.search(said)
        assert welcome, said
        page = await browser.new_page(viewport={"width": 360, "height": 740})
        await page.goto(welcome[0])
        await page.get_by_label("E-mail address").fill("ada@example.org")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Begin").click()
        await page.get_by_label("Name").fill("Mia")
        await page.get_by_label("Age in years").fill("6")
        await page.get_by_role("button", name="On to the story").click()
        await expect(page.locator("#small")).to_contain_text("small")
        await page.get_by_role("radio", name="1 minute", exact=True).check()
        await page.get_by_role("button", name="Tell the story").click()
        await page.get_by_role("link", name="Keep, rate and read it aloud").click(timeout=120_000)
        await page.get_by_role("link", name="How this story was made").click()
        await expect(page.locator("main")).to_contain_text("smollm2")
        taken = time.monotonic() - begun
        await page.goto(welcome[0])
        await expect(page.get_by_role("heading", name="Nothing is here")).to_be_visible()
        await page.close()
    assert taken < MOST_SECONDS
