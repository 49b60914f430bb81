"""What the command line asks for beside the use cases: the database, its schema, what it holds, the simulator.

Each function imports what it needs: `tales db stop` waits neither for the migrations nor for the application.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tales.settings import Settings

if TYPE_CHECKING:
    from tales.application.ports import TemplateRenderer
    from tales.domain.model_parameters import KnownModel
    from tales.domain.report_filters import ReportFilter
    from tales.domain.repositories.attempt_queue import WorkerState
    from tales.infrastructure.backup.contents import Contents
    from tales.infrastructure.export.tables import Export
    from tales.infrastructure.migrations.migrate import Migration
    from tales.infrastructure.postgres.database import Database
    from tales.infrastructure.postgres.open_schema import OpenSchema
    from tales.infrastructure.postgres.unit_of_work import SqlTransactions
    from tales.infrastructure.providers.choice import ProviderChoice
    from tales.legacy.migrate import Archive, MigrationOptions
    from tales.legacy.report import CheckOptions, Report
    from tales.legacy.verify import Verification


def start_logging(level: str) -> None:
    """Log to standard error from `level` on."""
    from tales.infrastructure.telemetry.logging import configure_logging

    configure_logging(level)


def find_database(settings: Settings) -> Database:
    """The database; the embedded server is started. Whatever schema it has is left alone."""
    from tales.infrastructure.postgres.database import find_database

    return find_database(settings.home, settings.database_url, settings.queue_database_url)


def ready_database(settings: Settings) -> Database:
    """The database with the schema that this version needs; an empty one gets it. Raises: Unavailable, SchemaTooOld."""
    from tales.infrastructure.postgres.database import find_ready_database

    ready = find_ready_database(settings.home, settings.database_url, settings.queue_database_url)
    if ready is not None:
        return ready
    from tales.infrastructure.migrations.prepare import prepare_schema

    database = find_database(settings)
    prepare_schema(database)
    return database


def chosen_provider(settings: Settings) -> ProviderChoice:
    """Which provider writes here, by what is set. Raises: InvalidInput."""
    from tales.infrastructure.providers.choice import choose_provider, through_proxy

    choice = choose_provider(
        openrouter_api_key=settings.openrouter_api_key,
        llm_base_url=settings.llm_base_url,
        llm_api_key=settings.llm_api_key,
        local_model=settings.local_model,
        models=settings.models,
    )
    return through_proxy(choice) if settings.use_proxy else choice


def prompt_renderer() -> TemplateRenderer:
    """What makes texts of prompt templates."""
    from tales.infrastructure.prompts.rendering import JinjaRenderer

    return JinjaRenderer()


def check_wish(settings: Settings, language: str, minutes: int | None) -> None:
    """Before anything is started: can this machine's models write this? Raises: InvalidInput."""
    chosen_provider(settings).abilities.check(language, minutes)


async def list_models(settings: Settings) -> tuple[KnownModel, ...]:
    """The fallback chain of this machine's provider, then the other models that have refused something."""
    from tales.domain.model_parameters import KnownModel
    from tales.infrastructure.repositories.model_parameters import ModelParameters

    choice = chosen_provider(settings)
    async with open_transactions(settings) as transactions:
        found = {(one.provider, one.model): one for one in await ModelParameters(transactions).known()}
    chain = [found.pop((choice.name, model), KnownModel(choice.name, model, {})) for model in choice.models]
    return (*chain, *found.values())


@asynccontextmanager
async def open_transactions(settings: Settings) -> AsyncIterator[SqlTransactions]:
    """The database's rows, for what needs neither a worker nor a listener."""
    from tales.infrastructure.clock import SystemClock
    from tales.infrastructure.postgres.engine import make_engine
    from tales.infrastructure.postgres.unit_of_work import SqlTransactions

    database = await asyncio.to_thread(ready_database, settings)
    engine = make_engine(
        database.app_url,
        behind_pooler=settings.behind_pooler,
        pool_size=settings.pool_size,
        overflow=settings.pool_overflow,
    )
    try:
        yield SqlTransactions(engine, SystemClock())
    finally:
        await engine.dispose()


