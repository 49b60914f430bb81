"""The only place that knows every part, and wires them."""

from __future__ import annotations

import asyncio
import os
import platform
import random
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from tales.application.appoint_admin import AppointAdmin
from tales.application.authenticate import Authenticate, Newcomers
from tales.application.cancel_generation import CancelGeneration
from tales.application.change_password import ChangePassword
from tales.application.erase_family import EraseFamily
from tales.application.export_family import ExportFamily
from tales.application.find_user import FindUser
from tales.application.follow_generation import FollowGeneration
from tales.application.generate_story import GenerateStory
from tales.application.inspect_generations import InspectGenerations
from tales.application.keep_session import KeepSession
from tales.application.limit_requests import LimitRequests
from tales.application.manage_family import ManageFamily
from tales.application.migration_report import CheckOptions, Report
from tales.application.ports import Dispatcher, Log
from tales.application.read_profile import ReadProfile
from tales.application.read_reports import ReadReports
from tales.application.read_stories import ReadStories
from tales.application.reaper import Reaper
from tales.application.request_generation import RequestGeneration
from tales.application.run_attempt import RunAttempt
from tales.application.services import Services
from tales.application.sign_in import SignIn
from tales.application.stream_events import StreamEvents
from tales.application.worker import NoWorker, Worker
from tales.domain.errors import Unavailable
from tales.domain.limits import GenerationLimits
from tales.domain.repositories.attempt_queue import WorkerInfo, WorkerState
from tales.domain.retry import RetryPolicy
from tales.infrastructure.auth.claims import Expected
from tales.infrastructure.auth.jwks import Jwks
from tales.infrastructure.auth.outside_tokens import OutsideTokens
from tales.infrastructure.auth.passwords import Argon2Passwords
from tales.infrastructure.auth.secret import signing_secret
from tales.infrastructure.auth.tokens import JwtTokens
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.events.listener import NoticeListener
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.events.progress_publisher import ProgressPublisher
from tales.infrastructure.ids import Uuid7Maker
from tales.infrastructure.persistence.cluster import programs
from tales.infrastructure.persistence.database import Database, find_database, passes_policies, prepare_schema
from tales.infrastructure.persistence.embedded import allow_app_login, stop_embedded
from tales.infrastructure.persistence.engine import make_engine
from tales.infrastructure.persistence.migration.migrate import (
    ARCHIVE_TABLE,
    POINT_OF_NO_RETURN,
    Archive,
    Migration,
    Wishes,
    current_revision,
    has_legacy_stories,
    migrate_down,
    migrate_up,
    migration_status,
    newest_revision,
)
from tales.infrastructure.persistence.migration.pace import Pace
from tales.infrastructure.persistence.migration.steps import BASE
from tales.infrastructure.persistence.migration.verify import Verification, verify
from tales.infrastructure.persistence.preflight.check import check_migration as look_before
from tales.infrastructure.persistence.unit_of_work import SqlTransactions
from tales.infrastructure.persistence.urls import libpq_url
from tales.infrastructure.providers.choice import ProviderChoice, choose_provider, open_provider
from tales.infrastructure.providers.completion import story_text
from tales.infrastructure.providers.endpoint import Limits
from tales.infrastructure.providers.simulator.server import serve_simulator
from tales.infrastructure.providers.simulator.steps import steps_table
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tales.infrastructure.telemetry.logging import configure_logging
from tales.settings import Settings


@dataclass(frozen=True, slots=True)
class House:
    """Tales at work: what interfaces may ask of it. `close_subscriptions` ends all streams of events."""

    services: Services
    close_subscriptions: Callable[[], None]
    database: Database
    choice: ProviderChoice
    worker: WorkerInfo | None


