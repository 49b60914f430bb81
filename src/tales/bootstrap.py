"""The only place that knows every part, and wires them."""

from __future__ import annotations

import asyncio
import os
import platform
import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from tales.administration.database import ready_database
from tales.administration.providers import chosen_provider
from tales.application.authenticate import Authenticate, ProvisionUser
from tales.application.background import running
from tales.application.change_address import ChangeAddress
from tales.application.change_password import ChangePassword
from tales.application.erase_family import EraseFamily
from tales.application.follow_generation import FollowGeneration
from tales.application.generate_story import GenerateStory
from tales.application.limit_requests import LimitRequests
from tales.application.mail_codes import MailCodes
from tales.application.manage_family import manage_children, manage_heroes
from tales.application.passwords import Passwords
from tales.application.ports import Dispatcher, IdMaker, Log, Mailer, ModelProvider
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
from tales.domain.errors import InvalidInput, Unavailable
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
from tales.infrastructure.mail.smtp import SmtpMailer, SmtpServer
from tales.infrastructure.postgres.database import Database, bypasses_rls
from tales.infrastructure.postgres.engine import make_engine
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
        engine = make_engine(
            database.app_url,
            behind_pooler=settings.behind_pooler,
            pool_size=settings.pool_size,
            overflow=settings.pool_overflow,
        )
        stack.push_async_callback(engine.dispose)
        secret = signing_secret(settings.home, settings.jwt_secret)
        transactions = SqlTransactions(engine, SystemClock(), address_key(secret))
        log = _log()
        hub = ProgressHub(transactions, log)
        await stack.enter_async_context(hub.running())
        publisher = ProgressPublisher(transactions, hub, log)
        await stack.enter_async_context(publisher.running())
        metrics = _metrics(engine, transactions) if settings.metrics_port is not None else None
        tracing = open_tracing(choice.endpoint.base_url if choice.endpoint else None, log)
        generation_ids: IdMaker = Uuid7Maker()
        if tracing is not None:
            await stack.enter_async_context(tracing.running())
            generation_ids = tracing.generation_ids
        listeners = [one.on_ended for one in (metrics, tracing) if one is not None]
        attempts = SqlAttemptQueue(transactions, SystemClock(), listeners)
        await stack.enter_async_context(attempts.running())
        if with_worker and not own_only:
            await asyncio.to_thread(_warn_of_database, database, log)
        info = _worker_info(settings, choice) if with_worker else None
        dispatcher: Dispatcher = NoWorker(publisher)
        on_enqueued: Callable[[], None] = _nothing
        if info is not None:
            provider, recall = await _provider(stack, settings, choice, transactions)
            policy = RetryPolicy(choice.models, settings.max_attempts)
            run = RunAttempt(
                *(attempts, provider, policy, random.uniform, Uuid7Maker(), publisher, log),
                recall=recall,
                check=_story_check(settings, choice),
            )
            reaper = Reaper(attempts, transactions, run, SystemClock(), log, settings.queue_timeout)
            worker = Worker(info, reaper, hub, own_only=own_only)
            await stack.enter_async_context(worker.running())
            dispatcher, on_enqueued = worker, worker.wake
        if not own_only:
            steps = await _upkeep(stack, transactions, choice if with_worker else None)
            await stack.enter_async_context(running(steps, log))
        await stack.enter_async_context(NoticeListener(database.queue_url, hub, on_enqueued, log).running())
        prompts = PromptWriter(transactions, JinjaRenderer(), log)
        request = RequestGeneration(
            *(transactions, attempts, dispatcher, generation_ids, choice.name, choice.models),
            *(_generation_limits(settings), choice.abilities, prompts),
        )
        mailer = await stack.enter_async_context(_mailer(settings, log))
        services = _services(settings, transactions, request, hub, await _auth(settings, secret, transactions, mailer))
        yield App(services, hub.close, database, choice, info, metrics.text if metrics else None, tracing)


async def _provider(
    stack: AsyncExitStack, settings: Settings, choice: ProviderChoice, transactions: SqlTransactions
) -> tuple[ModelProvider, Callable[[], Awaitable[None]]]:
    """Who makes the calls, and what learns anew which parameters the models refuse."""
    memory = ParameterMemory(settings.omit_parameters)
    recall = partial(ModelParameters(transactions).recall, choice.name, memory)
    await recall()
    limits = Limits(token_timeout=settings.attempt_timeout, deadline=settings.attempt_deadline)
    return await stack.enter_async_context(open_provider(choice, limits, SystemClock(), memory)), recall


