"""A server, reached by the client: its address is checked, and what goes wrong is told as of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tales.client import ClientError, Unauthenticated, checked_server
from tales.domain.errors import InvalidInput, TalesError
from tales.interfaces.cli.server_option import ChosenServer


class ServerProblem(TalesError):
    """A server could not be reached, or has refused what it was asked."""

    code = "server_problem"


def checked_address(server: ChosenServer) -> str:
    """The server's address. Raises: InvalidInput."""
    try:
        return checked_server(server.url)
    except ValueError as error:
        raise InvalidInput(server.named_by, f"{server.named_by} cannot be used: {error}") from None


@contextmanager
def client_errors() -> Iterator[None]:
    """Whatever the client raises inside leaves as the command line's own error. Raises: ServerProblem."""
    try:
        yield
    except Unauthenticated as error:
        raise ServerProblem(f"{error.message}\nSign in with: tales --server URL login ADDRESS") from None
    except ClientError as error:
        raise ServerProblem(error.message) from None
