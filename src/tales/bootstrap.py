"""The only place that knows every part, and wires them."""

from __future__ import annotations

import asyncio
import os
import platform
import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from tales.administration.database import ready_database
from tales.administration.providers import chosen_provider
from tales.administration.transactions import open_engine
from tales.application.authenticate import Authenticate, ProvisionUser
from tales.application.background import check_background, running
from tales.application.change_address import ChangeAddress
from tales.application.change_password import ChangePassword
from tales.application.erase_family import EraseFamily
from tales.application.follow_generation import FollowGeneration
from tales.application.generate_story import GenerateStory
from tales.application.limit_requests import LimitRequests
from tales.application.mail_codes import MailCodes
from tales.application.manage_family import manage_children, manage_heroes
from tales.application.passwords import Passwords
from tales.application.ports import Dispatcher, Log, Mailer
from tales.application.reaper import Reaper
from tales.application.request_generation import RequestGeneration
from tales.application.reset_password import ResetPassword
from tales.application.run_attempt import RunAttempt
from tales.application.services import Services
from tales.application.sessions import Sessions
from tales.application.sign_in import SignIn
from tales.application.stream_events import OpenStreams, StreamEvents
from tales.application.upkeep import KeepCosts, KeepRollups
from tales.application.watch_queue import WatchQueue
from tales.application.worker import NoWorker, Worker
from tales.application.write_prompt import PromptWriter
from tales.domain.failures import CHECKED_KINDS, FailureKind
from tales.domain.limits import GenerationLimits, StreamLimits
from tales.domain.repositories.attempt_queue import WorkerInfo
from tales.domain.retry import RetryPolicy
from tales.domain.story_rules import StoryCheck
from tales.infrastructure.auth.claims import Expected
from tales.infrastructure.auth.jwks import Jwks
from tales.infrastructure.auth.outside_tokens import OutsideTokens
from tales.infrastructure.auth.password_rules import StandardPasswordRules
from tales.infrastructure.auth.passwords import Argon2Passwords
from tales.infrastructure.auth.secret import address_key, mail_code_key, signing_secret
from tales.infrastructure.auth.tokens import JwtTokens
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.events.listener import NoticeListener, refuse_pooler
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.events.progress_publisher import ProgressPublisher
from tales.infrastructure.ids import Uuid7Maker
from tales.infrastructure.mail.smtp import open_mailer
from tales.infrastructure.postgres.database import Database, bypasses_rls
from tales.infrastructure.postgres.open_schema import find_open_schema
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.prompts.rendering import JinjaRenderer
from tales.infrastructure.providers.choice import ProviderChoice, open_provider
from tales.infrastructure.providers.completion import story_text
from tales.infrastructure.providers.cost_lookup import CostLookup
from tales.infrastructure.providers.endpoint import Limits
from tales.infrastructure.providers.parameters import ParameterMemory
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tales.infrastructure.queue.request_rates import SqlRequestRates
from tales.infrastructure.repositories.model_parameters import ModelParameters
from tales.infrastructure.repositories.rollups import refresh
from tales.infrastructure.repositories.unknown_costs import UnknownCosts
from tales.infrastructure.stories.languages import LanguageDetector
from tales.infrastructure.stories.words import UnsuitableWords
from tales.infrastructure.telemetry.logging import configure_logging
from tales.infrastructure.telemetry.trace_exporter import open_tracing
from tales.settings import Settings

if TYPE_CHECKING:
    from tales.infrastructure.telemetry.metrics import Metrics
    from tales.infrastructure.telemetry.tracing import Tracing


@dataclass(frozen=True, slots=True)
class App:
    """Tales as it runs: what interfaces may ask of it. `close_subscriptions` ends all streams of events."""

    services: Services
    close_subscriptions: Callable[[], None]
    database: Database
    choice: ProviderChoice
    worker: WorkerInfo | None
    metrics: Callable[[], Awaitable[bytes]] | None = None
    tracing: Tracing | None = None


def start_logging(level: str) -> None:
    """Log to standard error from `level` on."""
    configure_logging(level)