async def _upkeep(
    stack: AsyncExitStack, transactions: SqlTransactions, choice: ProviderChoice | None
) -> dict[str, Callable[[], Awaitable[None]]]:
    """What is seen to in the background, by its name. `choice`: whose costs are asked for, if anybody's."""
    steps: dict[str, Callable[[], Awaitable[None]]] = {
        "rollups": KeepRollups(partial(refresh, transactions, waits=False))
    }
    if choice is not None and choice.endpoint is not None:
        lookup = await stack.enter_async_context(CostLookup(choice.endpoint))
        steps["costs"] = KeepCosts(partial(UnknownCosts(transactions, choice.name).ask, lookup.cost))
    return steps


def _metrics(engine: AsyncEngine, transactions: SqlTransactions) -> Metrics:
    """What is counted for Prometheus."""
    from tales.infrastructure.telemetry.metrics import Metrics  # noqa: PLC0415 -- its library, where that is wanted

    return Metrics(engine, transactions)


def _nothing() -> None:
    """Where no worker is, nobody has to be woken."""


def _worker_info(settings: Settings, choice: ProviderChoice) -> WorkerInfo:
    concurrency = settings.concurrency or choice.concurrency
    return WorkerInfo(Uuid7Maker().new(), choice.name, platform.node(), os.getpid(), concurrency)


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


async def _auth(settings: Settings, own_secret: str, transactions: SqlTransactions, mailer: Mailer | None) -> _Auth:
    """An outside provider where its keys are named, or where the users are another's (on Supabase)."""
    clock = SystemClock()
    expected = Expected(settings.jwt_audience, settings.jwt_issuer)
    previous = tuple(secret.get_secret_value() for secret in settings.jwt_previous_secrets)
    own = JwtTokens(own_secret, clock, expected, previous)
    codes = MailCodes(mail_code_key(own_secret), clock)
    keeps_users = await transactions.keeps_own_users()
    if settings.jwks_url is None and keeps_users:
        return _Auth(own, codes, mailer, Authenticate(own), is_external=False)
    keys = Jwks(settings.jwks_url, clock, _log()) if settings.jwks_url else None
    secrets = (settings.jwt_secret.get_secret_value(), *previous) if settings.jwt_secret else previous
    provision_user = ProvisionUser(transactions, clock) if keeps_users else None
    return _Auth(
        own,
        codes,
        mailer,
        Authenticate(OutsideTokens(expected, keys, secrets, clock), provision_user),
        is_external=True,
    )


@asynccontextmanager
async def _mailer(settings: Settings, log: Log) -> AsyncIterator[Mailer | None]:
    """What sends mail while the service runs; None where the operator has set none up. Raises: InvalidInput."""
    if settings.smtp_url is None:
        yield None
        return
    if settings.mail_from is None:
        raise InvalidInput("TALES_MAIL_FROM", "TALES_MAIL_FROM is missing. Say whom mails come from.")
    try:
        server = SmtpServer.at(settings.smtp_url.get_secret_value())
    except ValueError:
        raise InvalidInput(
            "TALES_SMTP_URL", "TALES_SMTP_URL is no URL. Write it like smtp://user:password@host:587."
        ) from None
    mailer = SmtpMailer(server, settings.mail_from, log)
    async with mailer.running():
        yield mailer


def _log() -> Log:
    log: Log = structlog.get_logger("tales").bind()
    return log


Check = Callable[[], Awaitable[None]]


def _check_ready(check_database: Check, tasks: Iterable[asyncio.Task[Any]]) -> Check:
    """Whether the database answers and everything that works in the background is still there."""
    background = [task for task in tasks if task.get_name().startswith("tales ")]

    async def check() -> None:
        if gone := [task.get_name() for task in background if task.done()]:
            raise Unavailable(f"Gone from the background: {', '.join(gone)}. Start this process again.")
        await check_database()

    return check


def _services(
    settings: Settings,
    transactions: SqlTransactions,
    request: RequestGeneration,
    hub: ProgressHub,
    auth: _Auth,
) -> Services:
    """The use cases of an application whose background is at work."""
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
        sessions=Sessions(transactions, clock, _log()),
        change_password=ChangePassword(transactions, passwords, clock),
        reset_password=ResetPassword(transactions, passwords, auth.codes, auth.mailer, clock),
        change_address=ChangeAddress(transactions, passwords, auth.codes, auth.mailer, clock),
        erase_family=EraseFamily(transactions, passwords, clock),
        limit_requests=LimitRequests(SqlRequestRates(transactions), settings.requests_per_minute or None),
        watch_queue=WatchQueue(request.attempts, clock),
        tokens=auth.tokens,
        authenticate=auth.authenticate,
        prompt_renderer=JinjaRenderer(),
        check_ready=_check_ready(transactions.check, asyncio.all_tasks()),
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


def _generation_limits(settings: Settings) -> GenerationLimits:
    return GenerationLimits(
        settings.daily_generations or None, settings.concurrent_generations or None, settings.queue_limit or None
    )
