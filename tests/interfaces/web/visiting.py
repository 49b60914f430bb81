"""Somebody at a browser without scripts: pages, forms and cookies, over the whole application."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from html import unescape
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from httpx import AsyncClient, Response

from tests.interfaces.api.world import PASSWORD

ORIGIN = "http://tales.test"
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


class Visitor:
    """A browser. `token` is that of the last form it saw."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.token = ""

    async def look(self, path: str, **headers: str) -> Response:
        """Open a page."""
        answer = await self.client.get(path, headers=PAGE | headers)
        if found := _TOKEN.search(answer.text):
            self.token = unescape(found[1])
        return answer

    async def send(self, path: str, fields: dict[str, Any] | None = None, **headers: str) -> Response:
        """Send a form as a page of ours does."""
        data = {"form_token": self.token} | (fields or {})
        return await self.client.post(path, data=data, headers=PAGE | {"Origin": self.origin} | headers)

    @property
    def origin(self) -> str:
        return str(self.client.base_url).rstrip("/")

    async def sign_up(self, email: str = "ada@example.org") -> Response:
        """Open an account, and be signed in."""
        await self.look("/sign-up")
        answer = await self.send("/sign-up", {"email": email, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        await self.look("/me")
        return answer

    async def sign_in(self, email: str = "ada@example.org", password: str = PASSWORD) -> Response:
        """Begin a session."""
        await self.look("/sign-in")
        return await self.send("/sign-in", {"email": email, "password": password})

    async def add_child(self, **changes: Any) -> str:
        """The id of a new child."""
        await self.look("/family/children/new")
        fields = {"name": "Mia", "age": "6", "interests": "dragons, the sea", "first": "1"} | changes
        answer = await self.send("/family/children/new", fields)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"].partition("child=")[2]

    async def ask(self, child: str, **changes: Any) -> str:
        """The id of a new generation."""
        await self.look("/tonight")
        fields = {"child": child, "hero": "", "moral": "kindness", "minutes": "3", "language": "en"} | changes
        answer = await self.send("/tonight", fields)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"].rpartition("/")[2]


@asynccontextmanager
async def visitor_of(app: FastAPI, origin: str = ORIGIN, client: str = "127.0.0.1") -> AsyncIterator[Visitor]:
    """A new browser, at the network address `client`."""
    transport = httpx.ASGITransport(app, client=(client, 50_000))
    async with AsyncClient(transport=transport, base_url=origin) as browser:
        yield Visitor(browser)


def pages(app: FastAPI, method: str) -> Iterator[str]:
    """The addresses of the pages, or of their forms, each with an id where there is one."""
    for context in iter_route_contexts(app.routes):
        is_page = getattr(context.endpoint, "__module__", "").startswith("tales.interfaces.web.")
        if is_page and context.path and method in (context.methods or ()):
            yield re.sub(r"\{\w+\}", "01890a5d-ac96-774b-bcce-b302099a8057", context.path)
