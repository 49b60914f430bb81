"""The application over a real database, and families that use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import cast

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from uuid_utils.compat import uuid7

from tales.application.authenticate import Authenticate
from tales.application.change_address import ChangeAddress
from tales.application.change_password import ChangePassword
from tales.application.erase_family import EraseFamily
from tales.application.follow_generation import FollowGeneration
from tales.application.generate_story import GenerateStory
from tales.application.limit_requests import LimitRequests
from tales.application.mail_codes import MailCodes
from tales.application.manage_family import manage_children, manage_heroes
from tales.application.passwords import Passwords
from tales.application.request_generation import RequestGeneration
from tales.application.reset_password import ResetPassword
from tales.application.services import Services
from tales.application.sessions import Sessions
from tales.application.sign_in import SignIn
from tales.application.stream_events import StreamEvents
from tales.application.watch_queue import WatchQueue
from tales.application.worker import NoWorker
from tales.domain.actor import Actor
from tales.domain.repositories.attempt_queue import AttemptQueue
from tales.domain.repositories.limits import RequestRates
from tales.domain.repositories.unit_of_work import Transactions
from tales.infrastructure.auth.tokens import JwtTokens
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.events.progress_publisher import ProgressPublisher
from tales.infrastructure.ids import Uuid7Maker
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.prompts.rendering import JinjaRenderer
from tales.infrastructure.providers.completion import story_text
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tales.infrastructure.queue.request_rates import SqlRequestRates
from tales.interfaces.api.app import create_app
from tales.interfaces.web.pages import LAYERS, PAGES
from tests.factories import add_user
from tests.fixtures.time import FakeClock
from tests.interfaces.api.world import (
    MODELS,
    QUEUE,
    SECRET,
    Family,
    NoDatabase,
    NoQueue,
    NoRates,
    Silence,
    Worker,
    client_of,
)


def wired(
    transactions: Transactions,
    passwords: Passwords,
    attempts: AttemptQueue,
    hub: ProgressHub,
    rates: RequestRates,
) -> Services:
    """Every use case, as the bootstrap wires them where no worker is."""
    ids, clock = Uuid7Maker(), SystemClock()
    tokens = JwtTokens(SECRET, clock)

    async def check_ready() -> None:
        async with transactions.as_service():
            pass

    dispatcher = NoWorker(ProgressPublisher(transactions, hub, Silence()))
    request = RequestGeneration(transactions, attempts, dispatcher, ids, QUEUE, MODELS)
    follow = FollowGeneration(transactions, hub)
    return Services(
        transactions=transactions,
        clock=clock,
        request_generation=request,
        follow_generation=follow,
        generate_story=GenerateStory(transactions, request, follow),
        stream_events=StreamEvents(transactions, follow, hub, story_text),
        children=manage_children(transactions, ids),
        heroes=manage_heroes(transactions, ids),
        sign_in=SignIn(transactions, ids, passwords, clock),
        sessions=Sessions(transactions, clock, Silence()),
        change_password=ChangePassword(transactions, passwords, clock),
        reset_password=ResetPassword(transactions, passwords, MailCodes(b"a key", clock), None, clock),
        change_address=ChangeAddress(transactions, passwords, MailCodes(b"a key", clock), None, clock),
        erase_family=EraseFamily(transactions, passwords, clock),
        limit_requests=LimitRequests(rates),
        watch_queue=WatchQueue(attempts, clock),
        tokens=tokens,
        authenticate=Authenticate(tokens),
        prompt_renderer=JinjaRenderer(),
        check_ready=check_ready,
    )


@pytest.fixture
def services(
    transactions: SqlTransactions,
    clock: FakeClock,
    passwords: Passwords,
    attempt_queue: SqlAttemptQueue,
    hub: ProgressHub,
) -> Services:
    """Every use case over a real database."""
    # The database dates what is created, so that nothing ends before it began.
    clock.set(datetime.now(UTC))
    return wired(transactions, passwords, attempt_queue, hub, SqlRequestRates(transactions))


@pytest.fixture
def closed_services(passwords: Passwords) -> Services:
    """Every use case over a database that must not be asked."""
    database = NoDatabase()
    return wired(database, passwords, NoQueue(), ProgressHub(database, Silence()), NoRates())


@pytest.fixture(scope="session")
def open_and_closed() -> tuple[FastAPI, FastAPI]:
    """Two applications whose use cases each test sets: the framework takes a third of a second to make one."""
    none = cast("Services", None)
    first, second = (create_app(none, pages=PAGES, layers=LAYERS) for _ in range(2))
    return first, second


@pytest.fixture
def closed_app(open_and_closed: tuple[FastAPI, FastAPI], closed_services: Services) -> FastAPI:
    """The whole application, for requests that must not get as far as the database."""
    _, app = open_and_closed
    app.state.services = closed_services
    return app


@pytest.fixture
async def outsider(closed_app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A client without a token, whose requests must not get as far as the database."""
    async with client_of(closed_app) as client:
        yield client


@pytest.fixture
async def member(closed_app: FastAPI, closed_services: Services) -> AsyncIterator[AsyncClient]:
    """A signed-in client below /api/v3, whose requests must not get as far as the database."""
    async with client_of(closed_app, "/api/v3", closed_services.tokens.issue(Actor(uuid7()))) as client:
        yield client


@pytest.fixture
def app(open_and_closed: tuple[FastAPI, FastAPI], services: Services) -> FastAPI:
    """The whole application."""
    app, _ = open_and_closed
    app.state.services = services
    return app


@pytest.fixture
async def anyone(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A client of everything, without a token."""
    async with client_of(app) as client:
        yield client


@pytest.fixture
async def families(
    app: FastAPI,
    services: Services,
    transactions: SqlTransactions,
    attempt_queue: SqlAttemptQueue,
    hub: ProgressHub,
) -> AsyncIterator[tuple[Family, Family]]:
    """Two families that know nothing of each other; their clients begin at /api/v3."""
    async with AsyncExitStack() as stack:
        found: list[Family] = []
        for _ in range(2):
            user_id = await add_user(transactions)
            token = services.tokens.issue(Actor(user_id))
            client = await stack.enter_async_context(client_of(app, "/api/v3", token))
            found.append(Family(user_id, client, Worker(transactions, attempt_queue, hub)))
        yield found[0], found[1]


@pytest.fixture
def family(families: tuple[Family, Family]) -> Family:
    """A signed-in family."""
    return families[0]


@pytest.fixture
def stranger(families: tuple[Family, Family]) -> Family:
    """Another family."""
    return families[1]