@asynccontextmanager
async def open_house(settings: Settings, *, works: bool, own_only: bool = False) -> AsyncIterator[House]:
    """Everything wired over a database that is ready. `works`: with a worker inside.

    `own_only`: the worker makes the calls of the generations that are asked for here, and no others.
    Raises: Unavailable, SchemaTooOld, InvalidInput for settings that do not fit together.
    """
    choice = _choice(settings)
    database = await asyncio.to_thread(_ready_database, settings)
    async with AsyncExitStack() as stack:
        engine = make_engine(database.app_url, behind_pooler=settings.behind_pooler)
        stack.push_async_callback(engine.dispose)
        transactions = SqlTransactions(engine, SystemClock())
        log = _log()
        hub = ProgressHub(transactions, log)
        await stack.enter_async_context(hub.running())
        publisher = ProgressPublisher(transactions, hub, log)
        await stack.enter_async_context(publisher.running())
        attempts = SqlAttemptQueue(transactions, SystemClock())
        await stack.enter_async_context(attempts.running())
        if works and not own_only:
            await asyncio.to_thread(_warn_of_login, database, log)
        info = _worker_info(settings, choice) if works else None
        dispatcher: Dispatcher = NoWorker(publisher)
        on_enqueued: Callable[[], None] = _nothing
        if info is not None:
            provider = await stack.enter_async_context(open_provider(choice, _limits(settings), SystemClock()))
            policy = RetryPolicy(choice.models, settings.max_attempts)
            run = RunAttempt(attempts, provider, policy, random.uniform, Uuid7Maker(), publisher, log)
            reaper = Reaper(attempts, transactions, run, SystemClock(), log)
            worker = Worker(info, reaper, hub, own_only=own_only)
            await stack.enter_async_context(worker.running())
            dispatcher, on_enqueued = worker, worker.wake
        await stack.enter_async_context(NoticeListener(database.queue_url, hub, on_enqueued, log).running())
        limits = GenerationLimits(settings.daily_generations, settings.concurrent_generations)
        request = RequestGeneration(
            transactions, attempts, dispatcher, Uuid7Maker(), choice.name, choice.models, limits
        )
        services = _services(settings, transactions, request, hub, await _who_signs_in(settings, transactions))
        yield House(services, hub.close, database, choice, info)


def _nothing() -> None:
    """Where no worker is, nobody has to be woken."""


def _worker_info(settings: Settings, choice: ProviderChoice) -> WorkerInfo:
    concurrency = settings.concurrency or choice.concurrency
    return WorkerInfo(Uuid7Maker().new(), choice.name, platform.node(), os.getpid(), concurrency)


def _ready_database(settings: Settings) -> Database:
    database = _find(settings)
    prepare_schema(database)
    return database


def _warn_of_login(database: Database, log: Log) -> None:
    if passes_policies(database.app_url):
        log.warning("this login could go round row-level security", advice="sign in as tales_app (see the README)")


@dataclass(frozen=True, slots=True)
class _SigningIn:
    """Who signs users in: Tales itself, or an outside provider."""

    tokens: JwtTokens
    authenticate: Authenticate
    is_elsewhere: bool


async def _who_signs_in(settings: Settings, transactions: SqlTransactions) -> _SigningIn:
    """An outside provider where its keys are named, or where the users are another's (on Supabase)."""
    clock = SystemClock()
    expected = Expected(settings.jwt_audience, settings.jwt_issuer)
    own = JwtTokens(signing_secret(settings.home, settings.jwt_secret), clock, expected)
    keeps_users = await transactions.keeps_own_users()
    if settings.jwks_url is None and keeps_users:
        return _SigningIn(own, Authenticate(own), is_elsewhere=False)
    keys = Jwks(settings.jwks_url, clock, _log()) if settings.jwks_url else None
    secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
    newcomers = Newcomers(transactions, clock) if keeps_users else None
    return _SigningIn(own, Authenticate(OutsideTokens(expected, keys, secret, clock), newcomers), is_elsewhere=True)


def _log() -> Log:
    log: Log = structlog.get_logger("tales")
    return log


def _services(
    settings: Settings, transactions: SqlTransactions, request: RequestGeneration, hub: ProgressHub, auth: _SigningIn
) -> Services:
    ids, clock, passwords = Uuid7Maker(), SystemClock(), Argon2Passwords()
    follow = FollowGeneration(transactions, hub)
    read = ReadStories(transactions)
    return Services(
        request_generation=request,
        follow_generation=follow,
        generate_story=GenerateStory(request, follow, read),
        inspect_generations=InspectGenerations(transactions),
        stream_events=StreamEvents(transactions, follow, hub, story_text),
        cancel_generation=CancelGeneration(transactions),
        read_stories=read,
        manage_family=ManageFamily(transactions, ids),
        sign_in=SignIn(transactions, ids, passwords, clock),
        keep_session=KeepSession(transactions, clock, _log()),
        change_password=ChangePassword(transactions, passwords, clock),
        appoint_admin=AppointAdmin(transactions),
        find_user=FindUser(transactions),
        read_profile=ReadProfile(transactions),
        export_family=ExportFamily(transactions),
        erase_family=EraseFamily(transactions, passwords, clock),
        read_reports=ReadReports(transactions, clock),
        limit_requests=LimitRequests(transactions, settings.requests_per_minute),
        tokens=auth.tokens,
        authenticate=auth.authenticate,
        check_ready=transactions.check,
        signs_in_elsewhere=auth.is_elsewhere,
    )