@asynccontextmanager
async def running_app(settings: Settings, *, with_worker: bool, own_only: bool = False) -> AsyncIterator[App]:
    """Everything wired over a database that is ready. `with_worker`: it makes calls as well.

    `own_only`: the worker makes the calls of the generations that are asked for here, and no others.
    Raises: Unavailable, SchemaTooOld, InvalidInput for settings that do not fit together.
    """
    choice = chosen_provider(settings)
    database = await asyncio.to_thread(ready_database, settings)
    if not database.is_embedded:
        await refuse_pooler(database.queue_url)
    async with AsyncExitStack() as stack:
        # Each needs those before it, and ends before them: what a worker saves at its end is still told to everybody.
        start = stack.enter_async_context
        base = await start(_running_base(settings, choice, database))
        worker = await start(_running_worker(base, own_only=own_only)) if with_worker else None
        if not own_only:
            await start(_running_upkeep(base, asks_for_costs=with_worker))
        on_enqueued = worker.wake if worker else _nothing
        await start(NoticeListener(database.queue_url, base.hub, on_enqueued, base.log).running())
        mailer = await start(open_mailer(settings.smtp_url, settings.mail_from, base.log))
        request = _request_generation(base, worker or NoWorker(base.publisher))
        yield App(
            services=_services(base, request, await _auth(base, mailer)),
            close_subscriptions=base.hub.close,
            database=database,
            choice=choice,
            worker=worker.info if worker else None,
            metrics=base.metrics.text if base.metrics else None,
            tracing=base.tracing,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """What all else works with: the database's rows, the queue of attempts, and who learns how those go."""

    settings: Settings
    choice: ProviderChoice
    database: Database
    secret: str
    log: Log
    transactions: SqlTransactions
    hub: ProgressHub
    publisher: ProgressPublisher
    attempts: SqlAttemptQueue
    metrics: Metrics | None
    tracing: Tracing | None


@asynccontextmanager
async def _running_base(settings: Settings, choice: ProviderChoice, database: Database) -> AsyncIterator[_Base]:
    log: Log = structlog.get_logger("tales").bind()
    secret = signing_secret(settings.home, settings.jwt_secret)
    async with open_engine(settings, database) as engine, AsyncExitStack() as stack:
        transactions = SqlTransactions(engine, SystemClock(), address_key(secret))
        hub = ProgressHub(transactions, log)
        await stack.enter_async_context(hub.running())
        publisher = ProgressPublisher(transactions, hub, log)
        await stack.enter_async_context(publisher.running())
        metrics = _metrics(engine, transactions) if settings.metrics_port is not None else None
        tracing = open_tracing(choice.endpoint.base_url if choice.endpoint else None, log)
        if tracing is not None:
            await stack.enter_async_context(tracing.running())
        listeners = [watcher.on_ended for watcher in (metrics, tracing) if watcher is not None]
        attempts = SqlAttemptQueue(transactions, SystemClock(), listeners)
        await stack.enter_async_context(attempts.running())
        yield _Base(
            settings=settings,
            choice=choice,
            database=database,
            secret=secret,
            log=log,
            transactions=transactions,
            hub=hub,
            publisher=publisher,
            attempts=attempts,
            metrics=metrics,
            tracing=tracing,
        )


@asynccontextmanager
async def _running_worker(base: _Base, *, own_only: bool) -> AsyncIterator[Worker]:
    settings, choice = base.settings, base.choice
    if not own_only:
        await asyncio.to_thread(_warn_of_database, base.database, base.log)
    memory = ParameterMemory(settings.omit_parameters)
    recall = partial(ModelParameters(base.transactions).recall, choice.name, memory)
    await recall()
    limits = Limits(token_timeout=settings.attempt_timeout, deadline=settings.attempt_deadline)
    async with open_provider(choice, limits, SystemClock(), memory) as provider:
        run = RunAttempt(
            queue=base.attempts,
            provider=provider,
            policy=RetryPolicy(choice.models, settings.max_attempts),
            jitter=random.uniform,
            ids=Uuid7Maker(),
            publisher=base.publisher,
            log=base.log,
            recall=recall,
            check=_story_check(settings, choice),
        )
        concurrency = settings.concurrency or choice.concurrency
        info = WorkerInfo(Uuid7Maker().new(), choice.name, platform.node(), os.getpid(), concurrency)
        reaper = Reaper(base.attempts, base.transactions, run, SystemClock(), base.log, settings.queue_timeout)
        worker = Worker(info, reaper, base.hub, own_only=own_only)
        async with worker.running():
            yield worker


@asynccontextmanager
async def _running_upkeep(base: _Base, *, asks_for_costs: bool) -> AsyncIterator[None]:
    """What is seen to in the background, by its name."""
    steps: dict[str, Callable[[], Awaitable[None]]] = {
        "rollups": KeepRollups(partial(refresh, base.transactions, waits=False))
    }
    async with AsyncExitStack() as stack:
        if asks_for_costs and base.choice.endpoint is not None:
            lookup = await stack.enter_async_context(CostLookup(base.choice.endpoint))
            steps["costs"] = KeepCosts(partial(UnknownCosts(base.transactions, base.choice.name).ask, lookup.cost))
        await stack.enter_async_context(running(steps, base.log))
        yield


def _metrics(engine: AsyncEngine, transactions: SqlTransactions) -> Metrics:
    """What is counted for Prometheus."""
    from tales.infrastructure.telemetry.metrics import Metrics  # noqa: PLC0415 -- its library, where that is wanted

    return Metrics(engine, transactions)


def _nothing() -> None:
    """Where no worker is, nobody has to be woken."""


def _warn_of_database(database: Database, log: Log) -> None:
    if bypasses_rls(database.app_url):
        log.warning("this login could go round row-level security", advice="sign in as tales_app (see the README)")
    if found := find_open_schema(database.queue_url):
        log.warning("others may create in schema public, which is searched by default", advice=found.statement)


@dataclass(frozen=True, slots=True)
class _Auth:
    """Who signs users in: Tales itself, or an outside provider."""

    tokens: JwtTokens
    codes: MailCodes
    mailer: Mailer | None
    authenticate: Authenticate
    is_external: bool


async def _auth(base: _Base, mailer: Mailer | None) -> _Auth:
    """An outside provider where its keys are named, or where the users are another's (on Supabase)."""
    settings, clock = base.settings, SystemClock()
    expected = Expected(settings.jwt_audience, settings.jwt_issuer)
    previous = tuple(secret.get_secret_value() for secret in settings.jwt_previous_secrets)
    own = JwtTokens(base.secret, clock, expected, previous)
    codes = MailCodes(mail_code_key(base.secret), clock)
    keeps_users = await base.transactions.keeps_own_users()
    if settings.jwks_url is None and keeps_users:
        return _Auth(own, codes, mailer, Authenticate(own), is_external=False)
    keys = Jwks(settings.jwks_url, clock, base.log) if settings.jwks_url else None
    secrets = (settings.jwt_secret.get_secret_value(), *previous) if settings.jwt_secret else previous
    provision_user = ProvisionUser(base.transactions, clock) if keeps_users else None
    return _Auth(
        own,
        codes,
        mailer,
        Authenticate(OutsideTokens(expected, keys, secrets, clock), provision_user),
        is_external=True,
    )


def _request_generation(base: _Base, dispatcher: Dispatcher) -> RequestGeneration:
    settings, choice = base.settings, base.choice
    return RequestGeneration(
        transactions=base.transactions,
        attempts=base.attempts,
        dispatcher=dispatcher,
        ids=base.tracing.generation_ids if base.tracing else Uuid7Maker(),
        queue=choice.name,
        models=choice.models,
        limits=GenerationLimits(
            settings.daily_generations or None, settings.concurrent_generations or None, settings.queue_limit or None
        ),
        abilities=choice.abilities,
        prompts=PromptWriter(base.transactions, JinjaRenderer(), base.log),
    )


def _services(base: _Base, request: RequestGeneration, auth: _Auth) -> Services:
    """The use cases of an application whose background is at work."""
    settings, transactions, hub = base.settings, base.transactions, base.hub
    ids, clock = Uuid7Maker(), SystemClock()
    passwords = Passwords(Argon2Passwords(), StandardPasswordRules(), settings.password_min_length)
    follow = FollowGeneration(transactions, hub)
    return Services(
        transactions=transactions,
        clock=clock,
        request_generation=request,
        follow_generation=follow,
        generate_story=GenerateStory(transactions, request, follow),
        stream_events=StreamEvents(
            transactions,
            follow,
            hub,
            story_text,
            open_streams=OpenStreams(StreamLimits(settings.streams_per_user, settings.max_streams)),
        ),
        children=manage_children(transactions, ids),
        heroes=manage_heroes(transactions, ids),
        sign_in=SignIn(transactions, ids, passwords, clock),
        sessions=Sessions(transactions, clock, base.log),
        change_password=ChangePassword(transactions, passwords, clock),
        reset_password=ResetPassword(transactions, passwords, auth.codes, auth.mailer, clock),
        change_address=ChangeAddress(transactions, passwords, auth.codes, auth.mailer, clock),
        erase_family=EraseFamily(transactions, passwords, clock),
        limit_requests=LimitRequests(SqlRequestRates(transactions), settings.requests_per_minute or None),
        watch_queue=WatchQueue(base.attempts, clock),
        tokens=auth.tokens,
        authenticate=auth.authenticate,
        prompt_renderer=JinjaRenderer(),
        check_ready=check_background(asyncio.all_tasks(), then=transactions.check),
        external_auth=auth.is_external,
    )


def _story_check(settings: Settings, choice: ProviderChoice) -> StoryCheck:
    words = UnsuitableWords(settings.unsuitable_words, settings.suitable_words)
    checks: Collection[str] = settings.story_checks if settings.story_checks is not None else choice.story_checks
    off = [kind for kind in CHECKED_KINDS if kind not in checks]
    languages = LanguageDetector()
    if FailureKind.WRONG_LANGUAGE not in off:
        # While the first answer is waited for; a check that comes sooner waits for it.
        threading.Thread(target=languages.load, name="tales languages", daemon=True).start()
    return StoryCheck(languages.speaks, words.are_in, off)
