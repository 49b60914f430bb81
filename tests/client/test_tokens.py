"""Tokens are renewed once for all who wait, and what cannot be renewed is given up."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import parse_qs
from uuid import UUID

import pytest

from tales.client import ConnectionFailed, MemoryTokens, Retry, Tokens, Unauthenticated
from tests.client.both import Kind, client_at
from tests.client.faults import Answer, Asked, Fault, answer, problem, scripted

ID = UUID("019d0000-0000-7000-8000-000000000001")
CHILD = answer(200, {"id": str(ID), "name": "Mia", "age": 6})
REFUSED = problem(401, "not_signed_in")


class Rotating:
    """Takes the newest access token alone, and gives a pair of tokens for the newest refresh token, once.

    It does so at once, and answers after `pause` seconds: time enough for another one to use the token again.
    """

    def __init__(self, pause: float = 0.2) -> None:
        self._pause = pause
        self.generation = 1
        self.reused = False

    def __call__(self, asked: Asked) -> Answer:
        if "/auth/token" not in asked.line:
            return CHILD if asked.headers.get("authorization") == f"Bearer access-{self.generation}" else REFUSED
        form = parse_qs(asked.body.decode())
        assert form["grant_type"] == ["refresh_token"]
        if form["refresh_token"] != [f"refresh-{self.generation}"]:
            self.reused = True
            return REFUSED
        self.generation += 1
        names = {"access_token": f"access-{self.generation}", "refresh_token": f"refresh-{self.generation}"}
        return [self._pause, *answer(200, names | {"token_type": "bearer", "expires_in": 3600})]


def kept(expires_in: float | None = None) -> MemoryTokens:
    """Tokens of a session that has been going on for a while: the access token is no longer good."""
    return MemoryTokens(Tokens("access-0", "refresh-1", None if expires_in is None else time.time() + expires_in))


async def test_a_token_that_is_no_longer_good_is_renewed_and_the_request_sent_again(kind: Kind) -> None:
    tokens = kept()
    async with scripted(decide=Rotating()) as server, client_at(kind, server.address, tokens=tokens) as tales:
        assert (await tales.children.get(ID)).name == "Mia"

    assert [asked.line.split()[1] for asked in server.asked] == [
        f"/api/v3/children/{ID}",
        "/api/v3/auth/token",
        f"/api/v3/children/{ID}",
    ]
    assert tokens.read() == Tokens("access-2", "refresh-2", pytest.approx(time.time() + 3600, abs=60))


async def test_a_token_that_ends_soon_is_renewed_before_it_is_sent(kind: Kind) -> None:
    async with scripted(decide=Rotating()) as server, client_at(kind, server.address, tokens=kept(5)) as tales:
        await tales.children.get(ID)

    assert len(server.asked) == 2
    assert "/auth/token" in server.asked[0].line
    assert "authorization" not in server.asked[0].headers


async def test_twenty_requests_at_once_renew_once(kind: Kind) -> None:
    rotating = Rotating()
    async with scripted(decide=rotating) as server, client_at(kind, server.address, tokens=kept()) as tales:
        children = await asyncio.gather(*(tales.children.get(ID) for _ in range(20)))

    assert len(children) == 20
    assert (rotating.generation, rotating.reused) == (2, False)


async def test_what_cannot_be_renewed_is_given_up_and_not_tried_again(kind: Kind) -> None:
    tokens = MemoryTokens(Tokens("access-0", "stolen"))
    async with scripted(decide=Rotating()) as server, client_at(kind, server.address, tokens=tokens) as tales:
        for _ in range(2):
            with pytest.raises(Unauthenticated):
                await tales.children.get(ID)

    assert tokens.read() is None
    assert sum("/auth/token" in asked.line for asked in server.asked) == 1


async def test_a_refresh_whose_answer_was_lost_is_not_sent_a_second_time(kind: Kind) -> None:
    lost: Answer = [Fault.RESET]
    async with (
        scripted(REFUSED, lost) as server,
        client_at(kind, server.address, tokens=kept(), retry=Retry(base=0.01)) as tales,
    ):
        with pytest.raises(ConnectionFailed):
            await tales.children.get(ID)

    assert len(server.asked) == 2


async def test_a_renewal_that_is_refused_again_at_once_ends(kind: Kind) -> None:
    def decide(asked: Asked) -> Answer:
        return answer(200, {"access_token": "a", "refresh_token": "r"}) if "/auth/" in asked.line else REFUSED

    async with scripted(decide=decide) as server, client_at(kind, server.address, tokens=kept()) as tales:
        with pytest.raises(Unauthenticated):
            await tales.children.get(ID)

    assert len(server.asked) == 3
