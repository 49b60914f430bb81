"""`Tales`: version 3 of the API."""

from __future__ import annotations

from collections.abc import Generator
from typing import Self

import httpx2

from tales.client import wire
from tales.client.errors import Conflict, NotFound, Unauthenticated, UnexpectedAnswer
from tales.client.models import Me, SignedUp, Token
from tales.client.retry import Retry
from tales.client.sync.everybody import EverybodysGenerations
from tales.client.sync.family import Children, Heroes
from tales.client.sync.generations import Generations
from tales.client.sync.stories import Stories
from tales.client.sync.transport import Transport
from tales.client.tokens import MemoryTokens, Tokens, TokenStore
from tales.client.wire import Id, present


class Tales:
    """One family at one server, such as http://127.0.0.1:8000.

    `token` is an access token that the caller already has; `tokens` is where tokens are kept instead, by default in
    memory. `timeout` in seconds, to connect as for each answer; `retry` says how requests are repeated: those that
    may be sent twice without harm after a lost answer, all of them after a 429. Access tokens are renewed by
    themselves where the server gives refresh tokens. `http` is a client of one's own, with proxies or certificates;
    it is left open. Every method raises `ClientError` when it did not work.
    Raises: ValueError for an address that is none.
    """

    def __init__(
        self,
        server: str,
        *,
        token: str | None = None,
        tokens: TokenStore | None = None,
        timeout: float = 30.0,
        retry: Retry | None = None,
        http: httpx2.Client | None = None,
    ) -> None:
        kept = tokens or MemoryTokens()
        if token is not None:
            kept.write(Tokens(token))
        self._transport = Transport(server, kept, timeout, retry or Retry(), http)
        self.children = Children(self._transport)
        self.heroes = Heroes(self._transport)
        self.generations = Generations(self._transport)
        self.everybodys_generations = EverybodysGenerations(self._transport)
        self.stories = Stories(self._transport, self.generations)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._transport.server!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def sign_up(self, email: str, password: str) -> SignedUp:
        """Open an account. The next step is `sign_in`. Raises: InvalidInput, Conflict for an address that is taken."""
        body = {"email": email, "password": password}
        request = wire.Request(method="POST", path="/auth/signup", json=body, repeatable=False, signed=False)
        return wire.read(SignedUp, self._transport.send(request))

    def sign_in(self, email: str, password: str) -> None:
        """Get tokens, and keep them for all that follows. Raises: Unauthenticated, TooManyRequests."""
        form = {"grant_type": "password", "username": email, "password": password}
        request = wire.Request(method="POST", path="/auth/token", form=form, repeatable=False, signed=False)
        token = wire.read(Token, self._transport.send(request))
        self._transport.tokens.write(Tokens.received(token))

    def sign_out(self) -> None:
        """End the session, on the server as here. Nothing happens when nobody is signed in."""
        if self._transport.tokens.read() is None:
            return
        try:
            self._transport.send(wire.Request(method="POST", path="/auth/signout"))
        except (Unauthenticated, NotFound, Conflict):
            pass  # it had ended, or the token was given elsewhere
        finally:
            self._transport.tokens.write(None)

    def change_password(self, current_password: str, new_password: str) -> None:
        """Replace the password; all other sessions end. Raises: Unauthenticated, InvalidInput, TooManyRequests."""
        body = {"current_password": current_password, "new_password": new_password}
        self._transport.send(wire.Request(method="PUT", path="/auth/password", json=body, repeatable=False))

    def request_password_reset(self, email: str) -> None:
        """Have a code sent to the address, if it has an account. Raises: Conflict without mail, TooManyRequests."""
        self._send_public("/auth/password-reset", {"email": email})

    def reset_password(self, email: str, code: str, new_password: str) -> None:
        """Replace a forgotten password by the code; all sessions end. Raises: InvalidInput."""
        body = {"email": email, "code": code, "new_password": new_password}
        self._send_public("/auth/password-reset/confirm", body)

    def request_address(self, email: str, password: str) -> None:
        """Have a code sent to a new address. Raises: InvalidInput, Conflict without mail, TooManyRequests."""
        body = {"email": email, "password": password}
        self._transport.send(wire.Request(method="POST", path="/auth/address", json=body, repeatable=False))

    def change_address(self, email: str, code: str) -> None:
        """Replace the account's address by the code; all other sessions end. Raises: InvalidInput, Conflict."""
        body = {"email": email, "code": code}
        request = wire.Request(method="POST", path="/auth/address/confirm", json=body, repeatable=False)
        self._transport.send(request)

    def me(self) -> Me:
        """Who is signed in, and how much the family has. Raises: Unauthenticated."""
        return wire.read(Me, self._transport.send(wire.Request(method="GET", path="/me")))

    def export(self) -> Generator[bytes]:
        """Everything of the family's as one JSON document, in pieces as they come: write each to a file.

        It is whole when the loop ends by itself. Raises: Unauthenticated, ConnectionFailed when it breaks off.
        """
        try:
            with self._transport.stream(wire.Request(method="GET", path="/me/export")) as response:
                if not response.headers.get("Content-Type", "").startswith("application/json"):
                    raise UnexpectedAnswer("The server answers, and not with an export. Check its address.")
                yield from response.iter_bytes()
        except httpx2.HTTPError as error:
            raise wire.no_answer(error) from None

    def erase(self, password: str | None = None, *, user_id: Id | None = None) -> None:
        """Erase the account and all that is the family's, for ever; the tokens here are forgotten too.

        Asks for the password, or for the user's own id where the account is kept elsewhere (`me` tells it).
        Raises: InvalidInput when it is another one, Conflict where users are erased elsewhere, TooManyRequests.
        """
        body = present(password=password, user_id=user_id and str(user_id))
        # Not repeated by itself: who is erased is nobody to ask again.
        self._transport.send(wire.Request(method="DELETE", path="/me", json=body, repeatable=False))
        self._transport.tokens.write(None)

    def _send_public(self, path: str, body: dict[str, str]) -> None:
        self._transport.send(wire.Request(method="POST", path=path, json=body, repeatable=False, signed=False))
