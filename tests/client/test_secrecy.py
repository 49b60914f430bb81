"""No token, password or word of a family leaves a client but to its server."""

from __future__ import annotations

import logging

import pytest

from tales.client import AsyncTales, ConnectionFailed, InvalidInput, Tales, Tokens
from tales.client.models import Token
from tests.client.both import Kind, client_at, collect
from tests.client.faults import Fault, answer, problem, scripted

TOKEN = answer(200, {"access_token": "acc3ss", "refresh_token": "r3fresh", "expires_in": 3600})
EMPTY = answer(200, {"items": [], "next_cursor": None})


async def test_nothing_is_logged_of_what_is_sent_or_answered(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refused = problem(422, "invalid_input")
    async with scripted(TOKEN, EMPTY, refused, [Fault.RESET]) as server, client_at(kind, server.address) as tales:
        await tales.sign_in("ada@example.org", "passw0rd")
        await collect(tales.stories.list(q="Mia"))
        with pytest.raises(InvalidInput):
            await tales.heroes.add("Mia")
        with pytest.raises(ConnectionFailed) as caught:
            await tales.heroes.add("Mia")

    said = caplog.text + repr(caught.value) + str(caught.value)
    assert len(server.asked) == 4
    assert not any(word in said for word in ("Mia", "acc3ss", "r3fresh", "passw0rd", "ada@"))


@pytest.mark.parametrize("client", [Tales, AsyncTales])
def test_a_repr_names_the_server_and_no_token(client: type[Tales | AsyncTales]) -> None:
    assert repr(client("http://127.0.0.1:1/api/v3/", token="t0k3n")) == f"{client.__name__}('http://127.0.0.1:1')"
    assert "t0k3n" not in repr(Tokens("t0k3n", "t0k3n")) + repr(Token(access_token="t0k3n", refresh_token="t0k3n"))


@pytest.mark.parametrize(
    "address",
    ["", "example.org", "ftp://example.org", "http://", "http://ada:s3cret@example.org", "http://a:b/", "http://a?x"],
)
def test_an_address_that_is_none_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ValueError, match="address") as caught:
        Tales(address)

    assert "s3cret" not in str(caught.value)