def _choice(settings: Settings) -> ProviderChoice:
    return choose_provider(
        openrouter_api_key=settings.openrouter_api_key,
        llm_base_url=settings.llm_base_url,
        llm_api_key=settings.llm_api_key,
        local_model=settings.local_model,
        models=settings.models,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(token_timeout=settings.attempt_timeout, deadline=settings.attempt_deadline)


# Administration: what the command line asks for beside the use cases.


def start_logging(level: str) -> None:
    """Log to standard error from `level` on."""
    configure_logging(level)


def owner_url(settings: Settings) -> str:
    """The URL of the database's owner. The embedded server is started; an empty database gets its schema."""
    database = _find(settings)
    if current_revision(database.owner_url) == BASE:
        prepare_schema(database)
    return libpq_url(database.owner_url)


def psql_program() -> str:
    """The machine's psql, or the one that comes with the embedded server."""
    return shutil.which("psql") or str(programs() / "psql")


def stop_database(settings: Settings) -> bool:
    """Stop the embedded server; False when it did not run."""
    return stop_embedded(settings.home)


async def list_workers(settings: Settings) -> tuple[WorkerState, ...]:
    """The workers that are alive, or were a while ago."""
    database = await asyncio.to_thread(_ready_database, settings)
    engine = make_engine(database.app_url, behind_pooler=settings.behind_pooler)
    try:
        return await SqlAttemptQueue(SqlTransactions(engine, SystemClock()), SystemClock()).workers()
    finally:
        await engine.dispose()


def list_migrations(settings: Settings) -> tuple[Migration, ...]:
    """Every migration there is, in order."""
    return migration_status(_find(settings).owner_url)


def wishes_for(
    choices: Mapping[str, str],
    report: Callable[[str, int], None],
    *,
    until_expand: bool,
    consents: bool,
    max_rate: float | None,
) -> Wishes:
    """How a migration is to go. `max_rate` in stories a second."""
    pace = Pace(max_rate=max_rate)
    return Wishes(choices, until_expand=until_expand, relax=consents, pace=pace, report=report)


def check_migration(settings: Settings, options: CheckOptions) -> Report:
    """Look at a legacy database before it is migrated; nothing is written. Raises: UnknownShape, Unavailable."""
    return look_before(_find(settings).owner_url, options)


def check_moved_stories(settings: Settings) -> Verification:
    """Whether every story is linked to the attempt that wrote it, and the same as before."""
    return verify(_find(settings).owner_url)


def bring_up(settings: Settings, to: str | None, wishes: Wishes) -> str:
    """Migrate up. The migration that the database stands at then."""
    database = _find(settings)
    migrate_up(database.owner_url, to, wishes)
    if database.is_embedded:
        allow_app_login(database.owner_url)
    return current_revision(database.owner_url)


def ends_the_old_application(settings: Settings, to: str | None) -> bool:
    """Whether migrating up to `to` goes past the point from which an application that has written stories fails."""
    return (to or newest_revision()) >= POINT_OF_NO_RETURN[0] and has_legacy_stories(_find(settings).owner_url)


def take_down(settings: Settings, to: str, archive: str | None) -> tuple[str, tuple[str, ...]]:
    """Migrate down; `archive` is "table" or a file. The migration reached, and what could not be made as it was."""
    database = _find(settings)
    place: Archive | None = ARCHIVE_TABLE if archive == ARCHIVE_TABLE else Path(archive) if archive else None
    warnings = migrate_down(database.owner_url, to, place)
    return current_revision(database.owner_url), warnings


async def simulate(host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Run the provider simulator; `on_ready` is told its base URL. Raises: Unavailable when the port is taken."""
    try:
        await serve_simulator(host, port, lambda simulator: on_ready(simulator.url))
    except OSError as error:
        raise Unavailable(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --port.") from None


def simulator_steps() -> str:
    """The steps that a simulated model's name is made of, as a table."""
    return steps_table()


def _find(settings: Settings) -> Database:
    return find_database(settings.home, settings.database_url, settings.queue_database_url)