async def list_workers(settings: Settings) -> tuple[WorkerState, ...]:
    """The workers that are alive, or were a while ago."""
    from tales.infrastructure.clock import SystemClock
    from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue

    async with open_transactions(settings) as transactions:
        return await SqlAttemptQueue(transactions, SystemClock()).workers()


def owner_url(settings: Settings) -> str:
    """The URL of the database's owner. The embedded server is started; an empty database gets its schema."""
    from tales.infrastructure.migrations.migrate import current_revision
    from tales.infrastructure.migrations.prepare import prepare_schema
    from tales.infrastructure.migrations.steps import BASE
    from tales.infrastructure.postgres.urls import libpq_url

    database = find_database(settings)
    if current_revision(database.owner_url) == BASE:
        prepare_schema(database)
    return libpq_url(database.owner_url)


def psql_command(settings: Settings) -> tuple[list[str], Mapping[str, str]]:
    """Psql for the database's owner, the machine's or the one that comes along: its arguments, and its variables."""
    from tales.infrastructure.embedded.cluster import programs
    from tales.infrastructure.postgres.urls import for_program

    where, secret = for_program(owner_url(settings))
    return [shutil.which("psql") or str(programs() / "psql"), where], secret


def back_up(settings: Settings, to: Path) -> Contents:
    """Write all that Tales keeps to the new file `to`. Raises: what `make_backup` does."""
    from tales.infrastructure.backup.dump import make_backup

    return make_backup(find_database(settings).owner_url, to)


def restore(settings: Settings, path: Path) -> Contents:
    """Restore a backup into a database that holds no user's rows. Raises: what `restore_backup` does, SchemaTooOld."""
    from tales.infrastructure.backup.restore import RestoreFailed, open_archive, restore_backup
    from tales.infrastructure.embedded.server import allow_app_login
    from tales.infrastructure.migrations.migrate import current_revision
    from tales.infrastructure.migrations.prepare import prepare_schema
    from tales.infrastructure.migrations.steps import BASE, newest_revision

    database = find_database(settings)
    archive = open_archive(database.owner_url, path)
    if archive.revision > newest_revision():
        raise RestoreFailed(f"{path} is of migration {archive.revision}, which this version of Tales does not know.")
    if current_revision(database.owner_url) == BASE:
        # For what belongs to no schema: the roles, and what they may be.
        prepare_schema(database)
    contents = restore_backup(database.owner_url, archive)
    if database.is_embedded:
        allow_app_login(database.owner_url)
    return contents


async def refresh_rollups(settings: Settings, report: Callable[[int], None], *, rebuild: bool) -> datetime | None:
    """Bring the rollups up to date, or make them anew; up to when they are complete. `report` is told of new hours."""
    from tales.infrastructure.repositories import rollups

    hours = 0
    async with open_transactions(settings) as transactions:
        if rebuild:
            async with transactions.as_service() as work:
                await work.session.execute(rollups.FORGET)
                await work.commit()
        while counted := await rollups.refresh(transactions, waits=True):
            hours += counted
            report(hours)
        async with transactions.as_service() as work:
            complete_until: datetime | None = await work.session.scalar(rollups.COMPLETE_UNTIL)
            return complete_until


def export_of(what: str, wanted: ReportFilter, *, contents: bool) -> Export:
    """What `export` is to hold; `contents`: what families and models wrote too."""
    from tales.infrastructure.export.tables import Export

    return Export(what, wanted, contents)


def export(settings: Settings, wanted: Export, to: Path, report: Callable[[int], None]) -> int:
    """Export rows of all families to the new file `to`, in the form that its name ends with; how many there were.

    Raises: InvalidInput, Unavailable, OSError.
    """
    from tales.domain.errors import InvalidInput
    from tales.files import new_file
    from tales.infrastructure.export.write import write_csv, write_jsonl, write_parquet

    forms = {".csv": write_csv, ".jsonl": write_jsonl, ".parquet": write_parquet}
    write = forms.get(to.suffix)
    if write is None:
        raise InvalidInput("to", f"{to} has no known form. Use a name that ends with one of: {', '.join(forms)}.")
    url = ready_database(settings).app_url
    with new_file(to) as file:
        return write(url, wanted, file, report)


