"""Who is signed in, to look at, to take along and to erase: both clients, against the real service."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx
import pytest

from tales.client import ConnectionFailed, InvalidInput, MemoryTokens, Retry, TimedOut, Unauthenticated
from tests.client.both import AnyClient, Kind, client_at, collect
from tests.client.conftest import Service
from tests.client.faults import Fault, scripted

PASSWORD = "correct horse battery"


async def signed_up(tales: AnyClient, email: str) -> None:
    """Open an account, and sign in."""
    await tales.sign_up(email, PASSWORD)
    await tales.sign_in(email, PASSWORD)


def answered(service: Service, tokens: MemoryTokens) -> object:
    """What the service itself says of who is signed in."""
    kept = tokens.read()
    assert kept is not None
    headers = {"Authorization": f"Bearer {kept.access_token}"}
    return httpx.get(f"{service.address}/api/v3/me", headers=headers).raise_for_status().json()


async def test_all_that_the_service_says_of_a_user_is_read(service: Service, kind: Kind) -> None:
    email, tokens = f"read-{kind.value}@example.org", MemoryTokens()
    async with client_at(kind, service.address, tokens=tokens) as tales:
        await signed_up(tales, email)
        await tales.children.add("Mia", 6)

        me = await tales.me()

    assert me.model_dump(mode="json") == answered(service, tokens)
    assert (me.email, me.is_admin, me.holdings.children, me.holdings.stories) == (email, False, 1, 0)


async def test_a_user_of_another_provider_has_an_id_and_no_address(tales: AnyClient) -> None:
    me = await tales.me()

    assert (me.email, me.created_at) == (None, None)
    assert me.id.version == 7


async def test_a_family_takes_everything_along(tales: AnyClient) -> None:
    child = await tales.children.add("Mia", 6)
    generation = await tales.generations.create(child_id=child.id, moral="kindness", wait=30)

    document = json.loads(b"".join(await collect(tales.export())))

    assert document["user"]["id"] == str((await tales.me()).id)
    assert [found["name"] for found in document["children"]] == ["Mia"]
    assert [found["id"] for found in document["stories"]] == [str(generation.story_id)]
    assert document["generations"][0]["attempts"][0]["full_response"]


@pytest.mark.parametrize(("fault", "error"), [(Fault.SILENCE, TimedOut), (Fault.RESET, ConnectionFailed)])
async def test_an_export_is_handed_on_as_it_comes_and_never_taken_for_whole(
    kind: Kind, fault: Fault, error: type[ConnectionFailed]
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with (
        scripted([head, b'8\r\n{"user":\r\n', 0.1, fault]) as server,
        client_at(kind, server.address, token="one", timeout=0.5, retry=Retry(times=0)) as tales,
    ):
        pieces = tales.export()

        assert await anext(pieces) == b'{"user":'
        with pytest.raises(error):
            await anext(pieces)


async def test_an_account_is_erased_with_its_password_alone(service: Service, kind: Kind) -> None:
    email, tokens = f"erased-{kind.value}@example.org", MemoryTokens()
    async with client_at(kind, service.address, tokens=tokens) as tales:
        await signed_up(tales, email)
        with pytest.raises(InvalidInput) as caught:
            await tales.erase("another password")
        assert caught.value.field == "password"
        assert (await tales.me()).email == email

        await tales.erase(PASSWORD)

        assert tokens.read() is None
        with pytest.raises(Unauthenticated):
            await tales.sign_in(email, PASSWORD)
    assert service.database.rows("select from tales.accounts where email = %s", email) == []


async def test_a_user_of_another_provider_is_erased_by_their_own_id_alone(tales: AnyClient, service: Service) -> None:
    child = await tales.children.add("Mia", 6)
    with pytest.raises(InvalidInput) as caught:
        await tales.erase(user_id=uuid4())
    assert caught.value.field == "user_id"

    await tales.erase(user_id=(await tales.me()).id)

    assert service.database.rows("select from tales.children where id = %s", child.id) == []
