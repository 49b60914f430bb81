"""Sends requests: signs them, asks again where that helps, renews tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from tales.client import wire
from tales.client.errors import ClientError, Problem, Unauthenticated, UnexpectedAnswer
from tales.client.models import Token
from tales.client.retry import Retry
from tales.client.sync.waiting import Lock, sleep
from tales.client.tokens import Tokens, TokenStore


class Transport:
    """The connections to one server, as one user."""

    def __init__(
        self, server: str, tokens: TokenStore, timeout: float, retry: Retry, http: httpx2.Client | None
    ) -> None:
        self.server = wire.checked_server(server)
        self.tokens = tokens
        self.retry = retry
        self._timeout = timeout
        self._http = http or httpx2.Client(verify=wire.trusted())
        self._is_our_http = http is None
        self._renewing = Lock()

    def close(self) -> None:
        """Close the connections."""
        if self._is_our_http:
            self._http.close()

    def send(self, request: wire.Request) -> httpx2.Response:
        """The answer, whole. Raises: ClientError."""
        return self._ask(request, stream=False)

    @contextmanager
    def stream(self, request: wire.Request) -> Iterator[httpx2.Response]:
        """The answer, whose body is read inside the block. Raises: ClientError."""
        response = self._ask(request, stream=True)
        try:
            yield response
        finally:
            response.close()

    def _ask(self, request: wire.Request, *, stream: bool) -> httpx2.Response:
        """Send it until there is an answer that asking again would not better."""
        repetition, renewed, perhaps_done = 0, False, False
        while True:
            tokens = self._fresh_tokens() if request.signed else None
            failure: ClientError
            wait: float | None = None
            try:
                response = self._once(request, tokens, stream=stream)
            except httpx2.HTTPError as error:
                failure = wire.no_answer(error)
                again = request.repeatable or wire.was_not_sent(error)
                perhaps_done |= not wire.was_not_sent(error)
            else:
                if response.is_success or (perhaps_done and request.is_done_by(response)):
                    return response
                failure = self._failure(response)
                again = isinstance(failure, Problem) and request.may_be_repeated(failure)
                wait = failure.retry_after if isinstance(failure, Problem) else None
                perhaps_done |= response.status_code in wire.PERHAPS_DONE
                if isinstance(failure, Unauthenticated) and tokens and tokens.refresh_token and not renewed:
                    renewed = True
                    self._renew(tokens)
                    continue
            repetition += 1
            pause = self.retry.pause(repetition, wait) if again else None
            if pause is None:
                raise failure
            sleep(pause)

    def _once(self, request: wire.Request, tokens: Tokens | None, *, stream: bool) -> httpx2.Response:
        built = self._http.build_request(
            request.method,
            f"{self.server}{wire.PREFIX}{request.path}",
            params=request.sent_query() or None,
            content=request.sent_body(),
            data=request.form,
            headers=request.sent_headers(tokens.access_token if tokens else None),
            timeout=httpx2.Timeout(self._timeout, read=self._timeout + request.patience),
        )
        with wire.quietly():
            return self._http.send(built, stream=stream, auth=None, follow_redirects=False)

    def _failure(self, response: httpx2.Response) -> ClientError:
        try:
            response.read()
        except httpx2.HTTPError as error:
            return wire.no_answer(error)
        finally:
            response.close()
        if response.status_code < 400:
            return UnexpectedAnswer(
                f"The server sends this request elsewhere ({response.status_code}). Use that address."
            )
        return wire.problem_of(response)

    def _fresh_tokens(self) -> Tokens | None:
        tokens = self.tokens.read()
        if tokens is not None and tokens.refresh_token is not None and tokens.ends_soon:
            self._renew(tokens)
            return self.tokens.read()
        return tokens

    def _renew(self, used: Tokens) -> None:
        """Trade the refresh token for new ones, unless somebody else has done it meanwhile (RFC 6749, section 6).

        It is asked for once: a refresh token that is sent a second time looks stolen.
        """
        with self._renewing:
            self._renew_alone(used)

    def _renew_alone(self, used: Tokens) -> None:
        with self.tokens.exclusive():
            current = self.tokens.read()
            if current is None or current.access_token != used.access_token or current.refresh_token is None:
                return
            form = {"grant_type": "refresh_token", "refresh_token": current.refresh_token}
            request = wire.Request(method="POST", path="/auth/token", form=form, repeatable=False, signed=False)
            try:
                response = self._ask(request, stream=False)
            except Problem as problem:
                if problem.status in {400, 401, 422}:  # it is no longer good
                    self.tokens.write(None)
                raise
            self.tokens.write(Tokens.received(wire.read(Token, response), current))
