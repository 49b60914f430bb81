"""Where a command works: in this process, or at a server. What the other one needs is not imported."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from tales.domain.errors import Unauthenticated
from tales.interfaces.cli.server_option import ChosenServer
from tales.settings import Settings

if TYPE_CHECKING:
    from tales.client import AsyncTales, TokenStore

T = TypeVar("T")


@asynccontextmanager
async def open_client(server: ChosenServer | None, settings: Settings) -> AsyncIterator[AsyncTales]:
    """A client of `server`, as the family that has signed in there; or of this process, as the machine's own user.

    Raises: Unauthenticated when nobody has signed in, InvalidInput, ServerProblem, and what stops this process.
    """
    from tales.interfaces.cli.reaching import checked_address, client_errors

    if server is None:
        from tales.interfaces.cli.in_process import local_client

        opened: AbstractAsyncContextManager[AsyncTales] = local_client(settings)
    else:
        from tales.client import AsyncTales

        address = checked_address(server)
        opened = AsyncTales(address, tokens=_tokens(address, settings))
    with client_errors():
        async with opened as tales:
            yield tales


async def first(found: AsyncGenerator[T], most: int) -> list[T]:
    """The first `most` of a list; no page behind them is asked for."""
    taken: list[T] = []
    async with aclosing(found):
        async for item in found:
            taken.append(item)
            if len(taken) == most:
                break
    return taken


def _tokens(address: str, settings: Settings) -> TokenStore:
    """What `tales login` or TALES_TOKEN has left. Raises: Unauthenticated."""
    from tales.client import MemoryTokens, Tokens
    from tales.interfaces.cli.token_store import KeptTokens

    if settings.token is not None:
        return MemoryTokens(Tokens(settings.token.get_secret_value()))
    kept = KeptTokens(settings.home, address)
    if kept.read() is None:
        raise Unauthenticated(
            f"Nobody is signed in at {address}. Sign in first: tales --server {address} login ADDRESS"
        )
    return kept