def stop_database(settings: Settings) -> bool:
    """Stop the embedded server; False when it did not run."""
    from tales.infrastructure.embedded.server import stop_embedded

    return stop_embedded(settings.home)


def list_migrations(settings: Settings) -> tuple[Migration, ...]:
    """Every migration there is, in order."""
    from tales.infrastructure.migrations.migrate import migration_status

    return migration_status(find_database(settings).owner_url)


def migration_options(
    choices: Mapping[str, str],
    report: Callable[[str, int], None],
    *,
    until_expand: bool,
    consents: bool,
    max_rate: float | None,
) -> MigrationOptions:
    """How a migration is to go. `max_rate` in stories a second."""
    from tales.legacy.migrate import MigrationOptions
    from tales.legacy.pace import Pace

    pace = Pace(max_rate=max_rate)
    return MigrationOptions(choices, until_expand=until_expand, drops_not_null=consents, pace=pace, report=report)


def check_migration(settings: Settings, options: CheckOptions) -> Report:
    """Look at a legacy database before it is migrated; nothing is kept. Raises: UnknownShape, Unavailable."""
    from tales.legacy.check.check import check_migration

    return check_migration(find_database(settings).owner_url, options)


def verify_migration(settings: Settings) -> Verification:
    """Whether every story is linked to the attempt that wrote it, and the same as before."""
    from tales.legacy.verify import verify

    return verify(find_database(settings).owner_url)


def migrate_up(settings: Settings, to: str | None, options: MigrationOptions) -> str:
    """Migrate up. The migration that the database stands at then."""
    from tales.infrastructure.embedded.server import allow_app_login
    from tales.infrastructure.migrations.migrate import current_revision
    from tales.legacy.migrate import migrate_up

    database = find_database(settings)
    migrate_up(database.owner_url, to, options)
    if database.is_embedded:
        allow_app_login(database.owner_url)
    return current_revision(database.owner_url)


def open_schema(settings: Settings) -> OpenSchema | None:
    """What others may create in, of what the database searches by default."""
    from tales.infrastructure.postgres.open_schema import find_open_schema

    return find_open_schema(find_database(settings).owner_url)


def ends_the_old_application(settings: Settings, to: str | None) -> bool:
    """Whether migrating up to `to` goes past the point from which an application that has written stories fails."""
    from tales.infrastructure.migrations.steps import newest_revision
    from tales.legacy.migrate import CONTRACT, has_legacy_stories

    is_beyond = (to or newest_revision()) >= CONTRACT[0]
    return is_beyond and has_legacy_stories(find_database(settings).owner_url)


def migrate_down(settings: Settings, to: str, archive: str | None) -> tuple[str, tuple[str, ...]]:
    """Migrate down; `archive` is "table" or a file. The migration reached, and what could not be made as it was."""
    from tales.infrastructure.migrations.migrate import current_revision
    from tales.legacy.migrate import ARCHIVE_TABLE, migrate_down

    database = find_database(settings)
    place: Archive | None = ARCHIVE_TABLE if archive == ARCHIVE_TABLE else Path(archive) if archive else None
    warnings = migrate_down(database.owner_url, to, place)
    return current_revision(database.owner_url), warnings


def finish_migration(settings: Settings) -> tuple[str, ...]:
    """Give up the way down and drop what it needed. Sentences on what was done and what stays."""
    from tales.legacy.migrate import finish

    return finish(find_database(settings).owner_url)


async def simulate(host: str, port: int, dialect: str | None, on_ready: Callable[[str, str], None]) -> None:
    """Run the simulator; `on_ready` is told its base URL and a model. Raises: Unavailable (the port), InvalidInput."""
    from tales.domain.errors import Unavailable
    from tales.simulator.server import serve_simulator

    try:
        await serve_simulator(host, port, lambda simulator: on_ready(simulator.url, simulator.model), dialect)
    except OSError as error:
        raise Unavailable(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --port.") from None


def simulator_steps() -> str:
    """The steps that a simulated model's name is made of, as a table."""
    from tales.simulator.steps import steps_table

    return steps_table()
